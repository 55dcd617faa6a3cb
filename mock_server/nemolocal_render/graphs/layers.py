"""Layers as streams: pictures one after the other, mixed where they go over, and laid over."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from nemolocal_contract.effects import TransitionType

from ..layers import runs_of
from ..timeline import Layer, Picture, RenderPlan, Shot
from .fitting import Size, on_clear
from .inputs import Graph, Stream
from .looks import to_yuv
from .pieces import base_piece, is_clear, place_of, size_of, upper_piece

_XFADES: dict[TransitionType, str] = {
    "crossfade": "fade",
    "fade-black": "fadeblack",
    "fade-white": "fadewhite",
    "wipe-left": "wipeleft",
    "wipe-right": "wiperight",
    "wipe-up": "wipeup",
    "wipe-down": "wipedown",
    "slide-left": "slideleft",
    "slide-right": "slideright",
    "slide-up": "slideup",
    "slide-down": "slidedown",
    "circle": "circleopen",
    "dissolve": "dissolve",
    "pixelate": "pixelize",
}


def base(layer: Layer, graph: Graph) -> Stream:
    """The main track from the first frame to the last, black where it has nothing."""
    parts: list[Stream] = []
    at = 0
    for run in runs_of(layer):
        if run[0].at > at:
            parts.append(_black(run[0].at - at, graph))
        parts += _run(run, [base_piece(picture, graph) for picture in run], graph, clear=False)
        at = run[-1].end
    if at < graph.plan.frames:
        parts.append(_black(graph.plan.frames - at, graph))
    return _in_a_row(parts, graph)


def lay_over(video: Stream, layer: Layer, graph: Graph) -> Stream:
    """The video with an upper layer over it."""
    import ffmpeg

    for run in runs_of(layer):
        top, x, y = _alone(run[0], graph) if len(run) == 1 else _together(run, graph)
        top = top.filter("setpts", f"N+{run[0].at}") if run[0].at else top
        video = ffmpeg.overlay(video, top, x=x, y=y, eof_action="pass", format="yuv420")
    return video


def _black(frames: int, graph: Graph) -> Stream:
    size = f"{graph.plan.width}x{graph.plan.height}"
    video = graph.generate(f"color=c=black:s={size}:r={graph.fps}").filter("format", "yuv420p")
    return video.filter("trim", end_frame=frames).filter("setsar", 1)


def _alone(picture: Picture, graph: Graph) -> tuple[Stream, int, int]:
    return upper_piece(picture, graph, is_clear(picture)), *place_of(picture.shot, graph.plan)


def _together(run: Layer, graph: Graph) -> tuple[Stream, int, int]:
    """A run with transitions: in its own size where that is one, else on a clear canvas."""
    plan = graph.plan
    streams = [upper_piece(picture, graph, clear=True) for picture in run]
    places = [(_size(picture.shot, plan), place_of(picture.shot, plan)) for picture in run]
    if len(set(places)) == 1:
        return _in_a_row(_run(run, streams, graph, clear=True), graph), *places[0][1]
    canvas = (plan.width, plan.height)
    streams = [
        on_clear(stream, size, place, canvas)
        for stream, (size, place) in zip(streams, places, strict=True)
    ]
    # Only the small pictures may go to black or white, not all that is below them.
    soft = tuple(_softened(picture) for picture in run)
    return _in_a_row(_run(soft, streams, graph, clear=True), graph), 0, 0


def _size(shot: Shot, plan: RenderPlan) -> Size:
    return size_of(shot, plan) if shot.overlay else (plan.width, plan.height)


def _softened(picture: Picture) -> Picture:
    mix = picture.mix
    if mix is None or mix.type not in ("fade-black", "fade-white"):
        return picture
    return msgspec.structs.replace(picture, mix=msgspec.structs.replace(mix, type="crossfade"))


def _run(run: Layer, streams: Sequence[Stream], graph: Graph, clear: bool) -> list[Stream]:
    """The parts of a run in a row: what each picture has alone, and the mixes between."""
    mixes = [picture.mix.frames if picture.mix else 0 for picture in run] + [0]
    parts: list[Stream] = []
    tail: Stream = None
    for picture, stream, (head, behind) in zip(run, streams, pairwise(mixes), strict=True):
        cuts = [0, head, picture.frames - behind, picture.frames]
        first, body, last = _cut(stream, cuts)
        if picture.mix:
            parts.append(_mix(tail, first, picture, graph, clear))
        if body is not None:
            parts.append(body)
        tail = last
    return parts


def _cut(stream: Stream, cuts: Sequence[int]) -> list[Stream]:
    """The stream between each two of the cuts, None where that is nothing."""
    spans = [(begin, end) if end > begin else None for begin, end in pairwise(cuts)]
    count = sum(span is not None for span in spans)
    if count == 1:
        return [stream if span else None for span in spans]
    copies = iter(stream.filter_multi_output("split", count)[n] for n in range(count))
    return [_between(next(copies), *span) if span else None for span in spans]


def _between(stream: Stream, begin: int, end: int) -> Stream:
    return stream.filter("trim", start_frame=begin, end_frame=end).filter("setpts", "N")


def _mix(before: Stream, after: Stream, picture: Picture, graph: Graph, clear: bool) -> Stream:
    import ffmpeg

    assert picture.mix is not None
    sides = [_mixable(side, clear) for side in (before, after)]
    how = {"transition": _XFADES[picture.mix.type], "offset": 0}
    mixed = ffmpeg.filter(sides, "xfade", duration=graph.seconds(picture.mix.frames), **how)
    if clear:
        return to_yuv(mixed.filter("unpremultiply", inplace=1), clear)
    return mixed.filter("format", "yuv420p")


def _mixable(side: Stream, clear: bool) -> Stream:
    """What cannot be seen must not darken the mix: its colour counts for nothing."""
    if clear:
        return side.filter("format", "gbrap").filter("premultiply", inplace=1)
    return side.filter("format", "yuv444p")


def _in_a_row(parts: Sequence[Stream], graph: Graph) -> Stream:
    """The parts joined; every frame gets its exact place, which joining counts in microseconds."""
    import ffmpeg

    video = ffmpeg.concat(*parts, v=1, a=0) if len(parts) > 1 else parts[0]
    fps = graph.plan.fps
    return video.filter("settb", f"{fps.denominator}/{fps.numerator}").filter("setpts", "N")
