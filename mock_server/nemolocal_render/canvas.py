"""How large the picture is and how many there are in a second (REN-7)."""

from fractions import Fraction
from typing import Literal

import msgspec

from nemolocal_contract.draft import Metadata

from .checks import DraftRejected, number
from .media import MediaInfo

Resolution = Literal["720p", "1080p", "4k"]

# Long side, short side, in pixels.
_BOUNDS: dict[Resolution, tuple[int, int]] = {
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "4k": (3840, 2160),
}
_SMALLEST, _LARGEST = 16, 16384
_MAX_FPS = 60
_USUAL_FPS = (
    *(Fraction(whole) for whole in (12, 15, 24, 25, 30, 48, 50, 60)),
    *(Fraction(whole * 1000, 1001) for whole in (24, 30, 48, 60)),
)
_DEFAULT_FPS = Fraction(30)


class Canvas(msgspec.Struct, frozen=True):
    """Pixels, both even, and the exact number of frames in a second."""

    width: int
    height: int
    fps: Fraction


def choose_canvas(
    metadata: Metadata, first: MediaInfo | None, resolution: Resolution
) -> tuple[Canvas, tuple[str, ...]]:
    """The canvas and what had to be changed to get it.

    The draft's own size and rate come first, then those of the first clip, then full HD at 30.
    The picture is made smaller until it fits the resolution, and never larger.
    """
    wanted = _wanted_size(metadata, first)
    width, height = _fit(wanted, _BOUNDS[resolution])
    fps, warnings = _frame_rate(metadata, first)
    if metadata.width and (width, height) != wanted:
        size = f"{wanted[0]}x{wanted[1]}"
        warnings += (f"draft.m.width: {size} is rendered as {width}x{height}",)
    return Canvas(width, height, fps), warnings


def _wanted_size(metadata: Metadata, first: MediaInfo | None) -> tuple[int, int]:
    if metadata.width is None and metadata.height is None:
        return (first.width, first.height) if first else (1920, 1080)
    if metadata.width is None or metadata.height is None:
        missing = "width" if metadata.width is None else "height"
        raise DraftRejected(f"draft.m.{missing}", "is missing, though the other side is given")
    width = number(metadata.width, "draft.m.width", _SMALLEST, _LARGEST)
    height = number(metadata.height, "draft.m.height", _SMALLEST, _LARGEST)
    return round(width), round(height)


def _fit(size: tuple[int, int], bound: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    long, short = bound
    box = (long, short) if width >= height else (short, long)
    scale = min(Fraction(1), Fraction(box[0], width), Fraction(box[1], height))
    return _even(width * scale), _even(height * scale)


def _even(side: Fraction) -> int:
    return max(round(side / 2) * 2, _SMALLEST)


def _frame_rate(metadata: Metadata, first: MediaInfo | None) -> tuple[Fraction, tuple[str, ...]]:
    if metadata.fps is not None:
        asked = number(metadata.fps, "draft.m.fps", 1, 240)
        warning = f"draft.m.fps: {asked:g} is rendered as {_MAX_FPS}"
        return exact_fps(asked), (warning,) if asked > _MAX_FPS else ()
    return exact_fps(first.fps) if first and first.fps else _DEFAULT_FPS, ()


def exact_fps(fps: float) -> Fraction:
    """The rate as a fraction: 29.97 is 30000/1001, 30.05 of a phone is 30; from 1 to 60."""
    nearest = min(_USUAL_FPS, key=lambda usual: abs(usual - fps))
    if abs(nearest - fps) < 0.004 * nearest:
        return nearest
    return min(max(Fraction(fps).limit_denominator(100), Fraction(1)), Fraction(_MAX_FPS))
