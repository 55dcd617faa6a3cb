"""One picture of a layer as a stream: turned, fitted, painted, faded, and of exact length."""

from collections.abc import Sequence
from typing import NamedTuple

from nemolocal_contract.effects import PictureEffect, Zoom

from ..planning.render_plan import ClipSlice, RenderPlan, VideoClip
from .effect_filters import (
    GEOMETRY_EFFECTS,
    POINTWISE_EFFECTS,
    FrameWindow,
    apply_color,
    apply_geometry,
    apply_spatial,
    transform_size,
)
from .graph_builder import GraphBuilder, Stream, decimal
from .scaling import (
    Size,
    crop_to_canvas,
    fit_into,
    flatten_on_black,
    pad_to_canvas,
    resize,
    shown_size,
)
from .source_streams import read_moving_frames, read_still_frame

# Zoomed pictures keep their detail by being larger than they are shown; so much larger at most.
_LARGEST_WORK = 2.0
# What is cut has at least two pixels a side, since two share their colour.
_CUTTABLE = 2


class _EffectOrder(NamedTuple):
    """The effects of a shot: what is done at the source's size, and what after it is fitted."""

    geometry: list[PictureEffect]
    rest: list[PictureEffect]


class _Sizes(NamedTuple):
    """The picture in its source once it is turned, while it is painted, and as it is shown."""

    natural: tuple[float, float]
    work: Size
    shown: Size


def is_transparent(picture: ClipSlice) -> bool:
    """Whether something below shows through a picture of an upper layer."""
    shot = picture.clip
    faint = shot.overlay is not None and shot.overlay.opacity < 1
    return shot.source.info.has_alpha or faint or picture.has_fade


def build_base_clip(picture: ClipSlice, graph: GraphBuilder) -> Stream:
    """A picture of the main track: the whole canvas, on black, in yuv420p."""
    clear = picture.clip.source.info.has_alpha
    video = _apply_effects(picture, graph, clear)
    video = pad_to_canvas(video, picture.clip, graph.plan, clear)
    video = _extend_still(flatten_on_black(video) if clear else video, picture, graph)
    return _apply_fades(video, picture, graph, alpha=False)


def build_upper_clip(picture: ClipSlice, graph: GraphBuilder, clear: bool) -> Stream:
    """A picture of an upper track, as large as it is shown there; see-through if `clear`."""
    shot = picture.clip
    video = _apply_effects(picture, graph, clear)
    if shot.overlay is None:
        video = pad_to_canvas(video, shot, graph.plan, clear)
    elif shot.overlay.opacity < 1:
        video = video.filter("lutyuv", a=f"val*{decimal(shot.overlay.opacity)}")
    return _apply_fades(_extend_still(video, picture, graph), picture, graph, alpha=True)


def compute_clip_size(shot: VideoClip, plan: RenderPlan) -> Size:
    """How large a shot is shown, without what fills the canvas around it."""
    return _sizes(shot, plan, _order_effects(shot.effects)).shown


def compute_clip_position(shot: VideoClip, plan: RenderPlan) -> tuple[int, int]:
    """Where the top left corner of an upper shot stands, both even."""
    overlay = shot.overlay
    if overlay is None:
        return 0, 0
    width, height = compute_clip_size(shot, plan)
    margin = overlay.margin * min(plan.width, plan.height)
    row, _, column = overlay.position.partition("-")
    along = {"left": margin, "right": plan.width - width - margin}
    down = {"top": margin, "bottom": plan.height - height - margin}
    x = along.get(column, (plan.width - width) / 2)
    y = down.get(row, (plan.height - height) / 2)
    return round(x / 2) * 2, round(y / 2) * 2


def _apply_effects(picture: ClipSlice, graph: GraphBuilder, clear: bool) -> Stream:
    """The picture with its effects in its size; a still is one frame unless something moves."""
    shot = picture.clip
    order = _order_effects(shot.effects)
    sizes = _sizes(shot, graph.plan, order)
    late = any(isinstance(effect, GEOMETRY_EFFECTS) for effect in order.rest)
    video = (
        read_still_frame(picture, graph) if shot.is_still else read_moving_frames(picture, graph)
    )
    info = shot.source.info
    if min(info.width, info.height) < _CUTTABLE:
        video = video.filter("scale", "iw*2", "ih*2", flags="neighbor")
    for effect in order.geometry:
        video = apply_geometry(video, effect)
    if not late:
        video = crop_to_canvas(video, sizes.natural, shot, graph.plan)
    narrow = info.is_hdr and graph.tone_mapping
    video = resize(video, sizes.work, clear, info, narrow)
    if shot.reverse and not shot.is_still:
        video = video.filter("reverse").filter("setpts", "N")
    moment, lasting = FrameWindow(picture.first_clip_frame, shot.frames), not shot.is_still
    size: tuple[float, float] = sizes.work
    for effect in order.rest:
        if isinstance(effect, Zoom) and not lasting:
            video, lasting = _loop_frame(video, picture, graph), True
        video = apply_geometry(apply_color(video, effect, clear), effect)
        size = transform_size(size, effect)
        video = apply_spatial(video, effect, min(size), moment, clear)
    if late:
        video = crop_to_canvas(video, size, shot, graph.plan)
    return resize(video, sizes.shown, clear) if late or sizes.work != sizes.shown else video


def _order_effects(looks: Sequence[PictureEffect]) -> _EffectOrder:
    """Turning and cutting come first as far as the result is the same; they cost less there."""
    turns: list[PictureEffect] = []
    rest: list[PictureEffect] = []
    for effect in looks:
        early = isinstance(effect, GEOMETRY_EFFECTS) and all(
            isinstance(e, POINTWISE_EFFECTS) for e in rest
        )
        (turns if early else rest).append(effect)
    return _EffectOrder(turns, rest)


def _sizes(shot: VideoClip, plan: RenderPlan, order: _EffectOrder) -> _Sizes:
    natural = _after(order.geometry, (shot.source.info.width, shot.source.info.height))
    final = _after(order.rest, natural)
    shown = shown_size(shot, plan, final)
    if final != natural:
        return _Sizes(natural, fit_into(natural, shown_size(shot, plan, natural)), shown)
    scales = [max(e.start, e.end) for e in order.rest if isinstance(e, Zoom)]
    detail = min(natural[0] / shown[0], natural[1] / shown[1], _LARGEST_WORK)
    larger = max(min(max(scales, default=1.0), detail), 1.0)
    return _Sizes(
        natural, (round(shown[0] * larger / 2) * 2, round(shown[1] * larger / 2) * 2), shown
    )


def _after(effects: Sequence[PictureEffect], size: tuple[float, float]) -> tuple[float, float]:
    for effect in effects:
        size = transform_size(size, effect)
    return size


def _extend_still(video: Stream, picture: ClipSlice, graph: GraphBuilder) -> Stream:
    """A still for as long as it is shown; all else is as long as that already."""
    if not picture.clip.is_still or any(isinstance(e, Zoom) for e in picture.clip.effects):
        return video
    return _loop_frame(video, picture, graph)


def _loop_frame(video: Stream, picture: ClipSlice, graph: GraphBuilder) -> Stream:
    video = video.filter("loop", loop=-1, size=1).filter("fps", graph.fps, start_time=0)
    return video.filter("trim", end_frame=picture.frames).filter("setpts", "N")


def _apply_fades(video: Stream, picture: ClipSlice, graph: GraphBuilder, alpha: bool) -> Stream:
    if not picture.has_fade:
        return video
    shot = picture.clip
    # Fades are told in frames of the whole shot.
    video = video.filter("setpts", f"N{picture.first_clip_frame:+d}")
    how = {"alpha": 1} if alpha else {}
    if shot.fade_in:
        video = video.filter("fade", type="in", st=0, d=graph.seconds(shot.fade_in), **how)
    if shot.fade_out:
        start = graph.seconds(shot.frames - shot.fade_out)
        video = video.filter("fade", type="out", st=start, d=graph.seconds(shot.fade_out), **how)
    return video.filter("setpts", "N")
