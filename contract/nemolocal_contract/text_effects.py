"""Effects of a text segment: the values of `fx` on text tracks that this project knows.

As with those of pictures and sounds (`effects.py`), no source documents them (STA-4, grade A).
"""

from collections.abc import Mapping
from typing import Annotated, Any, get_args

import msgspec

from .effect_presets import PresetColor


class _TextEffect(msgspec.Struct, frozen=True, tag_field="type"):
    """The entry of `fx` that decides how a text is drawn."""


class Typewriter(_TextEffect, frozen=True, tag="typewriter"):
    """The characters appear one after another, `rate` of them a second, all before the end."""

    rate: Annotated[float, msgspec.Meta(gt=0, le=100)] = 15.0


class CreditsRoll(_TextEffect, frozen=True, tag="credits-roll"):
    """The lines scroll up through the picture for the length of the segment."""


class Karaoke(_TextEffect, frozen=True, tag="karaoke"):
    """The words take on a colour one by one, each for a share of the segment by its length."""

    color: PresetColor = "yellow"


class LowerThird(_TextEffect, frozen=True, tag="lower-third"):
    """The text stands on a coloured bar and slides in from the left."""

    color: PresetColor = "blue"


class Timer(_TextEffect, frozen=True, tag="timer"):
    """A timer instead of the text: seconds from the start of the segment, or left with `down`."""

    down: bool = False


class ProgressBar(_TextEffect, frozen=True, tag="progress-bar"):
    """A bar instead of the text, which grows from left to right over the segment.

    The position of the style decides whether it is at the top or the bottom edge.
    """

    color: PresetColor = "red"


TextEffect = Typewriter | CreditsRoll | Karaoke | LowerThird | Timer | ProgressBar
TEXT_EFFECTS: dict[str, type[TextEffect]] = {
    str(effect.__struct_config__.tag): effect for effect in get_args(TextEffect)
}
"""Every effect of texts by its `type`."""


def text_effect_from_wire(wire: Mapping[str, Any]) -> TextEffect | None:
    """Return the effect of an entry of `fx` on a text track, or None if its `type` is not known.

    Raises msgspec.ValidationError, whose message names the field, for an invalid value.
    """
    name = wire.get("type")
    cls = TEXT_EFFECTS.get(name) if isinstance(name, str) else None
    return None if cls is None else msgspec.convert(wire, cls)


def text_effect_to_wire(effect: TextEffect) -> dict[str, Any]:
    """Return the entry of `fx` of an effect."""
    wire: dict[str, Any] = msgspec.to_builtins(effect)
    return wire
