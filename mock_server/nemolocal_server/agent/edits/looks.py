"""How clips look: effects, turns, playing backwards, and the ways from clip to clip."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from nemolocal_contract.draft import Draft, Segment, Transition
from nemolocal_contract.effects import Effect, Flip, Reverse, Rotate, effect_to_wire

from ..intents import AddTransition, ApplyEffect, RemoveEffects, RemoveTransitions, Which
from ..problems import CannotEdit
from ..timeline import clips_of, with_clips
from .material import Material
from .ripple import settled
from .selection import chosen

_LOOKS = frozenset(
    "brightness contrast saturation warmth grayscale sepia blur sharpen vignette zoom crop".split()
)
_TURNS = frozenset({"rotate", "flip"})
_TRANSITION_MS = 1000
_Effects = tuple[dict[str, Any], ...]
_replace = msgspec.structs.replace


def apply_effect(draft: Draft, edit: ApplyEffect, material: Material) -> Draft:
    """The clips that are meant with an effect; one of its type that is there is replaced.

    Turns add up, and what is played backwards twice is played forwards.
    """
    effect = edit.effect
    if isinstance(effect, Rotate | Flip):
        return _changed(draft, edit.which, material, lambda effects: _turned(effects, effect))
    if isinstance(effect, Reverse):
        return _changed(draft, edit.which, material, _reversed)
    return _changed(draft, edit.which, material, lambda effects: _with_effect(effects, effect))


def _changed(
    draft: Draft, which: Which, material: Material, change: Callable[[_Effects], _Effects]
) -> Draft:
    draft, places = chosen(draft, which, material)
    clips = clips_of(draft)
    for place in places:
        effects = change(clips[place].effects or ())
        clips[place] = _replace(clips[place], effects=effects or None)
    return with_clips(draft, clips)


def _with_effect(effects: _Effects, effect: Effect) -> _Effects:
    wire = effect_to_wire(effect)
    return _in_place(effects, frozenset({wire["type"]}), [wire])


def _in_place(effects: _Effects, types: frozenset[str], new: list[Any]) -> _Effects:
    """`new` where the first of these types stood, or at the end; the others of them are gone."""
    kinds = [_type(effect) in types for effect in effects]
    first = kinds.index(True) if True in kinds else len(effects)
    others = [effect for effect, is_old in zip(effects, kinds, strict=True) if not is_old]
    return (*others[:first], *new, *others[first:])


def _type(wire: dict[str, Any]) -> str:
    """What an entry of `fx` says it is; anybody may have written it."""
    return str(wire.get("type"))


def _reversed(effects: _Effects) -> _Effects:
    backwards = any(_type(effect) == "reverse" for effect in effects)
    new = [] if backwards else [effect_to_wire(Reverse())]
    return _in_place(effects, frozenset({"reverse"}), new)


def _turned(effects: _Effects, effect: Rotate | Flip) -> _Effects:
    """All turns and mirrors together are one of eight: a rotation, then mirrored or not."""
    degrees, mirrored = 0, False
    for one in (*filter(lambda wire: _type(wire) in _TURNS, effects), effect_to_wire(effect)):
        turn = _degrees(one)
        degrees = (degrees - turn if mirrored else degrees + turn) % 360
        mirrored ^= one["type"] == "flip"
    return _in_place(effects, _TURNS, [effect_to_wire(turn) for turn in _turns(degrees, mirrored)])


def _degrees(wire: dict[str, Any]) -> int:
    """How far it turns; to mirror vertically is to turn by 180° and mirror horizontally."""
    if wire["type"] == "flip":
        return 180 if wire.get("axis") == "vertical" else 0
    degrees = wire.get("degrees")
    return degrees if degrees in (90, 180, 270) else 0


def _turns(degrees: int, mirrored: bool) -> list[Effect]:
    if mirrored and degrees == 180:
        return [Flip("vertical")]
    turn: list[Effect] = [Rotate(known) for known in (90, 180, 270) if known == degrees]
    return [*turn, Flip("horizontal")] if mirrored else turn


def remove_effects(draft: Draft, edit: RemoveEffects, material: Material) -> Draft:
    """The clips that are meant without one type of effect, or without all looks.

    Looks are colours, blurs, zooms and crops; turns and playing backwards go where they are named.
    """
    types = _LOOKS if edit.type is None else frozenset({edit.type})
    draft, places = chosen(draft, edit.which, material)
    clips = clips_of(draft)
    if not any(_type(one) in types for place in places for one in clips[place].effects or ()):
        raise CannotEdit("no_effect")
    for place in places:
        effects = _in_place(clips[place].effects or (), types, [])
        clips[place] = _replace(clips[place], effects=effects or None)
    return with_clips(draft, clips)


def add_transition(draft: Draft, edit: AddTransition, material: Material) -> Draft:
    """A soft way from each clip that is meant into the one that follows it at once."""
    draft, places = chosen(draft, edit.which, material)
    clips = clips_of(draft)
    wanted = _TRANSITION_MS if edit.duration_ms is None else max(edit.duration_ms, 1)
    for place in places:
        transition = clips[place].transition or Transition()
        transition = _replace(transition, type=edit.type, duration_ms=wanted)
        clips[place] = _replace(clips[place], transition=transition)
    clips = settled(clips)
    if not any(clips[place].transition for place in places):
        raise CannotEdit("nothing_follows")
    return with_clips(draft, clips)


def remove_transitions(draft: Draft, _: RemoveTransitions, __: Material) -> Draft:
    """Hard cuts."""
    clips: Sequence[Segment] = clips_of(draft)
    if not any(clip.transition for clip in clips):
        raise CannotEdit("no_transition")
    return with_clips(draft, [_replace(clip, transition=None) for clip in clips])
