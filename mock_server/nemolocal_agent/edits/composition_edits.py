"""Edits that show several clips at once: chroma keys over a backdrop, and split screens."""

import math
from collections.abc import Sequence

import msgspec

from nemolocal_contract.draft import Draft, Segment, TrackType
from nemolocal_contract.effects import Cell, ChromaKey, Effect, effect_to_wire, effect_type

from ..errors import EditRejected
from ..intents import KeyOut, Selector, SplitScreen
from ..timeline import (
    OVERLAY_TRACK,
    STILL_DURATION_MS,
    Media,
    MediaPool,
    add_segment,
    clip_names,
    clips_of,
    end_of,
    find_uploads,
    move_segment,
    new_segment_ids,
    with_clips,
)
from .clip_edits import make_clip, unplaced_uploads

_MOST_CELLS, _MOST_IN_A_ROW = 9, 4
_replace = msgspec.structs.replace


def key_out(draft: Draft, edit: KeyOut, media_pool: MediaPool) -> Draft:
    """Key a colour out of all clips; with a backdrop they move to a track above it."""
    clips = clips_of(draft)
    backdrop = _backdrop(draft, edit, media_pool)
    if backdrop is not None:
        clips = [clip for clip in clips if clip.source != backdrop.id]
    if not clips:
        raise EditRejected("no_video")
    keyed = [
        _with_effect(clip, ChromaKey(edit.color, background=edit.background)) for clip in clips
    ]
    if backdrop is None:
        return with_clips(draft, keyed)
    keyed = _in_a_row(keyed)
    total = end_of(keyed)
    length = total if backdrop.kind == "image" else min(total, backdrop.duration_ms)
    below = with_clips(draft, [make_clip(backdrop, next(new_segment_ids(draft)), 0, length)])
    for clip in keyed:
        below = add_segment(below, TrackType.VIDEO, OVERLAY_TRACK, clip)
    return below


def _in_a_row(clips: Sequence[Segment]) -> list[Segment]:
    """The clips one after another, from the start on."""
    placed: list[Segment] = []
    for clip in clips:
        placed.append(move_segment(clip, end_of(placed)))
    return placed


def _backdrop(draft: Draft, edit: KeyOut, media_pool: MediaPool) -> Media | None:
    if edit.background is not None:
        return None
    if edit.backdrop is not None:
        return find_uploads(media_pool.visual_uploads, Selector(name=edit.backdrop))[0]
    fresh = unplaced_uploads(draft, media_pool)
    return fresh[-1] if fresh else None


def split_screen(draft: Draft, edit: SplitScreen, media_pool: MediaPool) -> Draft:
    """Show the clips, or the first of them and an upload, at once from the start on."""
    clips = clips_of(draft)
    if edit.name is not None:
        named = find_uploads(media_pool.visual_uploads, Selector(name=edit.name))[0]
        if all(clip.source != named.id for clip in clips):
            clips = [*clips[:1], _whole(named, draft, clips)]
    elif len(clips) < 2:
        new_ids = new_segment_ids(draft)
        fresh = unplaced_uploads(draft, media_pool)
        clips += [make_clip(one, next(new_ids), 0, _length(one, clips)) for one in fresh]
    if len(clips) < 2:
        raise EditRejected("one_clip", names=clip_names(clips, media_pool))
    shown = clips[:_MOST_CELLS]
    cells = _cells(len(shown), edit.layout)
    placed = [
        _with_effect(_replace(move_segment(clip, 0), transition=None), cell)
        for clip, cell in zip(shown, cells, strict=True)
    ]
    after = with_clips(draft, placed[:1])
    for clip in placed[1:]:
        after = add_segment(after, TrackType.VIDEO, OVERLAY_TRACK, clip)
    return after


def _whole(media: Media, draft: Draft, clips: Sequence[Segment]) -> Segment:
    return make_clip(media, next(new_segment_ids(draft)), 0, _length(media, clips))


def _length(media: Media, clips: Sequence[Segment]) -> int:
    if media.kind != "image":
        return media.duration_ms
    return int(clips[0].duration_ms or STILL_DURATION_MS) if clips else STILL_DURATION_MS


def _cells(count: int, layout: str) -> list[Cell]:
    columns = math.ceil(math.sqrt(count))
    if count <= _MOST_IN_A_ROW and layout != "grid":
        columns = count if layout == "columns" else 1
    rows = math.ceil(count / columns)
    return [Cell(columns, rows, n % columns, n // columns) for n in range(count)]


def _with_effect(clip: Segment, effect: Effect) -> Segment:
    others = [e for e in clip.effects or () if e.get("type") != effect_type(effect)]
    return _replace(clip, effects=(*others, effect_to_wire(effect)))
