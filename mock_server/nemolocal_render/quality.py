"""How well and how small a render is encoded: the one table of settings."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from nemolocal_contract.draft import Metadata

from .checks import DraftRejected

Quality = Literal["low", "medium", "high"]

_KILO = 1000


class Encoding(msgspec.Struct, frozen=True):
    """Constant quality of H.264 (lower is better), effort, bits/s of sound, bits/s at most or 0."""

    crf: int
    preset: str
    audio_rate: int
    max_rate: int = 0


QUALITIES: dict[Quality, Encoding] = {
    "low": Encoding(28, "veryfast", 96 * _KILO),
    "medium": Encoding(23, "veryfast", 128 * _KILO),
    "high": Encoding(18, "faster", 192 * _KILO),
}

# Smaller than the sources and hard to tell from them: more effort, and a ceiling on the rate.
RTK = Encoding(23, "slow", 128 * _KILO)
_RTK_SHARE = 0.8
_RTK_LEAN = 600 * _KILO
_RTK_LEAN_AUDIO = 64 * _KILO
_RTK_FLOOR = 48 * _KILO


def choose_encoding(
    quality: Quality, metadata: Metadata, sources: Iterable[tuple[float, int]]
) -> Encoding:
    """The settings of a quality, or of `compress` in the draft's metadata.

    `sources` are seconds and bits/s of what stands on the video track: compressed, the file gets
    at most 80 % of their mean rate, sound included.
    """
    if metadata.compression is None:
        return QUALITIES[quality]
    if metadata.compression.get("mode") != "rtk":
        raise DraftRejected("draft.m.compress.mode", 'must be "rtk"')
    known = [(seconds, rate) for seconds, rate in sources if rate]
    if not known:
        return RTK
    total = sum(seconds for seconds, _ in known)
    ceiling = _RTK_SHARE * sum(seconds * rate for seconds, rate in known) / total
    audio_rate = RTK.audio_rate if ceiling >= _RTK_LEAN else _RTK_LEAN_AUDIO
    max_rate = max(round(ceiling - audio_rate), _RTK_FLOOR)
    return msgspec.structs.replace(RTK, audio_rate=audio_rate, max_rate=max_rate)
