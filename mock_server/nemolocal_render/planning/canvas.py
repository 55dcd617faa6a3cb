"""How large the picture is and how many there are in a second (REN-7)."""

from collections.abc import Sequence
from fractions import Fraction
from typing import get_args

import msgspec

from nemolocal_contract.draft import Metadata
from nemolocal_contract.media import Resolution

from ..media import MediaInfo
from .encode_settings import Quality
from .field_validation import DraftRejected, require_number
from .render_plan import FitMode

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
_LEAST_VARIABLE = Fraction(30)
# Nothing that comes when it likes does so a whole number of times a second.
_WHOLE = 1e-3
_MOST_NAMED = 5


class OutputSpec(msgspec.Struct, frozen=True):
    """What the caller of the export asks for (REN-1, REN-7).

    A `resolution` or `fps` asked for here comes before the draft's own; `usual_resolution` is for
    when neither asks.
    """

    quality: Quality = "high"
    resolution: Resolution | None = None
    fps: float | None = None
    usual_resolution: Resolution = "1080p"


class Canvas(msgspec.Struct, frozen=True):
    """Pixels, both even, the exact number of frames in a second, and how clips fill it."""

    width: int
    height: int
    fps: Fraction
    fit: FitMode = "pad"


def choose_canvas(
    metadata: Metadata, shown: Sequence[MediaInfo], output: OutputSpec
) -> tuple[Canvas, tuple[str, ...]]:
    """The canvas of what is shown, first clip first, and what had to be changed to get it.

    The draft's own size and rate come first, then the size of the first clip and the highest rate
    of all, then full HD at 30. The picture is made smaller until it fits the resolution, and never
    larger.
    """
    first = next((info for info in shown if info.width and info.height), None)
    wanted = _wanted_size(metadata, first)
    own = _own_resolution(metadata)
    bound = _BOUNDS[output.resolution or own or output.usual_resolution]
    width, height = _fit(wanted, bound)
    fps, warnings = _frame_rate(metadata, shown, output)
    if metadata.width and (width, height) != wanted:
        size = f"{wanted[0]}x{wanted[1]}"
        warnings += (f"draft.m.width: {size} is rendered as {width}x{height}",)
    elif own and not output.resolution and max(wanted) < bound[0] and min(wanted) < bound[1]:
        warnings += (f"draft.m.resolution: {width}x{height} is smaller and is not enlarged",)
    return Canvas(width, height, fps, _fit_of(metadata)), warnings


def _own_resolution(metadata: Metadata) -> Resolution | None:
    if metadata.resolution is None:
        return None
    known = next((name for name in _BOUNDS if name == metadata.resolution.lower()), None)
    if known is None:
        raise DraftRejected("draft.m.resolution", f"must be one of {', '.join(_BOUNDS)}")
    return known


def _fit_of(metadata: Metadata) -> FitMode:
    fits: tuple[FitMode, ...] = get_args(FitMode)
    fit = next((name for name in fits if name == (metadata.fit or "pad")), None)
    if fit is None:
        raise DraftRejected("draft.m.fit", f"must be one of {', '.join(fits)}")
    return fit


def _wanted_size(metadata: Metadata, first: MediaInfo | None) -> tuple[int, int]:
    if metadata.width is None and metadata.height is None:
        return (first.width, first.height) if first else (1920, 1080)
    if metadata.width is None or metadata.height is None:
        missing = "width" if metadata.width is None else "height"
        raise DraftRejected(f"draft.m.{missing}", "is missing, though the other side is given")
    width = require_number(metadata.width, "draft.m.width", _SMALLEST, _LARGEST)
    height = require_number(metadata.height, "draft.m.height", _SMALLEST, _LARGEST)
    return round(width), round(height)


def _fit(size: tuple[int, int], bound: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    long, short = bound
    box = (long, short) if width >= height else (short, long)
    scale = min(Fraction(1), Fraction(box[0], width), Fraction(box[1], height))
    return _even(width * scale), _even(height * scale)


def _even(side: Fraction) -> int:
    return max(round(side / 2) * 2, _SMALLEST)


def _frame_rate(
    metadata: Metadata, shown: Sequence[MediaInfo], output: OutputSpec
) -> tuple[Fraction, tuple[str, ...]]:
    if output.fps is not None:
        return exact_fps(output.fps), ()
    if metadata.fps is not None:
        asked = require_number(metadata.fps, "draft.m.fps", 1, 240)
        warning = f"draft.m.fps: {asked:g} is rendered as {_MAX_FPS}"
        return exact_fps(asked), (warning,) if asked > _MAX_FPS else ()
    rates = [info.fps for info in shown if info.fps]
    fps = max(map(_smooth_fps, rates), default=_DEFAULT_FPS)
    return fps, _rate_notes(fps, rates)


def _smooth_fps(fps: float) -> Fraction:
    """The rate at which a clip moves as smoothly as it does by itself.

    What is no rate of a camera is the mean of frames that come when something happens, as in
    recordings of a screen: those are further apart than some of them are.
    """
    exact = exact_fps(fps)
    if exact in _USUAL_FPS or (fps > _WHOLE and abs(fps - round(fps)) < _WHOLE):
        return exact
    return min(usual for usual in _USUAL_FPS if usual >= max(exact, _LEAST_VARIABLE))


def _rate_notes(fps: Fraction, rates: Sequence[float]) -> tuple[str, ...]:
    others = sorted({f"{rate:.4g}" for rate in rates if exact_fps(rate) != fps or rate > _MAX_FPS})
    if not others:
        return ()
    listed = ", ".join(others[:_MOST_NAMED])
    return (f"draft.m.fps: clips of {listed} frames a second are shown at {float(fps):.4g}",)


def exact_fps(fps: float) -> Fraction:
    """The rate as a fraction: 29.97 is 30000/1001, 30.05 of a phone is 30; from 1 to 60."""
    nearest = min(_USUAL_FPS, key=lambda usual: abs(usual - fps))
    if abs(nearest - fps) < 0.004 * nearest:
        return nearest
    return min(max(Fraction(fps).limit_denominator(100), Fraction(1)), Fraction(_MAX_FPS))
