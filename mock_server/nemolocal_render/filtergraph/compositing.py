"""Build the streams of layers: clips joined by cuts and transitions, and overlaid."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from nemolocal_contract.effects import TransitionType

from ..planning.plan_splitting import group_transition_runs
from ..planning.render_plan import ClipSlice, Layer, RenderPlan, VideoClip
from .clip_streams import (
    Size,
    build_base_clip,
    build_upper_clip,
    compute_clip_position,
    compute_clip_size,
    is_transparent,
    place_on_transparent,
)
from .effect_filters import to_yuv
from .graph_builder import GraphBuilder, Stream

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


def build_base_track(layer: Layer, graph: GraphBuilder) -> Stream:
    """Return the main track from the first frame to the last, black in its gaps."""
    parts: list[Stream] = []
    at = 0
    for run in group_transition_runs(layer):
        if run[0].start_frame > at:
            parts.append(_black(run[0].start_frame - at, graph))
        parts += _run_parts(
            run, [build_base_clip(picture, graph) for picture in run], graph, clear=False
        )
        at = run[-1].end_frame
    if at < graph.plan.frames:
        parts.append(_black(graph.plan.frames - at, graph))
    return _concat(parts, graph)


def overlay_layer(video: Stream, layer: Layer, graph: GraphBuilder) -> Stream:
    """Overlay an upper layer on the video."""
    import ffmpeg

    for run in group_transition_runs(layer):
        top, x, y = _overlay_clip(run[0], graph) if len(run) == 1 else _overlay_run(run, graph)
        top = top.filter("setpts", f"N+{run[0].start_frame}") if run[0].start_frame else top
        video = ffmpeg.overlay(video, top, x=x, y=y, eof_action="pass", format="yuv420")
    return video


def _black(frames: int, graph: GraphBuilder) -> Stream:
    size = f"{graph.plan.width}x{graph.plan.height}"
    video = graph.add_lavfi_input(f"color=c=black:s={size}:r={graph.fps}").filter(
        "format", "yuv420p"
    )
    return video.filter("trim", end_frame=frames).filter("setsar", 1)


def _overlay_clip(picture: ClipSlice, graph: GraphBuilder) -> tuple[Stream, int, int]:
    return build_upper_clip(picture, graph, is_transparent(picture)), *compute_clip_position(
        picture.clip, graph.plan
    )


def _overlay_run(run: Layer, graph: GraphBuilder) -> tuple[Stream, int, int]:
    """Return a run with transitions: in its size if all clips share it, else on a canvas."""
    plan = graph.plan
    streams = [build_upper_clip(picture, graph, clear=True) for picture in run]
    places = [
        (_size(picture.clip, plan), compute_clip_position(picture.clip, plan)) for picture in run
    ]
    if len(set(places)) == 1:
        return _concat(_run_parts(run, streams, graph, clear=True), graph), *places[0][1]
    canvas = (plan.width, plan.height)
    streams = [
        place_on_transparent(stream, size, place, canvas)
        for stream, (size, place) in zip(streams, places, strict=True)
    ]
    # A dip to black or white would show on the whole canvas, not only on the small clips.
    without_dips = tuple(_without_dip(picture) for picture in run)
    return _concat(_run_parts(without_dips, streams, graph, clear=True), graph), 0, 0


def _size(clip: VideoClip, plan: RenderPlan) -> Size:
    is_small = clip.overlay is not None or clip.cell is not None
    return compute_clip_size(clip, plan) if is_small else (plan.width, plan.height)


def _without_dip(picture: ClipSlice) -> ClipSlice:
    transition = picture.transition_in
    if transition is None or transition.type not in ("fade-black", "fade-white"):
        return picture
    return msgspec.structs.replace(
        picture, transition_in=msgspec.structs.replace(transition, type="crossfade")
    )


def _run_parts(
    run: Layer, streams: Sequence[Stream], graph: GraphBuilder, clear: bool
) -> list[Stream]:
    """Return the parts of a run in order: each clip by itself, and the transitions between."""
    lengths = [picture.transition_in.frames if picture.transition_in else 0 for picture in run] + [
        0
    ]
    parts: list[Stream] = []
    tail: Stream = None
    for picture, stream, (head, after) in zip(run, streams, pairwise(lengths), strict=True):
        cuts = [0, head, picture.frames - after, picture.frames]
        first, body, last = _cut(stream, cuts)
        if picture.transition_in:
            parts.append(_xfade(tail, first, picture, graph, clear))
        if body is not None:
            parts.append(body)
        tail = last
    return parts


def _cut(stream: Stream, cuts: Sequence[int]) -> list[Stream]:
    """Return the stream between each two cuts, None where it is empty."""
    spans = [(begin, end) if end > begin else None for begin, end in pairwise(cuts)]
    count = sum(span is not None for span in spans)
    if count == 1:
        return [stream if span else None for span in spans]
    copies = iter(stream.filter_multi_output("split", count)[n] for n in range(count))
    return [_between(next(copies), *span) if span else None for span in spans]


def _between(stream: Stream, begin: int, end: int) -> Stream:
    return stream.filter("trim", start_frame=begin, end_frame=end).filter("setpts", "N")


def _xfade(
    before: Stream, after: Stream, picture: ClipSlice, graph: GraphBuilder, clear: bool
) -> Stream:
    import ffmpeg

    assert picture.transition_in is not None
    sides = [_prepare_for_xfade(side, clear) for side in (before, after)]
    how = {"transition": _XFADES[picture.transition_in.type], "offset": 0}
    mixed = ffmpeg.filter(
        sides, "xfade", duration=graph.seconds(picture.transition_in.frames), **how
    )
    if clear:
        return to_yuv(mixed.filter("unpremultiply", inplace=1), clear)
    return mixed.filter("format", "yuv420p")


def _prepare_for_xfade(side: Stream, clear: bool) -> Stream:
    """Premultiply transparent pictures, or their hidden colours would darken the transition."""
    if clear:
        return side.filter("format", "gbrap").filter("premultiply", inplace=1)
    return side.filter("format", "yuv444p")


def _concat(parts: Sequence[Stream], graph: GraphBuilder) -> Stream:
    """Join parts; every frame gets its exact time, which `concat` rounds to microseconds."""
    import ffmpeg

    video = ffmpeg.concat(*parts, v=1, a=0) if len(parts) > 1 else parts[0]
    fps = graph.plan.fps
    return video.filter("settb", f"{fps.denominator}/{fps.numerator}").filter("setpts", "N")
