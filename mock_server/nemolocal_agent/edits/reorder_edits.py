"""The order of clips. Transitions belong to the cuts between clips, and stay there."""

from collections.abc import Sequence

from nemolocal_contract.draft import Draft, Segment

from ..errors import EditRejected
from ..intents import Merge, MoveClip, ReverseOrder, SwapClips
from ..timeline import clips_of
from .insert_edits import append_media, unplaced_uploads
from .media_pool import MediaPool
from .ripple import reorder_clips
from .selection import clip_names, find_clips, find_one_clip


def move_clips(draft: Draft, edit: MoveClip, material: MediaPool) -> Draft:
    """The clips that are meant at another place in the order, together."""
    clips = clips_of(draft)
    moving = find_clips(clips, edit.selector, material)
    others = [place for place in range(len(clips)) if place not in moving]
    to = edit.to - 1 if edit.to > 0 else len(others) + 1 + edit.to
    if not edit.to or not 0 <= to <= len(others):
        names = clip_names(clips, material)
        raise EditRejected("no_such_place", place=edit.to, count=len(clips), names=names)
    return _reorder(draft, clips, [*others[:to], *moving, *others[to:]], material)


def swap_clips(draft: Draft, edit: SwapClips, material: MediaPool) -> Draft:
    """Two clips, each in the place of the other."""
    clips = clips_of(draft)
    one, other = (find_one_clip(clips, which, material) for which in (edit.one, edit.other))
    order = [*range(len(clips))]
    order[one], order[other] = other, one
    return _reorder(draft, clips, order, material)


def reverse_clips(draft: Draft, _: ReverseOrder, material: MediaPool) -> Draft:
    """The last clip first."""
    clips = clips_of(draft)
    return _reorder(draft, clips, range(len(clips))[::-1], material)


def _reorder(
    draft: Draft, clips: Sequence[Segment], order: Sequence[int], material: MediaPool
) -> Draft:
    if len(clips) < 2:
        raise EditRejected("one_clip", names=clip_names(clips, material))
    if [*order] == sorted(order):
        raise EditRejected("same_order")
    return reorder_clips(draft, clips, order, material)


def merge_clips(draft: Draft, _: Merge, material: MediaPool) -> Draft:
    """All clips without gaps, uploads that are not there yet after them."""
    fresh = unplaced_uploads(draft, material)
    clips = clips_of(draft)
    if not clips and not fresh:
        raise EditRejected("no_video")
    closed = draft
    if clips:
        closed = reorder_clips(draft, clips, range(len(clips)), material)
    if not fresh and clips_of(closed) == clips:
        raise EditRejected("merged")
    return append_media(closed, fresh, material) if fresh else closed
