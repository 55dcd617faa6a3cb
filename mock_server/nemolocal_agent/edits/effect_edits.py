"""How clips look: effects, turns, playing backwards, and the ways from clip to clip."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from nemolocal_contract.draft import Draft, Segment, Transition
from nemolocal_contract.effects import Effect, Flip, Reverse, Rotate, effect_to_wire

from ..errors import EditRejected
from ..intents import AddTransition, ApplyEffect, RemoveEffects, RemoveTransitions
from ..timeline import clips_of, with_clips
from .media_pool import MediaPool
from .ripple import fit_transitions
from .selection import select_clips

_VISUAL_EFFECTS = tuple(
    "brightness contrast saturation warmth grayscale sepia blur sharpen vignette zoom crop".split()
)
_ORIENTATION_EFFECTS = ("rotate", "flip")
_DEFAULT_TRANSITION_MS = 1000
_Effects = Sequence[dict[str, Any]]
_Replace = Callable[[_Effects], _Effects]
_replace = msgspec.structs.replace


def apply_effect(draft: Draft, edit: ApplyEffect, media_pool: MediaPool) -> Draft:
    """The clips that are meant with an effect; one of its type that is there is replaced.

    Turns add up, and what is played backwards twice is played forwards.
    """
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    types, renew = _replacement_of(edit.effect)
    return with_clips(draft, _replace_effects(clips, indexes, types, renew))


def _replacement_of(effect: Effect) -> tuple[Sequence[str], _Replace]:
    """The types of effects that it replaces, and what stands in their place then."""
    wire = effect_to_wire(effect)
    if isinstance(effect, Rotate | Flip):
        return _ORIENTATION_EFFECTS, lambda old: _combine_orientation([*old, wire])
    if isinstance(effect, Reverse):
        return (wire["type"],), lambda old: [] if old else [wire]
    return (wire["type"],), lambda _: [wire]


def _replace_effects(
    clips: list[Segment], indexes: Sequence[int], types: Sequence[str], renew: _Replace
) -> list[Segment]:
    """The clips with other effects of these types: what `renew` makes of those that there are.

    The new ones stand where the first of the old ones stood, or at the end. A type on the wire may
    be anything, even what has no hash: hence no set of types.
    """
    renewed = [*clips]
    from_none = renew(())
    for index in indexes:
        effects = clips[index].effects or ()
        others = [effect for effect in effects if effect.get("type") not in types]
        if len(others) < len(effects):
            old: _Effects = effects
            if others:
                old = [effect for effect in effects if effect.get("type") in types]
            first = effects.index(old[0])
            effects = (*others[:first], *renew(old), *others[first:])
        elif from_none:
            effects = (*effects, *from_none)
        else:
            continue
        renewed[index] = _replace(clips[index], effects=effects or None)
    return renewed


def _combine_orientation(turns: _Effects) -> _Effects:
    """All turns and mirrors together are one of eight: a rotation, then mirrored or not."""
    degrees, mirrored = 0, False
    for one in turns:
        turn = _degrees(one)
        degrees = (degrees - turn if mirrored else degrees + turn) % 360
        mirrored ^= one["type"] == "flip"
    return [effect_to_wire(turn) for turn in _orientation_effects(degrees, mirrored)]


def _degrees(wire: dict[str, Any]) -> int:
    """How far it turns; to mirror vertically is to turn by 180° and mirror horizontally."""
    if wire["type"] == "flip":
        return 180 if wire.get("axis") == "vertical" else 0
    degrees = wire.get("degrees")
    return degrees if degrees in (90, 180, 270) else 0


def _orientation_effects(degrees: int, mirrored: bool) -> list[Effect]:
    if mirrored and degrees == 180:
        return [Flip("vertical")]
    turn: list[Effect] = [Rotate(known) for known in (90, 180, 270) if known == degrees]
    return [*turn, Flip("horizontal")] if mirrored else turn


def remove_effects(draft: Draft, edit: RemoveEffects, media_pool: MediaPool) -> Draft:
    """The clips that are meant without one type of effect, or without all looks.

    Looks are colours, blurs, zooms and crops; turns and playing backwards go where they are named.
    """
    types = _VISUAL_EFFECTS if edit.type is None else (edit.type,)
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    bare = _replace_effects(clips, indexes, types, lambda _: ())
    if bare == clips:
        raise EditRejected("no_effect")
    return with_clips(draft, bare)


def add_transition(draft: Draft, edit: AddTransition, media_pool: MediaPool) -> Draft:
    """A soft way from each clip that is meant into the one that follows it at once."""
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    wanted = _DEFAULT_TRANSITION_MS if edit.duration_ms is None else max(edit.duration_ms, 1)
    fresh = Transition(type=edit.type, duration_ms=wanted)
    for index in indexes:
        old = clips[index].transition
        new = fresh if old is None else _replace(old, type=edit.type, duration_ms=wanted)
        clips[index] = _replace(clips[index], transition=new)
    clips = fit_transitions(clips)
    if not any(clips[index].transition for index in indexes):
        raise EditRejected("nothing_follows")
    return with_clips(draft, clips)


def remove_transitions(draft: Draft, _: RemoveTransitions, __: MediaPool) -> Draft:
    """Hard cuts."""
    clips: Sequence[Segment] = clips_of(draft)
    if not any(clip.transition for clip in clips):
        raise EditRejected("no_transition")
    return with_clips(draft, [_replace(clip, transition=None) for clip in clips])
