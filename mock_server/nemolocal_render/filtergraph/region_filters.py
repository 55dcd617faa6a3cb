"""Effects on a rectangle of the picture: blurred, in blocks, or filled from its edges."""

from typing import NamedTuple

from nemolocal_contract.effects import PixelateRegion, RegionEffect, RemoveLogo

from .graph_builder import Stream, decimal
from .preset_filters import LEAST_SIDE, without_alpha

# The strength of the blur and the size of a block, as shares of the picture's short side.
_BLUR, _BLOCK = 0.06, 0.08
# `delogo` needs pixels around the rectangle, and a picture that was cropped may be a little smaller
# than computed.
_EDGE = 4


class _Rectangle(NamedTuple):
    """A rectangle in pixels, with even sides and an even position."""

    x: int
    y: int
    width: int
    height: int


def apply_region(
    video: Stream, effect: RegionEffect, size: tuple[float, float], clear: bool
) -> Stream:
    """Change a rectangle of a picture of this size."""
    if min(size) < LEAST_SIDE:
        return video
    box = _rectangle(effect, size)
    side = min(size)
    part: tuple[str, dict[str, object]]
    match effect:
        case RemoveLogo():
            values = {"x": box.x, "y": box.y, "w": box.width, "h": box.height}
            return without_alpha(video, lambda color: color.filter("delogo", **values), clear)
        case PixelateRegion():
            block = max(round(side * _BLOCK), 2)
            part = ("pixelize", {"w": block, "h": block})
        case _:  # BlurRegion
            part = ("gblur", {"sigma": decimal(side * _BLUR), "steps": 3})
    return without_alpha(video, lambda color: _change_part(color, box, *part), clear)


def _change_part(video: Stream, box: _Rectangle, name: str, values: dict[str, object]) -> Stream:
    import ffmpeg

    copies = video.filter_multi_output("split")
    part = copies[1].filter("crop", box.width, box.height, box.x, box.y).filter(name, **values)
    return ffmpeg.overlay(copies[0], part, x=box.x, y=box.y)


def _rectangle(effect: RegionEffect, size: tuple[float, float]) -> _Rectangle:
    x, width = _span(effect.x, effect.width, size[0])
    y, height = _span(effect.y, effect.height, size[1])
    return _Rectangle(x, y, width, height)


def _span(start: float, length: float, side: float) -> tuple[int, int]:
    """Return the even start and length of a span, away from both edges."""
    last = int(side) - _EDGE
    first = min(max(_even(start * side), _EDGE), last - _EDGE)
    return first, max(min(_even((start + length) * side), last) - first, _EDGE)


def _even(value: float) -> int:
    return round(value / 2) * 2
