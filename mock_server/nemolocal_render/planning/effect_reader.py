"""Read the effects of a segment in their order; a bad value is named by its path (REN-9)."""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from nemolocal_contract.draft import Segment
from nemolocal_contract.effect_presets import PresetColor
from nemolocal_contract.effects import (
    AudioEffect,
    Crop,
    Duck,
    Effect,
    Freeze,
    Lut,
    Overlay,
    PictureEffect,
    Reverse,
    Solid,
    SoundFade,
    Zoom,
    effect_from_wire,
)
from nemolocal_contract.text_effects import TextEffect, text_effect_from_wire

from ..media import MediaSource
from .draft_limits import DraftRejected, require_at_most

# Each is a filter or several over all samples of the segment.
MAX_AUDIO_EFFECTS = 8


class EffectStack(NamedTuple):
    """The effects of a segment in their order, without those that cancel each other."""

    reverse: bool = False
    video_effects: tuple[PictureEffect, ...] = ()
    overlay: Overlay | None = None
    ducking: float = 0.0
    audio_effects: tuple[AudioEffect, ...] = ()
    sound_fade: SoundFade = SoundFade()
    freeze: bool = False
    solid: PresetColor | None = None


_FIELD = re.compile(r"at `\$\.(\w{1,40})`|required field `(\w{1,40})`")
_LONGEST_REASON = 100
# Shares are decimal fractions: 0.7 + 0.3 may be a little more than 1.
_ROUNDING = 1e-6


def read_effects(
    segment: Segment, path: str, sources: Mapping[str, MediaSource] | None = None
) -> EffectStack:
    """Read the effects of a segment; raises DraftRejected with the path of a bad value (REN-9)."""
    video_effects: list[PictureEffect] = []
    # Whether the segment was reversed when each of them was added.
    was_reversed: list[bool] = []
    audio_effects: list[AudioEffect] = []
    overlay: Overlay | None = None
    reverse, duck, sound_fade = False, 0.0, SoundFade()
    freeze = False
    solid: PresetColor | None = None
    for index, wire in enumerate(segment.effects or ()):
        match _read_effect(wire, f"{path}.fx[{index}]", sources or {}):
            case None:
                continue
            case Reverse():
                reverse = not reverse
            case Overlay() as overlay:
                continue
            case Duck(amount=duck):
                continue
            case SoundFade() as sound_fade:
                continue
            case Freeze():
                freeze = True
            case Solid() as plain:
                solid = plain.color
            case AudioEffect() as audio_effect:
                audio_effects.append(audio_effect)
            case effect:
                video_effects.append(effect)
                was_reversed.append(reverse)
    # An effect that was added before the segment was reversed is reversed with it.
    ordered = (
        effect if before == reverse else _reverse_effect(effect)
        for effect, before in zip(video_effects, was_reversed, strict=True)
    )
    require_at_most(len(audio_effects), f"{path}.fx", "audio effects", MAX_AUDIO_EFFECTS)
    return EffectStack(
        reverse, tuple(ordered), overlay, duck, tuple(audio_effects), sound_fade, freeze, solid
    )


def _is_lut(source: MediaSource | None) -> bool:
    return source is not None and bool(source.info.lut)


def _reverse_effect(effect: PictureEffect) -> PictureEffect:
    if isinstance(effect, Zoom):
        return msgspec.structs.replace(effect, start=effect.end, end=effect.start)
    return effect


def read_text_effect(segment: Segment, path: str) -> TextEffect | None:
    """Read how a text is drawn: its last effect; raises DraftRejected (REN-9)."""
    found: TextEffect | None = None
    for index, wire in enumerate(segment.effects or ()):
        with _located(wire, f"{path}.fx[{index}]"):
            found = text_effect_from_wire(wire) or found
    return found


def _read_effect(
    wire: dict[str, Any], path: str, sources: Mapping[str, MediaSource]
) -> Effect | None:
    with _located(wire, path):
        effect = effect_from_wire(wire)
    if isinstance(effect, Lut) and not _is_lut(sources.get(effect.source)):
        raise DraftRejected(f"{path}.source", "is no LUT that was uploaded")
    if isinstance(effect, Crop):
        _require_crop_inside(effect, path)
    return effect


@contextmanager
def _located(wire: dict[str, Any], path: str) -> Iterator[None]:
    """Refuse an effect with the path of its bad value."""
    for name, value in wire.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise DraftRejected(f"{path}.{name[:40]}", "must be a finite number")
    try:
        yield
    except msgspec.ValidationError as error:
        raise _rejection(error, path) from error


def _rejection(error: msgspec.ValidationError, path: str) -> DraftRejected:
    message = str(error)
    found = _FIELD.search(message)
    name = (found[1] or found[2]) if found else ""
    reason = message.partition(" - at ")[0][:_LONGEST_REASON]
    if found and found[2]:
        reason = "is missing"
    return DraftRejected(f"{path}.{name}" if name else path, reason)


def _require_crop_inside(crop: Crop, path: str) -> None:
    for side, start in (("width", crop.x), ("height", crop.y)):
        length = getattr(crop, side)
        if length <= 0:
            raise DraftRejected(f"{path}.{side}", "must be greater than 0")
        if start + length > 1 + _ROUNDING:
            raise DraftRejected(f"{path}.{side}", "reaches beyond the edge of the picture")
