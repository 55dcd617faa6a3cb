"""Edits of the order of clips. Transitions stay at their cuts."""

from collections.abc import Sequence

from nemolocal_contract.draft import Draft, Segment

from ..errors import EditRejected
from ..intents import Merge, MoveClip, ReverseOrder, SwapClips
from ..timeline import clips_of
from .insert_edits import append_media, unplaced_uploads
from .media_pool import MediaPool
from .ripple import reorder_clips
from .selection import clip_names, find_clips, find_one_clip


def move_clips(draft: Draft, edit: MoveClip, media_pool: MediaPool) -> Draft:
    """Move the selected clips together to another position."""
    clips = clips_of(draft)
    moving = find_clips(clips, edit.selector, media_pool)
    others = [index for index in range(len(clips)) if index not in moving]
    to = edit.to - 1 if edit.to > 0 else len(others) + 1 + edit.to
    if not edit.to or not 0 <= to <= len(others):
        names = clip_names(clips, media_pool)
        raise EditRejected("no_such_place", place=edit.to, count=len(clips), names=names)
    return _reorder(draft, clips, [*others[:to], *moving, *others[to:]], media_pool)


def swap_clips(draft: Draft, edit: SwapClips, media_pool: MediaPool) -> Draft:
    """Swap two clips."""
    clips = clips_of(draft)
    one, other = (find_one_clip(clips, selector, media_pool) for selector in (edit.one, edit.other))
    order = [*range(len(clips))]
    order[one], order[other] = other, one
    return _reorder(draft, clips, order, media_pool)


def reverse_clips(draft: Draft, _: ReverseOrder, media_pool: MediaPool) -> Draft:
    """Reverse the order of the clips."""
    clips = clips_of(draft)
    return _reorder(draft, clips, range(len(clips))[::-1], media_pool)


def _reorder(
    draft: Draft, clips: Sequence[Segment], order: Sequence[int], media_pool: MediaPool
) -> Draft:
    if len(clips) < 2:
        raise EditRejected("one_clip", names=clip_names(clips, media_pool))
    if [*order] == sorted(order):
        raise EditRejected("same_order")
    return reorder_clips(draft, clips, order, media_pool)


def merge_clips(draft: Draft, _: Merge, media_pool: MediaPool) -> Draft:
    """Close the gaps between the clips, and append uploads that are not on the timeline yet."""
    fresh = unplaced_uploads(draft, media_pool)
    clips = clips_of(draft)
    if not clips and not fresh:
        raise EditRejected("no_video")
    closed = draft
    if clips:
        closed = reorder_clips(draft, clips, range(len(clips)), media_pool)
    if not fresh and clips_of(closed) == clips:
        raise EditRejected("merged")
    return append_media(closed, fresh, media_pool) if fresh else closed
