"""Effects and transitions of a segment: the values of `fx` and `tr` that this project knows.

No source documents them (STA-4, grade A): the names are an assumption. An effect on the wire is an
object with a `type`; unknown fields stay in the draft and are ignored here. Amounts are from -1 to
1 with 0 for "unchanged", positions are shares of the picture from its top left.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

import msgspec

from .audio_effects import audio_effect_rows

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Amount = Annotated[float, msgspec.Meta(ge=-1, le=1)]
_Scale = Annotated[float, msgspec.Meta(ge=1, le=8)]

Position = Literal[
    "top-left",
    "top-center",
    "top-right",
    "center-left",
    "center",
    "center-right",
    "bottom-left",
    "bottom-center",
    "bottom-right",
]
"""A position in the picture."""

POSITIONS: tuple[Position, ...] = get_args(Position)

TransitionType = Literal[
    "crossfade",
    "fade-black",
    "fade-white",
    "wipe-left",
    "wipe-right",
    "wipe-up",
    "wipe-down",
    "slide-left",
    "slide-right",
    "slide-up",
    "slide-down",
    "circle",
    "dissolve",
    "pixelate",
]
"""A transition from a segment to the next one. `wipe-left` moves its edge to the left.

A transition is centred on the cut and takes half of its time from either side, so the length of the
timeline does not change. The sources play on during the transition; where one has no more frames,
its last or first frame is held.
"""

TRANSITIONS: tuple[TransitionType, ...] = get_args(TransitionType)


class _Effect(msgspec.Struct, frozen=True, tag_field="type"):
    """One entry of `fx`; effects are applied in order."""


class Reverse(_Effect, frozen=True, tag="reverse"):
    """Played backwards, picture and sound."""


class Rotate(_Effect, frozen=True, tag="rotate"):
    """Turned clockwise."""

    degrees: Literal[90, 180, 270]


class Flip(_Effect, frozen=True, tag="flip"):
    """Mirrored: `horizontal` exchanges left and right."""

    axis: Literal["horizontal", "vertical"] = "horizontal"


class Crop(_Effect, frozen=True, tag="crop"):
    """Only this part of the picture is shown, enlarged."""

    x: _Share = 0.0
    y: _Share = 0.0
    width: _Share = 1.0
    height: _Share = 1.0


class Brightness(_Effect, frozen=True, tag="brightness"):
    """Brighter or darker."""

    amount: _Amount


class Contrast(_Effect, frozen=True, tag="contrast"):
    """More or less contrast."""

    amount: _Amount


class Saturation(_Effect, frozen=True, tag="saturation"):
    """More or less colour; -1 is none."""

    amount: _Amount


class Warmth(_Effect, frozen=True, tag="warmth"):
    """Warmer (more red, less blue), or cooler where negative."""

    amount: _Amount


class Grayscale(_Effect, frozen=True, tag="grayscale"):
    """Black and white."""


class Sepia(_Effect, frozen=True, tag="sepia"):
    """The brown tint of old photographs."""


class Blur(_Effect, frozen=True, tag="blur"):
    """Out of focus; an amount of 1 leaves little to see."""

    amount: _Share = 0.5


class Sharpen(_Effect, frozen=True, tag="sharpen"):
    """Crisper edges."""

    amount: _Share = 0.5


class Vignette(_Effect, frozen=True, tag="vignette"):
    """Darker corners."""

    amount: _Share = 0.5


class Zoom(_Effect, frozen=True, tag="zoom"):
    """The picture grows or shrinks evenly over the segment (Ken Burns).

    `start` and `end` are its scales at the two ends, around the point `x`, `y`.
    """

    start: _Scale = 1.0
    end: _Scale = 1.25
    x: _Share = 0.5
    y: _Share = 0.5


class Overlay(_Effect, frozen=True, tag="overlay"):
    """A segment of an upper video track is shown small: picture in picture, or a watermark.

    `width` is a share of the canvas's width, the height follows the source; `margin`, a share of
    the canvas's short side, keeps it away from the edges. Without this effect a segment of an
    upper track covers the whole canvas.
    """

    position: Position = "top-right"
    width: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.3
    opacity: _Share = 1.0
    margin: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.03


class Duck(_Effect, frozen=True, tag="duck"):
    """On audio: quieter by this share while the video tracks have sound."""

    amount: _Share = 0.7


class AudioEffect(_Effect, frozen=True, tag="audio"):
    """On video and audio: a change of the sound, by its name in `audio_effects.toml`.

    The row of the name has the bounds and the default of `amount`, and its unit.
    """

    name: str
    amount: float | None = None


class SoundFade(_Effect, frozen=True, tag="sound-fade"):
    """On video: the sound fades in and out and the picture does not; in milliseconds."""

    in_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    out_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0


PictureEffect = (
    Rotate
    | Flip
    | Crop
    | Brightness
    | Contrast
    | Saturation
    | Warmth
    | Grayscale
    | Sepia
    | Blur
    | Sharpen
    | Vignette
    | Zoom
    | Overlay
)
SoundEffect = Duck | AudioEffect | SoundFade
Effect = Reverse | SoundEffect | PictureEffect

EFFECTS: dict[str, type[Effect]] = {
    str(effect.__struct_config__.tag): effect for effect in get_args(Effect)
}
"""Every effect by its `type`."""


def effect_from_wire(wire: Mapping[str, Any]) -> Effect | None:
    """Return the effect of an entry of `fx`, or None if its `type` or `name` is not known.

    Raises msgspec.ValidationError, whose message names the field, for an invalid value.
    """
    cls = EFFECTS.get(wire["type"]) if isinstance(wire.get("type"), str) else None
    if cls is None:
        return None
    effect = msgspec.convert(wire, cls)
    return _known_audio_effect(effect) if isinstance(effect, AudioEffect) else effect


def _known_audio_effect(effect: AudioEffect) -> AudioEffect | None:
    """Return the effect if there is a row of its name; its amount must be within the bounds."""
    row = audio_effect_rows().get(effect.name)
    if row is not None:
        row.checked_amount(effect.amount)
    return None if row is None else effect


def effect_to_wire(effect: Effect) -> dict[str, Any]:
    """Return the entry of `fx` of an effect, without an amount that is not set."""
    wire: dict[str, Any] = msgspec.to_builtins(effect)
    return {name: value for name, value in wire.items() if value is not None}
