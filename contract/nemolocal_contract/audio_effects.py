"""The audio effects: a table of data (`audio_effects.toml`) with a row for each.

A row has the labels, the words that people say, the FFmpeg filters and the bounds of the amount. No
source documents any of them (STA-4, grade A).
"""

from collections.abc import Mapping
from functools import cache

import msgspec

from .toml_tables import read_rows

AMOUNT = "{amount}"
"""Stands for the amount in an option of a filter."""


class AudioFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An FFmpeg filter with its options."""

    name: str
    options: dict[str, str | int | float] = msgspec.field(default_factory=dict, name="with")


class AmountRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bounds of an amount, its default and the amounts for "a bit of" and "a lot of".

    `opposite` is for "less": less bass is a negative amount.
    """

    low: float
    high: float
    default: float
    unit: str = ""
    slight: float | None = None
    strong: float | None = None
    opposite: float | None = None


class AudioEffectRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An audio effect; texts are in English and Chinese. The TOML file describes the fields."""

    label: tuple[str, str]
    filters: tuple[AudioFilter, ...]
    words: str
    amount: AmountRange | None = None
    fault: str = ""
    note: tuple[str, str] = ("", "")

    def checked_amount(self, amount: float | None) -> float | None:
        """Return the amount or the default; raises msgspec.ValidationError if out of bounds."""
        if self.amount is None:
            if amount is None:
                return None
            raise msgspec.ValidationError("This effect has no amount - at `$.amount`")
        if amount is None:
            return self.amount.default
        if not self.amount.low <= amount <= self.amount.high:
            bounds = f"from {self.amount.low:g} to {self.amount.high:g}"
            raise msgspec.ValidationError(f"must be {bounds} - at `$.amount`")
        return amount


@cache
def audio_effect_rows() -> Mapping[str, AudioEffectRow]:
    """Return every audio effect by its name; read on first use."""
    return read_rows("audio_effects.toml", AudioEffectRow)


class SoundRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sound effect that is made here, from `sound_effects.toml`, which describes the fields."""

    label: tuple[str, str]
    words: str
    seconds: float
    expression: str
    filters: tuple[AudioFilter, ...] = ()
    sustained: bool = False


@cache
def sound_rows() -> Mapping[str, SoundRow]:
    """Return every sound effect by its name; read on first use."""
    return read_rows("sound_effects.toml", SoundRow)
