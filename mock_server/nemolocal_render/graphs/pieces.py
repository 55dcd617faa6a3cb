"""One picture of a layer as a stream: turned, fitted, painted, faded, and of exact length."""

from collections.abc import Sequence
from typing import NamedTuple

from nemolocal_contract.effects import PictureEffect, Zoom

from ..timeline import Picture, RenderPlan, Shot
from .fitting import Size, cut_to_shape, fit_into, into_canvas, on_black, resize, shown_size
from .inputs import Graph, Stream, decimal
from .looks import GEOMETRY, POINTWISE, Moment, paint, spread, turn, turned
from .reading import read_moving, read_still

# Zoomed pictures keep their detail by being larger than they are shown; so much larger at most.
_LARGEST_WORK = 2.0
# What is cut has at least two pixels a side, since two share their colour.
_CUTTABLE = 2


class _Order(NamedTuple):
    """The effects of a shot: what is done at the source's size, and what after it is fitted."""

    turns: list[PictureEffect]
    rest: list[PictureEffect]


class _Sizes(NamedTuple):
    """The picture in its source once it is turned, while it is painted, and as it is shown."""

    natural: tuple[float, float]
    work: Size
    shown: Size


def is_clear(picture: Picture) -> bool:
    """Whether something below shows through a picture of an upper layer."""
    shot = picture.shot
    faint = shot.overlay is not None and shot.overlay.opacity < 1
    return shot.source.info.transparent or faint or picture.fades


def base_piece(picture: Picture, graph: Graph) -> Stream:
    """A picture of the main track: the whole canvas, on black, in yuv420p."""
    clear = picture.shot.source.info.transparent
    video = _painted(picture, graph, clear)
    video = into_canvas(video, picture.shot, graph.plan, clear)
    video = _lasting(on_black(video) if clear else video, picture, graph)
    return _faded(video, picture, graph, alpha=False)


def upper_piece(picture: Picture, graph: Graph, clear: bool) -> Stream:
    """A picture of an upper track, as large as it is shown there; see-through if `clear`."""
    shot = picture.shot
    video = _painted(picture, graph, clear)
    if shot.overlay is None:
        video = into_canvas(video, shot, graph.plan, clear)
    elif shot.overlay.opacity < 1:
        video = video.filter("lutyuv", a=f"val*{decimal(shot.overlay.opacity)}")
    return _faded(_lasting(video, picture, graph), picture, graph, alpha=True)


def size_of(shot: Shot, plan: RenderPlan) -> Size:
    """How large a shot is shown, without what fills the canvas around it."""
    return _sizes(shot, plan, _in_order(shot.looks)).shown


def place_of(shot: Shot, plan: RenderPlan) -> tuple[int, int]:
    """Where the top left corner of an upper shot stands, both even."""
    overlay = shot.overlay
    if overlay is None:
        return 0, 0
    width, height = size_of(shot, plan)
    margin = overlay.margin * min(plan.width, plan.height)
    row, _, column = overlay.position.partition("-")
    along = {"left": margin, "right": plan.width - width - margin}
    down = {"top": margin, "bottom": plan.height - height - margin}
    x = along.get(column, (plan.width - width) / 2)
    y = down.get(row, (plan.height - height) / 2)
    return round(x / 2) * 2, round(y / 2) * 2


def _painted(picture: Picture, graph: Graph, clear: bool) -> Stream:
    """The picture with its effects in its size; a still is one frame unless something moves."""
    shot = picture.shot
    order = _in_order(shot.looks)
    sizes = _sizes(shot, graph.plan, order)
    late = any(isinstance(effect, GEOMETRY) for effect in order.rest)
    video = read_still(picture, graph) if shot.still else read_moving(picture, graph)
    info = shot.source.info
    if min(info.width, info.height) < _CUTTABLE:
        video = video.filter("scale", "iw*2", "ih*2", flags="neighbor")
    for effect in order.turns:
        video = turn(video, effect)
    if not late:
        video = cut_to_shape(video, sizes.natural, shot, graph.plan)
    narrow = info.high_dynamic_range and graph.tone_mapping
    video = resize(video, sizes.work, clear, info, narrow)
    if shot.reverse and not shot.still:
        video = video.filter("reverse").filter("setpts", "N")
    moment, lasting = Moment(picture.first, shot.frames), not shot.still
    size: tuple[float, float] = sizes.work
    for effect in order.rest:
        if isinstance(effect, Zoom) and not lasting:
            video, lasting = _repeated(video, picture, graph), True
        video = turn(paint(video, effect, clear), effect)
        size = turned(size, effect)
        video = spread(video, effect, min(size), moment, clear)
    if late:
        video = cut_to_shape(video, size, shot, graph.plan)
    return resize(video, sizes.shown, clear) if late or sizes.work != sizes.shown else video


def _in_order(looks: Sequence[PictureEffect]) -> _Order:
    """Turning and cutting come first as far as the result is the same; they cost less there."""
    turns: list[PictureEffect] = []
    rest: list[PictureEffect] = []
    for effect in looks:
        early = isinstance(effect, GEOMETRY) and all(isinstance(e, POINTWISE) for e in rest)
        (turns if early else rest).append(effect)
    return _Order(turns, rest)


def _sizes(shot: Shot, plan: RenderPlan, order: _Order) -> _Sizes:
    natural = _after(order.turns, (shot.source.info.width, shot.source.info.height))
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
        size = turned(size, effect)
    return size


def _lasting(video: Stream, picture: Picture, graph: Graph) -> Stream:
    """A still for as long as it is shown; all else is as long as that already."""
    if not picture.shot.still or any(isinstance(e, Zoom) for e in picture.shot.looks):
        return video
    return _repeated(video, picture, graph)


def _repeated(video: Stream, picture: Picture, graph: Graph) -> Stream:
    video = video.filter("loop", loop=-1, size=1).filter("fps", graph.fps, start_time=0)
    return video.filter("trim", end_frame=picture.frames).filter("setpts", "N")


def _faded(video: Stream, picture: Picture, graph: Graph, alpha: bool) -> Stream:
    if not picture.fades:
        return video
    shot = picture.shot
    # Fades are told in frames of the whole shot.
    video = video.filter("setpts", f"N{picture.first:+d}")
    how = {"alpha": 1} if alpha else {}
    if shot.fade_in:
        video = video.filter("fade", type="in", st=0, d=graph.seconds(shot.fade_in), **how)
    if shot.fade_out:
        start = graph.seconds(shot.frames - shot.fade_out)
        video = video.filter("fade", type="out", st=start, d=graph.seconds(shot.fade_out), **how)
    return video.filter("setpts", "N")
