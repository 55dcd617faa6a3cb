"""Choose the size, frame rate and encoder settings of a render (REN-7)."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, get_args

import msgspec

from nemolocal_contract.draft import Metadata
from nemolocal_contract.media import Resolution

from ..media import MediaInfo
from .draft_limits import DraftRejected, require_number, require_positive

Quality = Literal["low", "medium", "high"]

FitMode = Literal["pad", "crop", "blur"]
"""How a clip of another aspect ratio fills the canvas."""

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
# A mean rate this close to a whole number is a constant rate.
_WHOLE = 1e-3
_MOST_NAMED = 5


class OutputSpec(msgspec.Struct, frozen=True):
    """What the export request asks for (REN-1, REN-7).

    `resolution` and `fps` override those of the draft; `usual_resolution` is the default for both.
    """

    quality: Quality = "high"
    resolution: Resolution | None = None
    fps: float | None = None
    usual_resolution: Resolution = "1080p"


class Canvas(msgspec.Struct, frozen=True):
    """The size in pixels, both even, the exact frame rate, and how clips fill the picture."""

    width: int
    height: int
    fps: Fraction
    fit: FitMode = "pad"


def choose_canvas(
    metadata: Metadata, shown: Sequence[MediaInfo], output: OutputSpec
) -> tuple[Canvas, tuple[str, ...]]:
    """Return the canvas for the visible clips, in their order, and warnings about what differs.

    The size and rate of the draft come first, then the size of the first clip and the highest rate
    of all clips, then full HD at 30. The picture is scaled down to fit the resolution, never up.
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


@lru_cache
def _smooth_fps(fps: float) -> Fraction:
    """Return a rate at which a clip moves as smoothly as by itself.

    A rate that no camera has is the mean of a variable rate, as in screen recordings, where frames
    come when something happens: some are closer together than the mean.
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


@lru_cache
def exact_fps(fps: float) -> Fraction:
    """Return a rate from 1 to 60 as a fraction: 29.97 is 30000/1001, 30.05 of a phone is 30."""
    nearest = min(_USUAL_FPS, key=lambda usual: abs(usual - fps))
    if abs(nearest - fps) < 0.004 * nearest:
        return nearest
    return min(max(Fraction(fps).limit_denominator(100), Fraction(1)), Fraction(_MAX_FPS))


_KILO = 1000
_MEGA = 1_000_000
_MODES = ("rtk", "size", "quality")


class EncodeSettings(msgspec.Struct, frozen=True):
    """Constant quality of H.264 (lower is better), preset, bits/s of audio, and two limits.

    `max_bit_rate` limits the bits/s of the video, `max_bytes` the size of the file; 0 is no limit.
    `reason` says which setting of the user this follows.
    """

    crf: float
    preset: str
    audio_bit_rate: int
    max_bit_rate: int = 0
    max_bytes: int = 0
    reason: str = ""


# Measured at high: `faster` at 18 has the quality of `veryfast` at 16 (VMAF 97.7 and 97.9) and the
# same size, but takes twice the time. Two minutes of 4K should take 90 s on two cores; decoding
# alone takes half of that.
QUALITY_SETTINGS: dict[Quality, EncodeSettings] = {
    "low": EncodeSettings(28, "veryfast", 96 * _KILO, reason="quality low"),
    "medium": EncodeSettings(23, "veryfast", 128 * _KILO, reason="quality medium"),
    "high": EncodeSettings(17, "veryfast", 192 * _KILO, reason="quality high"),
}

# Smaller than the sources and hard to tell apart from them: a slower preset and a maximum rate.
RTK_SETTINGS = EncodeSettings(23, "slow", 128 * _KILO, reason="compression rtk")
_RTK_SHARE = 0.8
_RTK_LEAN = 600 * _KILO
_RTK_LEAN_AUDIO = 64 * _KILO
_RTK_FLOOR = 48 * _KILO

# Compression to a size: the best quality that fits, up to this one.
_SIZED = EncodeSettings(20, "medium", 128 * _KILO)
_SOUND_SHARE = 0.1
_LEAST_SOUND = 32 * _KILO
# With fewer bits per pixel the picture is not worth watching.
_LEAST_BITS = 0.0015
_MOST_MEGABYTES = 100_000.0


def choose_encode_settings(
    quality: Quality, metadata: Metadata, sources: Iterable[tuple[float, int]]
) -> EncodeSettings:
    """Return the settings of a quality, or of `compress` in the metadata of the draft.

    `sources` are seconds and bits/s of the clips on the main track: mode `rtk` gets at most 80 % of
    their mean rate, audio included.
    """
    compression = metadata.compression
    if compression is None:
        return QUALITY_SETTINGS[quality]
    match compression.get("mode"):
        case "rtk":
            return _rtk(sources)
        case "size":
            path = "draft.m.compress.megabytes"
            size = require_positive(_megabytes(compression), path, _MOST_MEGABYTES)
            most, reason = int(size * _MEGA), f"compression to {size:g} MB"
            return msgspec.structs.replace(_SIZED, max_bytes=most, reason=reason)
        case "quality":
            return _of_quality(compression.get("quality"))
    raise DraftRejected("draft.m.compress.mode", f"must be one of {', '.join(_MODES)}")


def _of_quality(name: Any) -> EncodeSettings:
    known = get_args(Quality)
    if name not in known:
        raise DraftRejected("draft.m.compress.quality", f"must be one of {', '.join(known)}")
    chosen = next(quality for quality in QUALITY_SETTINGS if quality == name)
    reason = f"compression to quality {chosen}"
    return msgspec.structs.replace(QUALITY_SETTINGS[chosen], reason=reason)


def _megabytes(compression: dict[str, Any]) -> float | None:
    size = compression.get("megabytes")
    if isinstance(size, bool) or not isinstance(size, int | float | None):
        raise DraftRejected("draft.m.compress.megabytes", "must be a number")
    return size


def _rtk(sources: Iterable[tuple[float, int]]) -> EncodeSettings:
    known = [(seconds, rate) for seconds, rate in sources if rate]
    if not known:
        return RTK_SETTINGS
    total = sum(seconds for seconds, _ in known)
    ceiling = _RTK_SHARE * sum(seconds * rate for seconds, rate in known) / total
    audio_rate = RTK_SETTINGS.audio_bit_rate if ceiling >= _RTK_LEAN else _RTK_LEAN_AUDIO
    max_rate = max(round(ceiling - audio_rate), _RTK_FLOOR)
    return msgspec.structs.replace(RTK_SETTINGS, audio_bit_rate=audio_rate, max_bit_rate=max_rate)


def apply_size_limit(
    encoding: EncodeSettings, seconds: float, pixel_rate: float, sound: bool
) -> EncodeSettings:
    """Return the settings with an audio bit rate that suits their `max_bytes`, if they have one.

    `pixel_rate` is pixels/s. Raises DraftRejected if the size is too small for the duration.
    """
    if not encoding.max_bytes:
        return encoding
    rate = encoding.max_bytes * 8 / seconds
    audio_rate = round(min(max(rate * _SOUND_SHARE, _LEAST_SOUND), encoding.audio_bit_rate))
    least = _LEAST_BITS * pixel_rate + (_LEAST_SOUND if sound else 0)
    if rate < least:
        needed = least * seconds / 8 / _MEGA
        raise DraftRejected(
            "draft.m.compress.megabytes",
            f"is too small for {seconds:.0f} s of this size, about {needed:.2g} are needed",
        )
    return msgspec.structs.replace(encoding, audio_bit_rate=audio_rate)
