"""The state of a filter graph that is being built: its plan and its inputs.

Inputs have generated names in the graph (`input-0`), which are replaced by paths after compilation:
so the same file can be opened twice, and no path or text of a user is ever in a graph.
"""

from typing import Any

from ..media import DECODERS, DEMUXERS, MediaSource
from ..planning.render_plan import RenderPlan

# With more inputs every decoder gets one thread, or memory would grow with the number of clips.
_MANY_INPUTS = 4

Stream = Any
"""A stream of ffmpeg-python, which has no type hints."""


class GraphBuilder:
    """The plan and inputs of a graph; `tone_mapping` says whether FFmpeg supports it.

    With `motion_measured`, there are files with the movements of stabilized clips.
    """

    def __init__(
        self, plan: RenderPlan, cores: int, tone_mapping: bool, motion_measured: bool = False
    ) -> None:
        self.plan = plan
        self.tone_mapping = tone_mapping
        self.motion_measured = motion_measured
        self.input_urls: dict[str, str] = {}
        clips = sum(map(len, plan.layers)) + sum(map(len, plan.audio_tracks))
        self._threads = 1 if clips > _MANY_INPUTS else cores

    @property
    def fps(self) -> str:
        """The frame rate as a fraction."""
        return f"{self.plan.fps.numerator}/{self.plan.fps.denominator}"

    def seconds(self, frames: int) -> str:
        """Return the duration of frames in seconds."""
        return decimal(float(frames / self.plan.fps))

    def open_input(
        self,
        source: MediaSource,
        start: float,
        seconds: float | None,
        changing: bool = False,
    ) -> Stream:
        """Open a part of a file with its demuxer, the allowed decoders and only the file protocol.

        Without `seconds` it has no end, and begins with the frame at `start`; frames before it have
        negative times. An animated image loops, and is always opened at its beginning. With
        `changing`, FFmpeg reconfigures the graph when the format of the stream changes.
        """
        demuxer = DEMUXERS[source.info.extension]
        options: dict[str, Any] = {
            "format": demuxer,
            "format_whitelist": demuxer,
            "codec_whitelist": ",".join(DECODERS),
            "protocol_whitelist": "file",
            "max_pixels": 33_177_600,
            "max_streams": 16,
            # A video may change its size: the graph scales it to the first one. If FFmpeg rebuilt
            # the graph, it would wait for frames that are gone.
            "reinit_filter": int(changing),
            "threads": self._threads,
        }
        if source.info.is_animated:
            options["ignore_loop"] = 0
        elif start + source.info.origin:
            options["ss"] = decimal(start + source.info.origin)
        if seconds is None:
            # Or a long frame that began before `start` would be lost.
            options["noaccurate_seek"] = None
        else:
            options["t"] = decimal(seconds)
        return self._add(f"file:{source.path.absolute()}", options)

    def add_lavfi_input(self, description: str) -> Stream:
        """Add a generated video; the description never contains user input."""
        return self._add(description, {"format": "lavfi"})

    def _add(self, url: str, options: dict[str, Any]) -> Stream:
        import ffmpeg

        name = f"input-{len(self.input_urls)}"
        self.input_urls[name] = url
        return ffmpeg.input(name, **options)


def decimal(value: float) -> str:
    """Format a number for FFmpeg, to the microsecond."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
