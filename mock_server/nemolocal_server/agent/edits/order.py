"""The order of clips. Transitions belong to the cuts between clips, and stay there."""

from collections.abc import Sequence

from nemolocal_contract.draft import Draft, Segment

from ..intents import Merge, MoveClip, ReverseOrder, SwapClips
from ..problems import CannotEdit
from ..timeline import clips_of
from .material import Material
from .placing import append, unplaced
from .ripple import reorder
from .selection import find_clips, names_of, the_clip


def move(draft: Draft, edit: MoveClip, material: Material) -> Draft:
    """The clips that are meant at another place in the order, together."""
    clips = clips_of(draft)
    moving = find_clips(clips, edit.which, material)
    others = [place for place in range(len(clips)) if place not in moving]
    to = edit.to - 1 if edit.to > 0 else len(others) + 1 + edit.to
    if not edit.to or not 0 <= to <= len(others):
        names = names_of(clips, material)
        raise CannotEdit("no_such_place", place=edit.to, count=len(clips), names=names)
    return _in_order(draft, clips, [*others[:to], *moving, *others[to:]], material)


def swap(draft: Draft, edit: SwapClips, material: Material) -> Draft:
    """Two clips, each in the place of the other."""
    clips = clips_of(draft)
    one, other = (the_clip(clips, which, material) for which in (edit.one, edit.other))
    order = [*range(len(clips))]
    order[one], order[other] = other, one
    return _in_order(draft, clips, order, material)


def reverse(draft: Draft, _: ReverseOrder, material: Material) -> Draft:
    """The last clip first."""
    clips = clips_of(draft)
    return _in_order(draft, clips, range(len(clips))[::-1], material)


def _in_order(
    draft: Draft, clips: Sequence[Segment], order: Sequence[int], material: Material
) -> Draft:
    if len(clips) < 2:
        raise CannotEdit("one_clip", names=names_of(clips, material))
    if [*order] == sorted(order):
        raise CannotEdit("same_order")
    return reorder(draft, clips, order, material)


def merge(draft: Draft, _: Merge, material: Material) -> Draft:
    """All clips without gaps, uploads that are not there yet after them."""
    fresh = unplaced(draft, material)
    clips = clips_of(draft)
    if not clips and not fresh:
        raise CannotEdit("no_video")
    closed = draft
    if clips:
        closed = reorder(draft, clips, range(len(clips)), material)
    if not fresh and clips_of(closed) == clips:
        raise CannotEdit("merged")
    return append(closed, fresh, material) if fresh else closed
