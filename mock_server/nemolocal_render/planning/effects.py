"""The effects of a segment, read and checked, and what of them does nothing where it stands."""

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from nemolocal_contract.draft import Segment, TrackType
from nemolocal_contract.effects import (
    Crop,
    Duck,
    Effect,
    Overlay,
    PictureEffect,
    Reverse,
    Zoom,
    effect_from_wire,
)

from .field_validation import DraftRejected

_FIELD = re.compile(r"at `\$\.(\w{1,40})`|required field `(\w{1,40})`")
_LONGEST_REASON = 100
# Shares are decimal fractions: 0.7 and 0.3 may make a little more than 1.
_ROUNDING = 1e-6


class EffectStack(NamedTuple):
    """What a segment's effects come to: in their order, without those that cancel each other."""

    reverse: bool = False
    video_effects: tuple[PictureEffect, ...] = ()
    overlay: Overlay | None = None
    ducking: float = 0.0


def read_effects(segment: Segment, path: str) -> EffectStack:
    """The effects of a segment; raises DraftRejected with the path of a wrong value (REN-9)."""
    pictures: list[PictureEffect] = []
    # Whether the segment was played backwards when each of them was added.
    turned: list[bool] = []
    overlay: Overlay | None = None
    reverse, duck = False, 0.0
    for index, wire in enumerate(segment.effects or ()):
        match _read(wire, f"{path}.fx[{index}]"):
            case None:
                continue
            case Reverse():
                reverse = not reverse
            case Overlay() as overlay:
                continue
            case Duck(amount=duck):
                continue
            case effect:
                pictures.append(effect)
                turned.append(reverse)
    # What moved before the segment was turned round moves backwards from there on.
    shown = (
        effect if before == reverse else _backwards(effect)
        for effect, before in zip(pictures, turned, strict=True)
    )
    return EffectStack(reverse, tuple(shown), overlay, duck)


def _backwards(effect: PictureEffect) -> PictureEffect:
    if isinstance(effect, Zoom):
        return msgspec.structs.replace(effect, start=effect.end, end=effect.start)
    return effect


def _read(wire: dict[str, Any], path: str) -> Effect | None:
    for name, value in wire.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise DraftRejected(f"{path}.{name[:40]}", "must be a finite number")
    try:
        effect = effect_from_wire(wire)
    except msgspec.ValidationError as error:
        raise _rejection(error, path) from error
    if isinstance(effect, Crop):
        _require_crop_inside(effect, path)
    return effect


def _rejection(error: msgspec.ValidationError, path: str) -> DraftRejected:
    said = str(error)
    found = _FIELD.search(said)
    name = (found[1] or found[2]) if found else ""
    reason = said.partition(" - at ")[0][:_LONGEST_REASON]
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


def find_ignored_effects(
    segment: Segment, path: str, kind: int | None, upper: bool
) -> Iterator[str]:
    """The effects of a segment that change nothing there: unknown ones, or on the wrong track."""
    for index, wire in enumerate(segment.effects or ()):
        place = f"{path}.fx[{index}]"
        effect = effect_from_wire(wire)
        if effect is None:
            name = str(wire.get("type", "unnamed"))
            yield f"{place}: the effect {name[:40]!r} is not known, it is left out"
        elif kind == TrackType.AUDIO and not isinstance(effect, Reverse | Duck):
            yield f"{place}: sound has no picture to change"
        elif kind == TrackType.VIDEO and isinstance(effect, Duck):
            yield f"{place}: only audio tracks are ducked"
        elif kind == TrackType.VIDEO and isinstance(effect, Overlay) and not upper:
            yield f"{place}: the first video track is not laid over anything"
        elif kind == TrackType.TEXT:
            yield f"{place}: texts have no effects"
