"""Looks: simple picture effects as rows of data, read from `effect_presets.toml`.

A row has everything that the project knows about a look: its words, its labels, how strong it is
by default, and FFmpeg filters whose parameters depend on nothing but its amount, its colour (one
of a list) and the size of the picture. So no text of a user can reach a filter.
"""

import functools
from typing import Annotated, Literal, get_args

import msgspec

from .toml_tables import read_rows

PresetColor = Literal[
    "white", "black", "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"
]
"""A colour that an effect can have."""

PRESET_COLORS: tuple[PresetColor, ...] = get_args(PresetColor)

PresetGroup = Literal["color", "detail", "style", "frame"]
"""What a look changes: the colours, the sharpness and noise, or both, or the edges."""


class ScaledParameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A parameter whose value goes from `at[0]` for an amount of 0 to `at[1]` for 1.

    It is multiplied by the short `side`, the `width` or the `height` of the picture in pixels, and
    is at least `least`. With `whole` it is an integer. `template` puts it into an expression.
    """

    at: tuple[float, float]
    of: Literal["side", "width", "height"] | None = None
    least: float | None = None
    whole: bool = False
    template: str = "{}"


Parameter = str | float | tuple[float, float] | ScaledParameter
"""A constant, the values for the amounts 0 and 1, or how it is scaled.

The text `$color` is the colour of the effect.
"""


class PresetFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One FFmpeg filter of a look, or one of the filter graphs of the renderer."""

    name: str
    with_: dict[str, Parameter] = msgspec.field(default_factory=dict, name="with")


class EffectPreset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row: a look.

    `words` are what people say for it in English and Chinese, separated by `|`; `mood_words` are
    those that also name a mood of music: they mean the look where nothing asks for music.
    `label` names it in both languages. Without `amount` its strength cannot be changed. `color` is
    the colour that it has if none is named; only those with one have a colour. `note` is what a
    reply says about its limits. `moving` looks change from frame to frame, so stills become videos
    for them; those `at_source` see the frames before they are scaled.
    """

    label: tuple[str, str]
    words: str
    group: PresetGroup
    filters: tuple[PresetFilter, ...]
    amount: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    color: PresetColor | None = None
    note: tuple[str, str] | None = None
    mood_words: str = ""
    moving: bool = False
    at_source: bool = False


@functools.cache
def effect_presets() -> dict[str, EffectPreset]:
    """Return every look by its `type` on the wire, in the order of the file."""
    return read_rows("effect_presets.toml", EffectPreset)
