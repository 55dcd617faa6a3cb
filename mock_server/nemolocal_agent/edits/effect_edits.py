"""Edits of effects and transitions."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec

from nemolocal_contract.draft import Draft, Segment, Transition
from nemolocal_contract.effect_presets import effect_presets
from nemolocal_contract.effects import Effect, Flip, Reverse, Rotate, effect_to_wire

from ..errors import EditRejected
from ..intents import (
    AddTransition,
    ApplyEffect,
    RemoveEffects,
    RemoveOverlays,
    RemoveTransitions,
    RemoveWatermark,
)
from ..timeline import MediaPool, clips_of, with_clips
from .clip_edits import select_clips
from .overlay_edits import remove_overlays
from .video_rebuild import fit_transitions

_COLOR_EFFECTS = tuple("brightness contrast saturation warmth grayscale sepia lut".split())
_OTHER_EFFECTS = tuple(
    "blur sharpen vignette zoom crop blur-region pixelate-region remove-logo stabilize "
    "smooth-motion chroma-key".split()
)
_ORIENTATION_EFFECTS = ("rotate", "flip")
_DEFAULT_TRANSITION_MS = 1000
_Effects = Sequence[dict[str, Any]]
_Replace = Callable[[_Effects], _Effects]
_replace = msgspec.structs.replace


def apply_effect(draft: Draft, edit: ApplyEffect, media_pool: MediaPool) -> Draft:
    """Apply an effect to the selected clips; it replaces an effect of the same type.

    Rotations and flips are combined instead, and reversing twice plays forwards again.
    """
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    types, renew = _replacement_of(edit.effect)
    return with_clips(draft, _replace_effects(clips, indexes, types, renew))


def remove_watermark(draft: Draft, edit: RemoveWatermark, media_pool: MediaPool) -> Draft:
    """Remove the overlays; without any, fill the place of a watermark that was filmed."""
    try:
        return remove_overlays(draft, RemoveOverlays(), media_pool)
    except EditRejected:
        return apply_effect(draft, ApplyEffect(edit.place, edit.selector), media_pool)


def _replacement_of(effect: Effect) -> tuple[Sequence[str], _Replace]:
    """The types of effects that this one replaces, and the function that replaces them."""
    wire = effect_to_wire(effect)
    if isinstance(effect, Rotate | Flip):
        return _ORIENTATION_EFFECTS, lambda old: _combine_orientation([*old, wire])
    if isinstance(effect, Reverse):
        return (wire["type"],), lambda old: [] if old else [wire]
    return (wire["type"],), lambda _: [wire]


def _replace_effects(
    clips: list[Segment], indexes: Sequence[int], types: Sequence[str], renew: _Replace
) -> list[Segment]:
    """Replace the effects of these types on the selected clips by what `renew` returns for them.

    The new effects take the place of the first old one, or are appended. `types` is not a set
    because a type on the wire can be any JSON value, also one that cannot be hashed.
    """
    renewed = [*clips]
    from_none = renew(())
    for index in indexes:
        effects = clips[index].effects or ()
        first = _first_of(types, effects)
        if first is None:
            if from_none:
                renewed[index] = _replace(clips[index], effects=(*effects, *from_none))
            continue
        old = [effect for effect in effects if effect.get("type") in types]
        others = [effect for effect in effects[first:] if effect.get("type") not in types]
        effects = (*effects[:first], *renew(old), *others)
        renewed[index] = _replace(clips[index], effects=effects or None)
    return renewed


def _first_of(types: Sequence[str], effects: _Effects) -> int | None:
    """The place of the first effect of one of these types."""
    # `next` and a comprehension take longer on the few effects of a clip.
    for place, effect in enumerate(effects):
        if effect.get("type") in types:
            return place
    return None


def _combine_orientation(turns: _Effects) -> _Effects:
    """Combine rotations and flips into one of the eight orientations."""
    degrees, mirrored = 0, False
    for one in turns:
        turn = _degrees(one)
        degrees = (degrees - turn if mirrored else degrees + turn) % 360
        mirrored ^= one["type"] == "flip"
    return [effect_to_wire(turn) for turn in _orientation_effects(degrees, mirrored)]


def _degrees(wire: dict[str, Any]) -> int:
    """The degrees of a rotation; a vertical flip is a rotation by 180° and a horizontal flip."""
    if wire["type"] == "flip":
        return 180 if wire.get("axis") == "vertical" else 0
    degrees = wire.get("degrees")
    return degrees if degrees in (90, 180, 270) else 0


def _orientation_effects(degrees: int, mirrored: bool) -> list[Effect]:
    if mirrored and degrees == 180:
        return [Flip("vertical")]
    turn: list[Effect] = [Rotate(known) for known in (90, 180, 270) if known == degrees]
    return [*turn, Flip("horizontal")] if mirrored else turn


@cache
def _visual_effects(colors_only: bool) -> tuple[str, ...]:
    """The types of the effects that "remove all effects" or "reset the colors" removes."""
    presets = effect_presets()
    if colors_only:
        colors = (name for name, preset in presets.items() if preset.group == "color")
        return (*_COLOR_EFFECTS, *colors)
    return (*_COLOR_EFFECTS, *_OTHER_EFFECTS, *presets)


def remove_effects(draft: Draft, edit: RemoveEffects, media_pool: MediaPool) -> Draft:
    """Remove the effects of one type from the selected clips, or all visual effects.

    Rotations, flips and reversed playback are only removed if they are named.
    """
    types = _visual_effects(edit.colors_only) if edit.type is None else (edit.type,)
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    bare = _replace_effects(clips, indexes, types, lambda _: ())
    if bare == clips:
        raise EditRejected("no_effect")
    return with_clips(draft, bare)


def add_transition(draft: Draft, edit: AddTransition, media_pool: MediaPool) -> Draft:
    """Add a transition after each selected clip that another clip follows directly."""
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    wanted = _DEFAULT_TRANSITION_MS if edit.duration_ms is None else max(edit.duration_ms, 1)
    added = Transition(type=edit.type, duration_ms=wanted)
    for index in indexes:
        old = clips[index].transition
        new = added if old is None else _replace(old, type=edit.type, duration_ms=wanted)
        clips[index] = _replace(clips[index], transition=new)
    clips = fit_transitions(clips)
    if not any(clips[index].transition for index in indexes):
        raise EditRejected("nothing_follows")
    return with_clips(draft, clips)


def remove_transitions(draft: Draft, _: RemoveTransitions, __: MediaPool) -> Draft:
    """Remove all transitions."""
    clips: Sequence[Segment] = clips_of(draft)
    if not any(clip.transition for clip in clips):
        raise EditRejected("no_transition")
    return with_clips(draft, [_replace(clip, transition=None) for clip in clips])
