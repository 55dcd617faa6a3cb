"""Extractors of aspect ratio, resolution, frame rate and file size."""

from math import gcd
from typing import Literal

from ...intents import Compress, Edit, SetAspect, SetFit, SetFrameRate, SetResolution
from ..lexer.tokens import Slot
from ..lexer.units import RESOLUTION_BY_HEIGHT
from .clause import Clause

_Fit = Literal["crop", "pad", "blur"]
_FITS: tuple[tuple[str, _Fit], ...] = (
    ("pad", "pad"), ("blurfit", "blur"), ("fill", "crop"), ("crop", "crop"),
)  # fmt: skip
_RESOLUTIONS: dict[int, Literal["720p", "1080p", "4k"]] = {
    720: "720p",
    1080: "1080p",
    2160: "4k",
}
_QUALITIES: tuple[Literal["high", "medium", "low"], ...] = ("high", "medium", "low")
_MAX_FRAME_RATE = 240


def extract_format(clause: Clause) -> list[Edit] | None:
    """Set the aspect ratio, fit, resolution and frame rate that are named."""
    found: list[Edit] = []
    fit = _fit(clause)
    # "Upscale my 720p video to 1080p": the last one is meant.
    resolution = next(reversed(clause.values(Slot.RESOLUTION)), None)
    size = _parse_ratio(next(reversed(clause.values(Slot.ASPECT_RATIO)), None))
    if resolution is None and clause.has_any("resolution"):
        resolution = RESOLUTION_BY_HEIGHT.get(int(clause.first_value(Slot.NUMBER) or 0))
    if (pixels := clause.first_value(Slot.PIXEL_SIZE)) is not None:
        size, resolution = _format_of_pixels(*pixels)
    if size is not None:
        found.append(SetAspect(*size, fit))
    elif fit is not None and (fit != "crop" or clause.has_any("fill", "remove")):
        found.append(SetFit(fit))
    if resolution is not None:
        found.append(SetResolution(resolution))
    fps = clause.first_value(Slot.FRAME_RATE) or (
        clause.first_value(Slot.NUMBER) if clause.has_any("framerate") else None
    )
    if fps is not None and 1 <= fps <= _MAX_FRAME_RATE:
        found.append(SetFrameRate(round(fps)))
    return found or None


def _fit(clause: Clause) -> _Fit | None:
    """The fit: a blur has precedence over a crop, else the last one that is named counts."""
    named = [fit for token in clause.tokens for word, fit in _FITS if word in token.symbol.split()]
    if (named and clause.has_any("remove")) or (
        clause.has_any(Slot.ASPECT_RATIO) and clause.has_any("trim", "cut")
    ):
        return "crop"
    if not named and clause.has_any("blur") and clause.has_any(Slot.ASPECT_RATIO):
        return "blur"
    if "crop" in named and "blur" in named:
        return "blur"  # filled with a blurred background
    return named[-1] if named else None


def _parse_ratio(ratio: str | None) -> tuple[int, int] | None:
    """`21:9` as it is, `2.35:1` in whole numbers."""
    if ratio is None:
        return None
    width, height = (round(float(number) * 100) for number in ratio.split(":"))
    by = 100 if width % 100 == height % 100 == 0 else gcd(width, height)
    return width // by, height // by


def _format_of_pixels(width: int, height: int) -> tuple[tuple[int, int] | None, str | None]:
    """The aspect ratio and resolution: 1920x1080 is only a resolution."""
    if not width or not height:
        return None, None
    resolution = _RESOLUTIONS.get(min(width, height))
    by = gcd(width, height)
    usual = width * 9 == height * 16 and resolution is not None
    return (None if usual else (width // by, height // by)), resolution


def extract_compression(clause: Clause) -> list[Edit] | None:
    """Compress: without visible loss, below a file size, or at a quality."""
    if (size := clause.first_value(Slot.FILE_SIZE)) is not None:
        return [Compress("size", float(size))] if size > 0 else None
    quality = next((name for name in _QUALITIES if clause.has_any(name)), None)
    if quality is not None and clause.has_any("resolution"):
        return [Compress("quality", quality=quality)]
    limit = clause.first_value(Slot.FILE_LIMIT)
    if limit is not None and clause.has_any("compress", "small", "smaller", "under", "max"):
        return [Compress("size", float(limit))]
    whole = not clause.has_any(Slot.TIME, "frame", "photo", "corner")
    return [Compress()] if clause.has_any("compress") and whole else None
