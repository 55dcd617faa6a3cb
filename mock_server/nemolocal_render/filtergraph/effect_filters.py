"""Effects as FFmpeg filters; pictures are yuv420p, or yuva420p if they are transparent."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nemolocal_contract.effects import (
    Blur,
    BlurRegion,
    Brightness,
    ChromaKey,
    Contrast,
    Crop,
    Flip,
    Grayscale,
    Lut,
    PictureEffect,
    PixelateRegion,
    PresetEffect,
    RemoveLogo,
    Rotate,
    Saturation,
    Sepia,
    Sharpen,
    Vignette,
    Warmth,
    Zoom,
)

from .composition_filters import apply_chroma_key
from .graph_builder import Stream, decimal
from .preset_filters import apply_filters, apply_preset, is_at_source, needs_motion
from .region_filters import apply_region

# These work on single pixels, so that geometry effects can be applied before them.
POINTWISE_EFFECTS = (Brightness, Contrast, Saturation, Warmth, Grayscale, Sepia, Lut)
GEOMETRY_EFFECTS = (Rotate, Flip, Crop)

# The effect of an amount of 1: a share of the range, of red, of the short side, and radians.
_BRIGHTEST, _WARMEST, _BLUREST, _SHARPEST, _DARKEST = 0.5, 0.3, 0.05, 2.5, 1.05
_SEPIA = {
    "rr": 0.393,
    "rg": 0.769,
    "rb": 0.189,
    "gr": 0.349,
    "gg": 0.686,
    "gb": 0.168,
    "br": 0.272,
    "bg": 0.534,
    "bb": 0.131,
}
# Luma of black and gray, and the steps from black to white; chroma 128 is neutral.
_BLACK, _MIDDLE, _STEPS = 16, 126, 219


class FrameWindow(NamedTuple):
    """The number of the first frame, and the number of frames of the whole clip."""

    first: int
    frames: int


def apply_geometry(video: Stream, effect: PictureEffect) -> Stream:
    """Rotate, flip or crop a picture of any size."""
    match effect:
        case Rotate(degrees=180):
            return video.filter("hflip").filter("vflip")
        case Rotate():
            return video.filter("transpose", "clock" if effect.degrees == 90 else "cclock")
        case Flip():
            return video.filter("hflip" if effect.axis == "horizontal" else "vflip")
        case Crop():
            # Repeated crops of a small picture must leave something.
            wide, high = decimal(effect.width), decimal(effect.height)
            sides = (f"max(2,iw*{wide})", f"max(2,ih*{high})")
            return video.filter(
                "crop", *sides, f"iw*{decimal(effect.x)}", f"ih*{decimal(effect.y)}"
            )
    return video


def transform_size(size: tuple[float, float], effect: PictureEffect) -> tuple[float, float]:
    """Return the size of a picture after rotating or cropping it."""
    width, height = size
    match effect:
        case Rotate(degrees=90 | 270):
            return height, width
        case Crop():
            return width * effect.width, height * effect.height
    return size


def apply_color(video: Stream, effect: PictureEffect, clear: bool) -> Stream:
    """Change the colours; `clear` pictures keep their alpha channel."""
    match effect:
        case Brightness(amount=amount):
            return video.filter("lutyuv", y=f"clip(val{amount * _BRIGHTEST * _STEPS:+.3f},16,235)")
        case Contrast(amount=amount):
            around = f"(val-{_MIDDLE})*{decimal(1 + amount)}+{_MIDDLE}"
            return video.filter("lutyuv", y=f"clip({around},16,235)")
        case Saturation(amount=amount):
            color = f"clip((val-128)*{decimal(1 + amount)}+128,16,240)"
            return video.filter("lutyuv", u=color, v=color)
        case Grayscale():
            return video.filter("lutyuv", u=128, v=128)
        case Warmth(amount=amount):
            gains = {"rr": decimal(1 + amount * _WARMEST), "bb": decimal(1 - amount * _WARMEST)}
            return _mix_channels(video, gains, clear)
        case Sepia():
            return _mix_channels(video, _SEPIA, clear)
    return video


def _mix_channels(video: Stream, gains: Mapping[str, object], clear: bool) -> Stream:
    """Mix the colour channels."""
    video = video.filter("format", "gbrap" if clear else "gbrp")
    return to_yuv(video.filter("colorchannelmixer", **gains), clear)


def to_yuv(video: Stream, clear: bool) -> Stream:
    """Convert to BT.709 in YUV 4:2:0."""
    video = video.filter("scale", out_color_matrix="bt709", out_range="tv")
    return video.filter("format", "yuva420p" if clear else "yuv420p")


def is_lasting(effect: PictureEffect) -> bool:
    """Whether an effect changes from frame to frame, so that it makes a video of a still."""
    return isinstance(effect, Zoom) or needs_motion(effect)


def apply_at_source(video: Stream, effects: Sequence[PictureEffect]) -> Stream:
    """Apply the effects that see the frames of the source, in its own pixel format."""
    for effect in effects:
        if isinstance(effect, PresetEffect) and is_at_source(effect):
            video = apply_filters(video, effect, (0, 0))
    return video


def apply_spatial(
    video: Stream,
    effect: PictureEffect,
    size: tuple[float, float],
    moment: FrameWindow,
    clear: bool,
) -> Stream:
    """Apply effects that need more than a pixel to a picture of this size."""
    side = min(size)
    match effect:
        case BlurRegion() | PixelateRegion() | RemoveLogo():
            return apply_region(video, effect, size, clear)
        case ChromaKey() if clear:
            return apply_chroma_key(video, effect)
        case PresetEffect() if not is_at_source(effect):
            return apply_preset(video, effect, size, clear)
        case Blur(amount=amount) if amount:
            return video.filter("gblur", sigma=decimal(amount * _BLUREST * side), steps=3)
        case Sharpen(amount=amount):
            return video.filter("unsharp", luma_amount=decimal(amount * _SHARPEST))
        case Vignette(amount=amount) if amount:
            return _vignette(video, amount, clear)
        case Zoom():
            return _zoom(video, effect, moment)
    return video


def _vignette(video: Stream, amount: float, clear: bool) -> Stream:
    angle = decimal(amount * _DARKEST)
    if not clear:
        return video.filter("vignette", angle=angle).filter("format", "yuv420p")
    import ffmpeg

    # The filter does not support alpha, which bypasses it.
    copies = video.filter_multi_output("split")
    color = copies[0].filter("format", "yuv420p").filter("vignette", angle=angle)
    shape = copies[1].filter("alphaextract")
    merged = ffmpeg.filter([color.filter("format", "yuv420p"), shape], "alphamerge")
    return merged.filter("format", "yuva420p")


def _zoom(video: Stream, zoom: Zoom, moment: FrameWindow) -> Stream:
    """Map a part of the picture, to fractions of a pixel, to the whole picture."""
    steps = max(moment.frames - 1, 1)
    change = zoom.end - zoom.start
    past = f"clip((on-1{moment.first:+d})/{steps},0,1)"
    scale = f"({decimal(zoom.start)}{'+' if change >= 0 else '-'}{decimal(abs(change))}*{past})"
    left, top = (
        f"{side}*{decimal(at)}*(1-1/{scale})" for side, at in (("W", zoom.x), ("H", zoom.y))
    )
    right, bottom = f"{left}+W/{scale}", f"{top}+H/{scale}"
    corners = {"x0": left, "y0": top, "x1": right, "y1": top}
    corners |= {"x2": left, "y2": bottom, "x3": right, "y3": bottom}
    return video.filter("perspective", interpolation="cubic", eval="frame", **corners)
