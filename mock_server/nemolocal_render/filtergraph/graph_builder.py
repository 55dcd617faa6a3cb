"""One filter graph that is being built: its plan, its inputs, and what their names stand for.

Inputs get names of our own in the graph (`input-0`), which are exchanged for paths after it has
been compiled: equal inputs stay apart, and no path and no text of a user is ever in a graph.
"""

from typing import Any

from ..media import DECODERS, DEMUXERS, MediaSource
from ..planning.render_plan import RenderPlan

# From here on every decoder gets one thread, or memory grows with the number of clips.
_MANY_INPUTS = 4

Stream = Any
"""A stream of ffmpeg-python, which has no types."""


class GraphBuilder:
    """What the builders of a graph share; `tone_mapping` says whether FFmpeg can do that."""

    def __init__(self, plan: RenderPlan, cores: int, tone_mapping: bool) -> None:
        self.plan = plan
        self.tone_mapping = tone_mapping
        self.input_urls: dict[str, str] = {}
        clips = sum(map(len, plan.layers)) + sum(map(len, plan.audio_tracks))
        self._threads = 1 if clips > _MANY_INPUTS else cores

    @property
    def fps(self) -> str:
        """Frames per second as a fraction."""
        return f"{self.plan.fps.numerator}/{self.plan.fps.denominator}"

    def seconds(self, frames: int) -> str:
        """How long frames last."""
        return decimal(float(frames / self.plan.fps))

    def open_input(
        self,
        source: MediaSource,
        start: float,
        seconds: float | None,
        changing: bool = False,
    ) -> Stream:
        """A part of a file: only this demuxer, these decoders, no protocol but files.

        Without `seconds` it has no end, and begins with the frame of `start` or, at negative
        times, frames before it. An animated picture begins anew whenever it ends, and always at
        its beginning. A stream that is `changing` begins the graph anew when it changes its form.
        """
        demuxer = DEMUXERS[source.info.extension]
        options: dict[str, Any] = {
            "format": demuxer,
            "format_whitelist": demuxer,
            "codec_whitelist": ",".join(DECODERS),
            "protocol_whitelist": "file",
            "max_pixels": 33_177_600,
            "max_streams": 16,
            # A picture may change its size half way: the graph goes on with it at its first
            # shape, where FFmpeg would build the graph again and wait for frames that are gone.
            "reinit_filter": int(changing),
            "threads": self._threads,
        }
        if source.info.is_animated:
            options["ignore_loop"] = 0
        elif start + source.info.origin:
            options["ss"] = decimal(start + source.info.origin)
        if seconds is None:
            # Else a frame that began before `start` and stands there for long would be lost.
            options["noaccurate_seek"] = None
        else:
            options["t"] = decimal(seconds)
        return self._add(f"file:{source.path.absolute()}", options)

    def add_lavfi_input(self, description: str) -> Stream:
        """A generated picture; the description is ours."""
        return self._add(description, {"format": "lavfi"})

    def _add(self, meaning: str, options: dict[str, Any]) -> Stream:
        import ffmpeg

        name = f"input-{len(self.input_urls)}"
        self.input_urls[name] = meaning
        return ffmpeg.input(name, **options)


def decimal(value: float) -> str:
    """A number as FFmpeg reads it, to the microsecond."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
