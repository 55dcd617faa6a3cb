"""How well and how small a render is encoded: the one table of settings."""

from collections.abc import Iterable
from typing import Any, Literal, get_args

import msgspec

from nemolocal_contract.draft import Metadata

from .field_validation import DraftRejected, require_positive

Quality = Literal["low", "medium", "high"]

_KILO = 1000
_MEGA = 1_000_000
_MODES = ("rtk", "size", "quality")


class EncodeSettings(msgspec.Struct, frozen=True):
    """Constant quality of H.264 (lower is better), effort, bits/s of sound, and two limits.

    `max_rate` is bits/s of the picture at most, `max_bytes` the size of the file at most; 0 is no
    limit. `reason` says whose wish this is.
    """

    crf: float
    preset: str
    audio_bit_rate: int
    max_bit_rate: int = 0
    max_bytes: int = 0
    reason: str = ""


# Measured at high: `faster` at 18 looks as good as `veryfast` at 16 (VMAF 97.7 and 97.9), is as
# large, and takes twice the time to encode. Two minutes of 4K should take 90 s on two cores, of
# which reading alone needs half.
QUALITY_SETTINGS: dict[Quality, EncodeSettings] = {
    "low": EncodeSettings(28, "veryfast", 96 * _KILO, reason="quality low"),
    "medium": EncodeSettings(23, "veryfast", 128 * _KILO, reason="quality medium"),
    "high": EncodeSettings(17, "veryfast", 192 * _KILO, reason="quality high"),
}

# Smaller than the sources and hard to tell from them: more effort, and a ceiling on the rate.
RTK_SETTINGS = EncodeSettings(23, "slow", 128 * _KILO, reason="compression rtk")
_RTK_SHARE = 0.8
_RTK_LEAN = 600 * _KILO
_RTK_LEAN_AUDIO = 64 * _KILO
_RTK_FLOOR = 48 * _KILO

# Under a size: as good as the size allows, and no better than this.
_SIZED = EncodeSettings(20, "medium", 128 * _KILO)
_SOUND_SHARE = 0.1
_LEAST_SOUND = 32 * _KILO
# Fewer bits than this for a pixel leave nothing that is worth watching.
_LEAST_BITS = 0.0015
_MOST_MEGABYTES = 100_000.0


def choose_encode_settings(
    quality: Quality, metadata: Metadata, sources: Iterable[tuple[float, int]]
) -> EncodeSettings:
    """The settings of a quality, or of `compress` in the draft's metadata.

    `sources` are seconds and bits/s of what stands on the main track: compressed without a size,
    the file gets at most 80 % of their mean rate, sound included.
    """
    wish = metadata.compression
    if wish is None:
        return QUALITY_SETTINGS[quality]
    match wish.get("mode"):
        case "rtk":
            return _rtk(sources)
        case "size":
            size = require_positive(_number(wish), "draft.m.compress.megabytes", _MOST_MEGABYTES)
            most, reason = int(size * _MEGA), f"compression to {size:g} MB"
            return msgspec.structs.replace(_SIZED, max_bytes=most, reason=reason)
        case "quality":
            return _of_quality(wish.get("quality"))
    raise DraftRejected("draft.m.compress.mode", f"must be one of {', '.join(_MODES)}")


def _of_quality(name: Any) -> EncodeSettings:
    known = get_args(Quality)
    if name not in known:
        raise DraftRejected("draft.m.compress.quality", f"must be one of {', '.join(known)}")
    chosen = next(quality for quality in QUALITY_SETTINGS if quality == name)
    reason = f"compression to quality {chosen}"
    return msgspec.structs.replace(QUALITY_SETTINGS[chosen], reason=reason)


def _number(wish: dict[str, Any]) -> float | None:
    size = wish.get("megabytes")
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
    """The settings with what the sound may take of a size, where there is one to keep.

    `pixel_rate` is pixels/s. Raises DraftRejected where the size is too small for the length.
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
