"""Build the stream of one clip: its frames, scaled, with effects and fades, of exact length."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from nemolocal_contract.effects import Lut, PictureEffect, Zoom

from ..media import MediaInfo
from ..planning.render_plan import ClipSlice, RenderPlan, VideoClip
from .composition_filters import compute_cell, place_on_color
from .effect_filters import (
    GEOMETRY_EFFECTS,
    POINTWISE_EFFECTS,
    FrameWindow,
    apply_at_source,
    apply_color,
    apply_geometry,
    apply_spatial,
    is_lasting,
    to_yuv,
    transform_size,
)
from .graph_builder import GraphBuilder, Stream, decimal
from .lut_filters import apply_lut
from .motion_filters import interpolate, measure_motion, stabilize
from .preset_filters import COLOR_VALUES

Size = tuple[int, int]

# The blurred background is computed at 1/8 size for speed; the blur is a share of its short side.
_SMALLER = 8
_FAR = 0.04
_PEAK_NITS = 203
_HIGH_DEFINITION = 720
# For pictures that already have the colours of the render.
_NORMALIZED = MediaInfo("image", "")


def shown_size(clip: VideoClip, plan: RenderPlan, natural: tuple[float, float]) -> Size:
    """Return the displayed size of a picture with these proportions, both sides even."""
    width, height = natural
    if clip.overlay is not None:
        small = max(clip.overlay.width * plan.width, 2)
        return _even(small), _even(small * height / width)
    if clip.cell is not None:
        return compute_cell(clip.cell, (plan.width, plan.height)).size
    if plan.fit == "crop" and not clip.source.info.has_alpha:
        return plan.width, plan.height
    return fit_into(natural, (plan.width, plan.height))


def fit_into(natural: tuple[float, float], box: Size) -> Size:
    """Return the largest size with these proportions in a box."""
    scale = min(box[0] / natural[0], box[1] / natural[1])
    return min(_even(natural[0] * scale), box[0]), min(_even(natural[1] * scale), box[1])


def _even(side: float) -> int:
    return max(round(side / 2) * 2, 2)


def crop_to_canvas(
    video: Stream, natural: tuple[float, float], clip: VideoClip, plan: RenderPlan
) -> Stream:
    """Crop the middle of a picture to the proportions of the canvas, if the plan crops."""
    if clip.cell is not None:
        cell = compute_cell(clip.cell, (plan.width, plan.height))
        return _center_crop(video, natural, cell.size)
    if clip.overlay is not None or plan.fit != "crop" or clip.source.info.has_alpha:
        return video
    return _center_crop(video, natural, (plan.width, plan.height))


def _center_crop(video: Stream, natural: tuple[float, float], size: Size) -> Stream:
    wide = natural[0] / natural[1] * size[1] / size[0]
    sides = (min(1 / wide, 1.0), min(wide, 1.0))
    if min(sides) > 0.999:
        return video
    return video.filter("crop", f"max(2,iw*{sides[0]:.6f})", f"max(2,ih*{sides[1]:.6f})")


def resize(
    video: Stream, size: Size, clear: bool, info: MediaInfo = _NORMALIZED, narrow: bool = False
) -> Stream:
    """Scale a picture to a size, with square pixels and BT.709 colours.

    `info` is the source if the picture still has its colours; with `narrow`, tone mapping reduces
    the high dynamic range.
    """
    if clear:
        # Or the colour of transparent pixels would show at the edges.
        video = video.filter("format", "gbrap").filter("premultiply", inplace=1)
        video = video.filter("scale", *size).filter("unpremultiply", inplace=1)
        video = to_yuv(video, clear)
    elif narrow:
        video = _tone_map(video.filter("scale", *size), info)
    else:
        colors = {"out_color_matrix": "bt709", "out_range": "tv"}
        if info.kind == "video" and not info.color_space and _is_large(info):
            # As players do; FFmpeg would assume BT.601.
            colors["in_color_matrix"] = "bt709"
        video = video.filter("scale", *size, **colors).filter("format", "yuv420p")
    return video.filter("setsar", 1)


def _is_large(info: MediaInfo) -> bool:
    return min(info.width, info.height) >= _HIGH_DEFINITION


def _tone_map(video: Stream, info: MediaInfo) -> Stream:
    source = {"tin": info.color_transfer, "pin": "bt2020", "min": "bt2020nc", "rin": "tv"}
    video = video.filter("zscale", t="linear", npl=_PEAK_NITS, **source)
    video = video.filter("format", "gbrpf32le").filter("zscale", p="bt709")
    video = video.filter("tonemap", tonemap="mobius", desat=0)
    video = video.filter("zscale", t="bt709", m="bt709", r="tv")
    return video.filter("format", "yuv420p")


def pad_to_canvas(video: Stream, clip: VideoClip, plan: RenderPlan, clear: bool) -> Stream:
    """Pad a picture to the canvas: transparent, black, or with a blurred copy of itself."""
    canvas = (plan.width, plan.height)
    if clip.cell is not None:
        cell = compute_cell(clip.cell, canvas)
        return video.filter("pad", *canvas, *cell.place).filter("setsar", 1)
    if clear and clip.has_alpha:
        return video.filter("pad", *canvas, -1, -1, color="black@0").filter("setsar", 1)
    if plan.fit == "blur":
        return _over_blurred_copy(video, canvas)
    return video.filter("pad", *canvas, -1, -1).filter("setsar", 1)


def _over_blurred_copy(video: Stream, canvas: Size) -> Stream:
    import ffmpeg

    small = (max(canvas[0] // _SMALLER, 2), max(canvas[1] // _SMALLER, 2))
    copies = video.filter_multi_output("split")
    wide = f"{canvas[0]}/{canvas[1]}"
    back = copies[0].filter("crop", f"max(2,min(iw,ih*{wide}))", f"max(2,min(ih,iw/({wide})))")
    back = back.filter("scale", *small).filter("gblur", sigma=max(min(small) * _FAR, 0.5), steps=2)
    back = back.filter("scale", *canvas).filter("setsar", 1)
    return ffmpeg.overlay(back, copies[1], x="(W-w)/2", y="(H-h)/2")


def flatten_on_black(video: Stream) -> Stream:
    """Put a transparent picture on black."""
    video = video.filter("format", "gbrap").filter("premultiply", inplace=1)
    return to_yuv(video.filter("format", "gbrp"), clear=False)


def place_on_transparent(video: Stream, size: Size, place: tuple[int, int], canvas: Size) -> Stream:
    """Put a picture on a transparent canvas, cropped to it."""
    left, top = max(-place[0], 0), max(-place[1], 0)
    width = min(size[0] - left, canvas[0] - max(place[0], 0))
    height = min(size[1] - top, canvas[1] - max(place[1], 0))
    if (width, height) != size:
        video = video.filter("crop", width, height, left, top)
    video = video.filter("pad", *canvas, max(place[0], 0), max(place[1], 0), color="black@0")
    return video.filter("setsar", 1)


# Seconds read beyond what is needed, so that rounding loses no frame.
_MARGIN = 0.1
# A share of a frame that is larger than the rounding errors of timestamps.
_NUDGE = 0.02


class SourceRange(NamedTuple):
    """The range of a picture in its source, in seconds.

    The source is opened at `begin` and shown from `start` on for `seconds`; `missing` frames before
    that are not in it.
    """

    begin: float
    start: float
    seconds: float
    missing: int

    @property
    def end(self) -> float:
        """How far the source is read."""
        return self.start + self.seconds + _MARGIN


def read_still_frame(picture: ClipSlice, graph: GraphBuilder) -> Stream:
    """Return the one frame of a still image, of a clip that is frozen, or of a plain colour."""
    clip, source = picture.clip, picture.clip.source
    if clip.solid is not None:
        size = f"{graph.plan.width}x{graph.plan.height}"
        color = graph.add_lavfi_input(f"color=c={COLOR_VALUES[clip.solid]}:s={size}:r=1")
        return color.filter("trim", end_frame=1).filter("format", "gbrp").filter("setpts", 0)
    if clip.freeze and (source.info.kind != "image" or source.info.is_animated):
        return read_moving_frames(held_frame(clip), graph)
    video = graph.open_input(source, 0, 1)[source.info.video_specifier]
    return video.filter("trim", end_frame=1).filter("setpts", 0)


def held_frame(clip: VideoClip) -> ClipSlice:
    """Return the frame of a moving picture that a frozen clip holds."""
    return ClipSlice(VideoClip(clip.source, 1, clip.source_start), 0, 1)


def read_moving_frames(picture: ClipSlice, graph: GraphBuilder) -> Stream:
    """Return the frames of a picture, forwards, numbered from 0.

    The first and last frames are held where the source has no more.
    """
    clip, source = picture.clip, picture.clip.source
    reach = find_source_range(picture, graph.plan.fps)
    still = {"stop": -1, "stop_mode": "clone"}
    video = graph.open_input(source, reach.begin, None)[source.info.video_specifier]
    zero = reach.start - reach.begin
    if not source.info.is_animated:
        video = video.filter("tpad", **still)
    # Some files have a time base of whole seconds, which is too coarse for trimming.
    video = video.filter("settb", "AVTB")
    # A video that begins later than the range is shown from its start on.
    video = video.filter("setpts", f"if(eq(N,0),min(PTS,{decimal(zero)}/TB),PTS)")
    # Before `fps`, which would fill any gap in the timestamps with copies of a frame.
    video = video.filter("trim", end=decimal(zero + reach.seconds + _MARGIN))
    # At a tie between two frames of the source the earlier one is shown, always.
    nudge = decimal(_NUDGE / float(graph.plan.fps))
    video = video.filter("setpts", f"(PTS-{decimal(zero)}/TB)/{decimal(clip.speed)}+{nudge}/TB")
    # The frame at 0 may have begun long before.
    video = interpolate(video, picture, graph)
    video = video.filter("fps", graph.fps, start_time=0)
    video = video.filter("tpad", start=reach.missing, start_mode="clone", **still)
    return video.filter("trim", end_frame=picture.frames).filter("setpts", "N")


def find_source_range(picture: ClipSlice, frame_rate: Fraction) -> SourceRange:
    """Return what is read of the source of a moving picture, at this frame rate of the render."""
    clip, info = picture.clip, picture.clip.source.info
    first, fps = picture.first_clip_frame, float(frame_rate)
    if clip.reverse:
        first = clip.frames - first - picture.frames
    start = clip.source_start + first / fps * clip.speed
    missing = 0
    if info.is_animated:
        start %= info.duration
    elif start < 0:
        missing = min(math.ceil(-start * fps / clip.speed - 1e-6), picture.frames - 1)
        start = max(start + missing / fps * clip.speed, 0.0)
    # An animation cannot be opened in its middle.
    begin = 0.0 if info.is_animated else _frame_before(start, info.fps)
    return SourceRange(begin, start, (picture.frames - missing) / fps * clip.speed, missing)


def _frame_before(start: float, rate: float) -> float:
    """Return the start of a frame: files whose time base is a frame would round other times."""
    return math.floor(start * rate + 1e-6) / rate if rate else start


# Zoomed pictures are processed up to this much larger than displayed, to keep their detail.
_LARGEST_WORK = 2.0
# Cropping needs two pixels a side, since two share their chroma.
_CUTTABLE = 2


class _EffectOrder(NamedTuple):
    """The effects of a clip: those applied at the size of the source, and those after scaling."""

    geometry: list[PictureEffect]
    rest: list[PictureEffect]

    @property
    def crops_late(self) -> bool:
        """Whether the proportions change after scaling."""
        return any(isinstance(effect, GEOMETRY_EFFECTS) for effect in self.rest)


class _Sizes(NamedTuple):
    """The size in the source after rotation, during effects, and as displayed."""

    natural: tuple[float, float]
    work: Size
    shown: Size


def is_transparent(picture: ClipSlice) -> bool:
    """Whether a picture of an upper layer is partly transparent."""
    clip = picture.clip
    translucent = clip.overlay is not None and clip.overlay.opacity < 1
    return clip.has_alpha or translucent or picture.has_fade


def build_base_clip(picture: ClipSlice, graph: GraphBuilder) -> Stream:
    """Return a picture of the main track: the whole canvas, on black, in yuv420p."""
    key = picture.clip.chroma_key
    clear = picture.clip.has_alpha
    video = _apply_effects(picture, graph, clear)
    if key is not None and key.background is not None:
        video = place_on_color(video, key.background)
    video = pad_to_canvas(video, picture.clip, graph.plan, clear)
    video = _extend_still(flatten_on_black(video) if clear else video, picture, graph)
    return _apply_fades(video, picture, graph, alpha=False)


def build_upper_clip(picture: ClipSlice, graph: GraphBuilder, clear: bool) -> Stream:
    """Return a picture of an upper track in its displayed size; transparent if `clear`."""
    clip = picture.clip
    video = _apply_effects(picture, graph, clear)
    if clip.overlay is None:
        video = video if clip.cell else pad_to_canvas(video, clip, graph.plan, clear)
    elif clip.overlay.opacity < 1:
        video = video.filter("lutyuv", a=f"val*{decimal(clip.overlay.opacity)}")
    return _apply_fades(_extend_still(video, picture, graph), picture, graph, alpha=True)


def compute_clip_size(clip: VideoClip, plan: RenderPlan) -> Size:
    """Return the displayed size of a clip, without padding."""
    return _sizes(clip, plan, _order_effects(clip.effects)).shown


def compute_clip_position(clip: VideoClip, plan: RenderPlan) -> tuple[int, int]:
    """Return the top left corner of a clip of an upper track, both even."""
    if clip.cell is not None:
        return compute_cell(clip.cell, (plan.width, plan.height)).place
    overlay = clip.overlay
    if overlay is None:
        return 0, 0
    width, height = compute_clip_size(clip, plan)
    margin = overlay.margin * min(plan.width, plan.height)
    row, _, column = overlay.position.partition("-")
    along = {"left": margin, "right": plan.width - width - margin}
    down = {"top": margin, "bottom": plan.height - height - margin}
    x = along.get(column, (plan.width - width) / 2)
    y = down.get(row, (plan.height - height) / 2)
    return round(x / 2) * 2, round(y / 2) * 2


def measure_clip_motion(picture: ClipSlice, graph: GraphBuilder) -> Stream:
    """Return the frames of a picture while the movements of the camera are measured."""
    order = _order_effects(picture.clip.effects)
    return measure_motion(_scaled_frames(picture, graph, False, order), picture)


def _scaled_frames(
    picture: ClipSlice, graph: GraphBuilder, clear: bool, order: _EffectOrder
) -> Stream:
    """Return the frames in the size in which effects are applied; a still is one frame."""
    clip = picture.clip
    sizes = _sizes(clip, graph.plan, order)
    video = (
        read_still_frame(picture, graph) if clip.is_still else read_moving_frames(picture, graph)
    )
    info = clip.source.info
    if min(info.width, info.height) < _CUTTABLE:
        video = video.filter("scale", "iw*2", "ih*2", flags="neighbor")
    video = apply_at_source(video, clip.effects)
    for effect in order.geometry:
        video = apply_geometry(video, effect)
    if not order.crops_late:
        video = crop_to_canvas(video, sizes.natural, clip, graph.plan)
    narrow = info.is_hdr and graph.tone_mapping
    video = resize(video, sizes.work, clear, info, narrow)
    if clip.reverse and not clip.is_still:
        video = video.filter("reverse").filter("setpts", "N")
    return video


def _apply_effects(picture: ClipSlice, graph: GraphBuilder, clear: bool) -> Stream:
    """Return the scaled picture with its effects; a still is one frame unless it moves."""
    clip = picture.clip
    order = _order_effects(clip.effects)
    sizes = _sizes(clip, graph.plan, order)
    video = _scaled_frames(picture, graph, clear, order)
    video = stabilize(video, picture, graph, sizes.work)
    moment, lasting = FrameWindow(picture.first_clip_frame, clip.frames), not clip.is_still
    size: tuple[float, float] = sizes.work
    for effect in order.rest:
        if is_lasting(effect) and not lasting:
            video, lasting = _loop_frame(video, picture, graph), True
        if isinstance(effect, Lut):
            video = apply_lut(video, effect, graph, clear)
        video = apply_geometry(apply_color(video, effect, clear), effect)
        size = transform_size(size, effect)
        video = apply_spatial(video, effect, size, moment, clear)
    if order.crops_late:
        video = crop_to_canvas(video, size, clip, graph.plan)
        return resize(video, sizes.shown, clear)
    return resize(video, sizes.shown, clear) if sizes.work != sizes.shown else video


def _order_effects(effects: Sequence[PictureEffect]) -> _EffectOrder:
    """Move rotating, flipping and cropping first where the result is the same: it is cheaper."""
    geometry: list[PictureEffect] = []
    rest: list[PictureEffect] = []
    for effect in effects:
        early = isinstance(effect, GEOMETRY_EFFECTS) and all(
            isinstance(e, POINTWISE_EFFECTS) for e in rest
        )
        (geometry if early else rest).append(effect)
    return _EffectOrder(geometry, rest)


def _sizes(clip: VideoClip, plan: RenderPlan, order: _EffectOrder) -> _Sizes:
    natural = _after(order.geometry, (clip.source.info.width, clip.source.info.height))
    final = _after(order.rest, natural)
    shown = shown_size(clip, plan, final)
    if final != natural:
        return _Sizes(natural, fit_into(natural, shown_size(clip, plan, natural)), shown)
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
    """Loop a still for its duration; other pictures have it already."""
    if not picture.clip.is_still or any(map(is_lasting, picture.clip.effects)):
        return video
    return _loop_frame(video, picture, graph)


def _loop_frame(video: Stream, picture: ClipSlice, graph: GraphBuilder) -> Stream:
    video = video.filter("loop", loop=-1, size=1).filter("fps", graph.fps, start_time=0)
    return video.filter("trim", end_frame=picture.frames).filter("setpts", "N")


def _apply_fades(video: Stream, picture: ClipSlice, graph: GraphBuilder, alpha: bool) -> Stream:
    if not picture.has_fade:
        return video
    clip = picture.clip
    # Fades are counted in frames of the whole clip.
    video = video.filter("setpts", f"N{picture.first_clip_frame:+d}")
    how = {"alpha": 1} if alpha else {}
    if clip.fade_in:
        video = video.filter("fade", type="in", st=0, d=graph.seconds(clip.fade_in), **how)
    if clip.fade_out:
        start = graph.seconds(clip.frames - clip.fade_out)
        video = video.filter("fade", type="out", st=start, d=graph.seconds(clip.fade_out), **how)
    return video.filter("setpts", "N")
