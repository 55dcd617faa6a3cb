"""The filter graph of a plan: the only module that knows ffmpeg-python.

Inputs get names of our own in the graph (`input-0`), which are exchanged for paths after it has
been compiled: equal inputs stay apart, and no path and no text of a user is ever in a graph.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from . import encoders
from .media import DECODERS, DEMUXERS
from .timeline import SAMPLE_RATE, Picture, RenderPlan, Sound, Source

GRAPH_FILE = "graph.txt"
TITLES_FILE = "titles.ass"
FONTS_FOLDER = "fonts"
RENDER_FILE = "render.mp4"

# From here on every decoder gets one thread, or memory grows with the number of clips.
_MANY_INPUTS = 8
# Seconds read beyond what is needed, so that rounding takes no frame and no sample away.
_MARGIN = 0.1
_SINK = "render"


class Command(msgspec.Struct, frozen=True):
    """FFmpeg's arguments, to be run in the job folder, and the text of GRAPH_FILE there."""

    arguments: tuple[str, ...]
    graph: str


class _Inputs:
    """The inputs of one graph: a stream for each, and what their names stand for."""

    def __init__(self, plan: RenderPlan) -> None:
        self.meaning: dict[str, str] = {}
        clips = sum(p.source is not None for p in plan.pictures) + sum(map(len, plan.lanes))
        self._threads = {"threads": 1} if clips > _MANY_INPUTS else {}

    def open(self, source: Source, start: float, seconds: float) -> Any:
        """A part of a file: only this demuxer, these decoders, no protocol but files."""
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
            "reinit_filter": 0,
            "t": _decimal(seconds),
            **self._threads,
        }
        if start:
            options["ss"] = _decimal(start)
        if source.info.animated:
            options["ignore_loop"] = 0
        return self._add(f"file:{source.path.absolute()}", options)

    def generate(self, description: str) -> Any:
        """A generated picture; the description is ours."""
        return self._add(description, {"format": "lavfi"})

    def _add(self, meaning: str, options: dict[str, Any]) -> Any:
        import ffmpeg

        name = f"input-{len(self.meaning)}"
        self.meaning[name] = meaning
        return ffmpeg.input(name, **options)


def build_command(plan: RenderPlan, encoder: str) -> Command:
    """The command that renders a plan with an encoder, to be run in the job folder."""
    import ffmpeg

    inputs = _Inputs(plan)
    streams = [_video(plan, encoder, inputs)]
    if plan.lanes:
        streams.append(_audio(plan, inputs))
    compiled = ffmpeg.compile(ffmpeg.output(*streams, _SINK))[1:]
    at = compiled.index("-filter_complex")
    graph = compiled[at + 1]
    named = [inputs.meaning.get(argument, argument) for argument in compiled[:at]]
    # What stands between the graph and the sink maps the graph's ends to the file.
    maps = compiled[at + 2 : compiled.index(_SINK)]
    arguments = (
        *("-progress", "pipe:1", *encoders.device_arguments(encoder), *named),
        *("-/filter_complex", GRAPH_FILE, *maps, *_output(plan, encoder)),
    )
    return Command(arguments, graph)


def _output(plan: RenderPlan, encoder: str) -> list[str]:
    color = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
    sound = ["-c:a", "aac", "-b:a", str(plan.encoding.audio_rate), "-ar", str(SAMPLE_RATE)]
    longest = max(plan.duration, plan.samples / SAMPLE_RATE)
    return [
        *encoders.video_arguments(encoder, plan.encoding),
        *(("-pix_fmt", "yuv420p") if encoder == encoders.SOFTWARE else ()),
        *(*color, "-color_range", "tv"),
        *(sound if plan.lanes else ["-an"]),
        *("-map_metadata", "-1", "-map_chapters", "-1", "-movflags", "+faststart"),
        *("-frames:v", str(plan.frames), "-t", _decimal(longest + 1)),
        *("-f", "mp4", f"file:{RENDER_FILE}"),
    ]


def _video(plan: RenderPlan, encoder: str, inputs: _Inputs) -> Any:
    import ffmpeg

    pieces = [_picture(picture, plan, inputs) for picture in plan.pictures]
    video = ffmpeg.concat(*pieces, v=1, a=0) if len(pieces) > 1 else pieces[0]
    # Concat counts in microseconds; every frame gets its exact place back.
    video = video.filter("settb", f"{plan.fps.denominator}/{plan.fps.numerator}")
    video = video.filter("setpts", "N")
    if plan.titles:
        video = video.filter("ass", TITLES_FILE, fontsdir=FONTS_FOLDER)
    video = video.filter("format", encoders.pixel_format(encoder))
    for name in encoders.upload_filters(encoder):
        video = video.filter(name)
    return video


def _picture(picture: Picture, plan: RenderPlan, inputs: _Inputs) -> Any:
    fps = f"{plan.fps.numerator}/{plan.fps.denominator}"
    if picture.source is None:
        size = f"{plan.width}x{plan.height}"
        video = inputs.generate(f"color=c=black:s={size}:r={fps}").filter("format", "yuv420p")
        return video.filter("trim", end_frame=picture.frames).filter("setsar", 1)
    if picture.source.info.kind == "image" and not picture.source.info.animated:
        video = _fit(inputs.open(picture.source, 0, 1)["V:0"], picture.source, plan)
        video = video.filter("trim", end_frame=1).filter("setpts", 0)
        video = video.filter("loop", loop=-1, size=1).filter("fps", fps, start_time=0)
    else:
        video = _fit(_moving(picture, plan, inputs, fps), picture.source, plan)
    # A source may end a frame early; its last picture stays until the piece is complete.
    video = video.filter("tpad", stop_mode="clone", stop=-1)
    video = video.filter("trim", end_frame=picture.frames)
    return _fade(video, picture)


def _moving(picture: Picture, plan: RenderPlan, inputs: _Inputs, fps: str) -> Any:
    assert picture.source is not None
    # The frame that is seen at `start` may have begun before it: read from half a frame earlier.
    rate = picture.source.info.fps
    begin = max(picture.start - (0.5 / rate if rate else 0.0), 0.0)
    lead = picture.start - begin
    seconds = float(picture.frames / plan.fps) * picture.speed + lead
    video = inputs.open(picture.source, begin, seconds + _MARGIN)["V:0"]
    # Before `fps`, which would fill any gap in the timestamps with copies of a frame.
    video = video.filter("trim", end=_decimal(seconds + _MARGIN))
    shifted = f"(PTS-{_decimal(lead)}/TB)/{_decimal(picture.speed)}"
    return video.filter("setpts", shifted).filter("fps", fps, start_time=0)


def _fit(video: Any, source: Source, plan: RenderPlan) -> Any:
    if source.info.transparent:
        video = video.filter("format", "gbrap").filter("premultiply", inplace=1)
        video = video.filter("format", "gbrp")
    size = {"force_original_aspect_ratio": "decrease", "force_divisible_by": 2}
    # Square pixels first: the fit below looks at the numbers of pixels only.
    video = video.filter("scale", "round(iw*sar)", "ih")
    video = video.filter(
        "scale", plan.width, plan.height, out_color_matrix="bt709", out_range="tv", **size
    )
    video = video.filter("format", "yuv420p")
    return video.filter("pad", plan.width, plan.height, -1, -1).filter("setsar", 1)


def _fade(video: Any, picture: Picture) -> Any:
    if picture.fade_in:
        video = video.filter("fade", type="in", start_frame=0, nb_frames=picture.fade_in)
    if picture.fade_out:
        first = picture.frames - picture.fade_out
        video = video.filter("fade", type="out", start_frame=first, nb_frames=picture.fade_out)
    return video


def _audio(plan: RenderPlan, inputs: _Inputs) -> Any:
    import ffmpeg

    lanes = [_lane(lane, inputs) for lane in plan.lanes]
    audio = lanes[0]
    if len(lanes) > 1:
        mixing = {"inputs": len(lanes), "normalize": 0, "duration": "longest"}
        audio = ffmpeg.filter(lanes, "amix", **mixing)
    audio = audio.filter("alimiter", limit=0.97, level=0, latency=1)
    audio = audio.filter("apad", whole_len=plan.samples)
    return audio.filter("atrim", end_sample=plan.samples)


def _lane(lane: tuple[Sound, ...], inputs: _Inputs) -> Any:
    import ffmpeg

    pieces = list(_pieces(lane, inputs))
    audio = ffmpeg.concat(*pieces, v=0, a=1) if len(pieces) > 1 else pieces[0]
    return audio.filter("adelay", f"{lane[0].at}S", all=1) if lane[0].at else audio


def _pieces(lane: tuple[Sound, ...], inputs: _Inputs) -> Iterator[Any]:
    """Each sound, followed by silence until the next one starts."""
    for sound, after in zip(lane, (*lane[1:], None), strict=True):
        length = after.at - sound.at if after else sound.samples
        yield _sound(sound, inputs).filter("apad", whole_len=length)


def _sound(sound: Sound, inputs: _Inputs) -> Any:
    seconds = sound.samples / SAMPLE_RATE * sound.speed
    audio = inputs.open(sound.source, sound.start, seconds + _MARGIN)["a:0"]
    # Silence where the source has none yet or has a gap, so that sound stays with its picture.
    audio = audio.filter("atrim", start=0, end=_decimal(seconds + _MARGIN))
    audio = audio.filter("aresample", SAMPLE_RATE, **{"async": 1, "first_pts": 0})
    layout = {"sample_fmts": "fltp", "sample_rates": SAMPLE_RATE, "channel_layouts": "stereo"}
    audio = audio.filter("aformat", **layout)
    for factor in _tempos(sound.speed):
        audio = audio.filter("atempo", _decimal(factor))
    audio = audio.filter("apad", whole_len=sound.samples)
    audio = audio.filter("atrim", end_sample=sound.samples).filter("volume", _decimal(sound.volume))
    return _fade_sound(audio, sound)


def _tempos(speed: float) -> list[float]:
    """Factors whose product is the speed, each from 0.5 to 2, beyond which `atempo` skips."""
    if speed == 1:
        return []
    return [speed] if 0.5 <= speed <= 2 else [speed**0.5] * 2


def _fade_sound(audio: Any, sound: Sound) -> Any:
    if sound.fade_in:
        audio = audio.filter("afade", type="in", start_sample=0, nb_samples=sound.fade_in)
    if sound.fade_out:
        first = sound.samples - sound.fade_out
        audio = audio.filter("afade", type="out", start_sample=first, nb_samples=sound.fade_out)
    return audio


def _decimal(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
