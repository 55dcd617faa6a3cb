"""How a picture comes to its size, and how it fills the canvas."""

from ..media import MediaInfo
from ..planning.render_plan import RenderPlan, VideoClip
from .effect_filters import to_yuv
from .graph_builder import Stream

Size = tuple[int, int]

# The blurred background is made this much smaller, which makes it fast, and is blurred so far.
_SMALLER = 8
_FAR = 0.04
_PEAK_NITS = 203
_HIGH_DEFINITION = 720
# What has been brought to our colours already: nothing is to be assumed.
_NORMALIZED = MediaInfo("image", "")


def shown_size(shot: VideoClip, plan: RenderPlan, natural: tuple[float, float]) -> Size:
    """How large a picture of this shape is shown, both sides even."""
    width, height = natural
    if shot.overlay is not None:
        small = max(shot.overlay.width * plan.width, 2)
        return _even(small), _even(small * height / width)
    if plan.fit == "crop" and not shot.source.info.has_alpha:
        return plan.width, plan.height
    return fit_into(natural, (plan.width, plan.height))


def fit_into(natural: tuple[float, float], box: Size) -> Size:
    """The largest size of this shape in a box."""
    scale = min(box[0] / natural[0], box[1] / natural[1])
    return min(_even(natural[0] * scale), box[0]), min(_even(natural[1] * scale), box[1])


def _even(side: float) -> int:
    return max(round(side / 2) * 2, 2)


def crop_to_canvas(
    video: Stream, natural: tuple[float, float], shot: VideoClip, plan: RenderPlan
) -> Stream:
    """The middle of a picture in the shape of the canvas, where clips are cut to it."""
    if shot.overlay is not None or plan.fit != "crop" or shot.source.info.has_alpha:
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
    """The picture in a size, with square pixels, in the colours that all have here.

    `info` is what is known of the source where its colours are still its own; `narrow` a high
    dynamic range.
    """
    if clear:
        # Else the colour of what cannot be seen would show at the edges.
        video = video.filter("format", "gbrap").filter("premultiply", inplace=1)
        video = video.filter("scale", *size).filter("unpremultiply", inplace=1)
        video = to_yuv(video, clear)
    elif narrow:
        video = _tone_map(video.filter("scale", *size), info)
    else:
        colors = {"out_color_matrix": "bt709", "out_range": "tv"}
        if info.kind == "video" and not info.color_space and _is_large(info):
            # As players do; FFmpeg would take it for the colours of old television.
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


def pad_to_canvas(video: Stream, shot: VideoClip, plan: RenderPlan, clear: bool) -> Stream:
    """The whole canvas around a picture: clear, black, or a blurred copy of itself."""
    canvas = (plan.width, plan.height)
    if clear and shot.source.info.has_alpha:
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
    """A see-through picture on black."""
    video = video.filter("format", "gbrap").filter("premultiply", inplace=1)
    return to_yuv(video.filter("format", "gbrp"), clear=False)


def place_on_transparent(video: Stream, size: Size, place: tuple[int, int], canvas: Size) -> Stream:
    """A picture of a size at a place of a see-through canvas; what lies outside is cut off."""
    left, top = max(-place[0], 0), max(-place[1], 0)
    width = min(size[0] - left, canvas[0] - max(place[0], 0))
    height = min(size[1] - top, canvas[1] - max(place[1], 0))
    if (width, height) != size:
        video = video.filter("crop", width, height, left, top)
    video = video.filter("pad", *canvas, max(place[0], 0), max(place[1], 0), color="black@0")
    return video.filter("setsar", 1)
