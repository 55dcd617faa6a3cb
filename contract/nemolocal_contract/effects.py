"""Effects and transitions of a segment: the values of `fx` and `tr` that this project knows.

No source documents them (STA-4, grade A): the names are an assumption. An effect on the wire is an
object with a `type`; unknown fields stay in the draft and are ignored here. Amounts are from -1 to
1 with 0 for "unchanged", positions are shares of the picture from its top left.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec

from .audio_effects import audio_effect_rows
from .effect_presets import PresetColor, effect_presets

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


class Lut(_Effect, frozen=True, tag="lut"):
    """The colours are those of a lookup table: `source` is the asset of its `.cube` file."""

    source: str
    amount: _Share = 1.0


_Part = Annotated[float, msgspec.Meta(gt=0, le=1)]


class _Region(_Effect, frozen=True):
    """A rectangle of the picture that is changed; the rest stays as it is."""

    x: _Share = 0.0
    y: _Share = 0.0
    width: _Part = 0.35
    height: _Part = 0.25


class BlurRegion(_Region, frozen=True, tag="blur-region"):
    """A rectangle is blurred until nothing in it can be read."""


class PixelateRegion(_Region, frozen=True, tag="pixelate-region"):
    """A rectangle is shown in large blocks."""


class RemoveLogo(_Region, frozen=True, tag="remove-logo"):
    """A rectangle is filled from its edges: a logo or watermark that was filmed with the rest."""


class Stabilize(_Effect, frozen=True, tag="stabilize"):
    """Less camera shake; more of it steadies longer movements."""

    amount: _Share = 0.5


class SmoothMotion(_Effect, frozen=True, tag="smooth-motion"):
    """Frames between those of the source are interpolated along its movements."""


class ChromaKey(_Effect, frozen=True, tag="chroma-key"):
    """What has this colour is transparent: the layer below shows, or a `background`, or black."""

    color: Literal["green", "blue"] = "green"
    similarity: Annotated[float, msgspec.Meta(ge=0.01, le=0.5)] = 0.2
    background: PresetColor | None = None


class Cell(_Effect, frozen=True, tag="cell"):
    """The picture fills one cell of a grid: a split screen.

    `column` and `row` count from 0. The rest of the canvas shows the layers below, or black.
    """

    columns: Annotated[int, msgspec.Meta(ge=1, le=4)] = 2
    rows: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    column: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0
    row: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0


class PresetEffect(_Effect, frozen=True, tag="preset"):
    """A look of `effect_presets.toml`; on the wire its `type` is the `name`.

    `amount` is its strength, `color` its colour. Both are ignored by looks that have none.
    """

    name: str
    amount: _Share = 1.0
    color: PresetColor | None = None


class AudioEffect(_Effect, frozen=True, tag="audio"):
    """A change of the sound, of `audio_effects.toml`; on the wire its `type` is the `name`.

    It is for video and audio. The row has the bounds and the default of `amount`, and its unit.
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
    | BlurRegion
    | PixelateRegion
    | RemoveLogo
    | Stabilize
    | SmoothMotion
    | ChromaKey
    | Cell
    | Lut
    | PresetEffect
)
RegionEffect = BlurRegion | PixelateRegion | RemoveLogo
"""An effect that changes a rectangle of the picture."""
SoundEffect = Duck | AudioEffect | SoundFade
Effect = Reverse | SoundEffect | PictureEffect

EFFECTS: dict[str, type[Effect]] = {
    str(effect.__struct_config__.tag): effect
    for effect in get_args(Effect)
    if effect not in (PresetEffect, AudioEffect)
}
"""Every effect by its `type`, without the looks and the audio effects, which are rows of data."""


def preset_effect(
    name: str, amount: float | None = None, color: PresetColor | None = None
) -> PresetEffect:
    """Return a look with its usual strength and colour where none is given."""
    preset = effect_presets()[name]
    usual = 1.0 if preset.amount is None else preset.amount
    strength = usual if amount is None or preset.amount is None else amount
    return PresetEffect(name, strength, (color or preset.color) if preset.color else None)


def effect_type(effect: Effect) -> str:
    """Return the `type` of an effect on the wire."""
    if isinstance(effect, PresetEffect | AudioEffect):
        return effect.name
    return str(effect.__struct_config__.tag)


def effect_from_wire(wire: Mapping[str, Any]) -> Effect | None:
    """Return the effect of an entry of `fx`, or None if its `type` is not known.

    Raises msgspec.ValidationError, whose message names the field, for an invalid value.
    """
    name = wire.get("type")
    if not isinstance(name, str):
        return None
    if name in effect_presets():
        return _preset_from_wire(name, wire)
    if name in audio_effect_rows():
        return _audio_effect_from_wire(name, wire)
    cls = EFFECTS.get(name)
    return None if cls is None else msgspec.convert(wire, cls)


def _preset_from_wire(name: str, wire: Mapping[str, Any]) -> PresetEffect:
    read = _row_effect_from_wire(PresetEffect, name, wire)
    return preset_effect(name, read.amount if "amount" in wire else None, read.color)


def _audio_effect_from_wire(name: str, wire: Mapping[str, Any]) -> AudioEffect:
    effect = _row_effect_from_wire(AudioEffect, name, wire)
    audio_effect_rows()[name].checked_amount(effect.amount)
    return effect


_RowEffect = TypeVar("_RowEffect", PresetEffect, AudioEffect)


def _row_effect_from_wire(cls: type[_RowEffect], name: str, wire: Mapping[str, Any]) -> _RowEffect:
    """Return the effect of a row, whose name is the `type`."""
    return msgspec.convert({**wire, "type": cls.__struct_config__.tag, "name": name}, cls)


def effect_to_wire(effect: Effect) -> dict[str, Any]:
    """Return the entry of `fx` of an effect, without fields that are not set."""
    wire: dict[str, Any] = msgspec.to_builtins(effect)
    if isinstance(effect, PresetEffect | AudioEffect):
        wire["type"] = wire.pop("name")
    if isinstance(effect, PresetEffect) and effect_presets()[effect.name].amount is None:
        del wire["amount"]
    return {name: value for name, value in wire.items() if value is not None}
