"""Edits of the length: keep, remove, split, loop, speed."""

import math
from collections.abc import Sequence

from nemolocal_contract.draft import Draft, Number, Segment

from ..errors import EditRejected
from ..intents import SELECT_ALL, KeepSpan, Loop, RemoveClip, RemoveSpan, SetSpeed, Split
from ..timeline import clips_of, length_of
from .media_pool import MediaPool
from .ripple import (
    MAX_CLIPS,
    MAX_LENGTH_MS,
    KeptRange,
    checked_speed,
    rebuild_video,
    split_at,
    subtract_ranges,
)
from .selection import resolve_span, select_clips

_MIN_REST_MS = 100
_Range = tuple[Number, Number]


def keep_span(draft: Draft, edit: KeepSpan, media_pool: MediaPool) -> Draft:
    """Keep only the span, of the whole video or of the selected clips."""
    if edit.selector == SELECT_ALL:
        start, end = resolve_span(edit.span, length_of(draft))
        return rebuild_video(draft, [KeptRange(start, end)], media_pool, cut_music=True)
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    removed: list[_Range] = []
    for start, end in _clip_ranges(clips, indexes):
        first, last = resolve_span(edit.span, end - start)
        removed += [(start, start + first), (start + last, end)]
    return rebuild_video(draft, subtract_ranges(length_of(draft), removed), media_pool)


def remove_spans_and_clips(
    draft: Draft, edits: Sequence[RemoveSpan | RemoveClip], media_pool: MediaPool
) -> Draft:
    """Remove several spans and clips at once; what follows moves up.

    All refer to the video before the removal: in "delete the first and the third clip", the third
    clip is the one that the user sees as third.
    """
    total = length_of(draft)
    removed: list[_Range] = []
    for edit in edits:
        draft, found = _removed_ranges(draft, edit, media_pool)
        removed += found
    whole = all(isinstance(edit, RemoveSpan) and edit.selector == SELECT_ALL for edit in edits)
    return rebuild_video(draft, subtract_ranges(total, removed), media_pool, cut_music=whole)


def _removed_ranges(
    draft: Draft, edit: RemoveSpan | RemoveClip, media_pool: MediaPool
) -> tuple[Draft, list[_Range]]:
    """The ranges to remove; a clip is split if only a part of it is selected."""
    if isinstance(edit, RemoveSpan) and edit.selector == SELECT_ALL:
        return draft, [resolve_span(edit.span, length_of(draft))]
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    if isinstance(edit, RemoveClip):
        return draft, _clip_ranges(clips, indexes)
    removed: list[_Range] = []
    for start, end in _clip_ranges(clips, indexes):
        first, last = resolve_span(edit.span, end - start)
        removed.append((start + first, start + last))
    return draft, removed


def split_clips(draft: Draft, edit: Split, media_pool: MediaPool) -> Draft:
    """Split the video at some times, or into equal parts."""
    total = length_of(draft)
    times = [point.resolve(total) for point in edit.at]
    if edit.parts is not None:
        if edit.parts > MAX_CLIPS:
            raise EditRejected("too_many_clips", most=MAX_CLIPS)
        times += [round(total * part / edit.parts) for part in range(1, edit.parts)]
    if not times:
        raise EditRejected("where_to_split")
    after = rebuild_video(draft, split_at(total, times), media_pool)
    if len(clips_of(after)) == len(clips_of(draft)):
        raise EditRejected("split_already")
    return _check_limits(after)


def loop_clips(draft: Draft, edit: Loop, media_pool: MediaPool) -> Draft:
    """Repeat the video, or each of the selected clips."""
    if edit.selector == SELECT_ALL:
        again = _repeat(KeptRange(0, length_of(draft)), edit, len(clips_of(draft)))
        return _check_limits(rebuild_video(draft, again, media_pool))
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    kept_ranges: list[KeptRange] = []
    at: Number = 0
    for start, end in _clip_ranges(clips, indexes):
        kept_ranges += [KeptRange(at, start), *_repeat(KeptRange(start, end), edit, 1)]
        at = end
    kept_ranges.append(KeptRange(at, length_of(draft)))
    return _check_limits(rebuild_video(draft, kept_ranges, media_pool))


def _repeat(kept_range: KeptRange, edit: Loop, clips: int) -> list[KeptRange]:
    length = kept_range.end - kept_range.start
    times, rest = 2 if edit.times is None else edit.times, 0
    if edit.duration_ms is not None:
        times = math.floor(edit.duration_ms / length)
        rest = math.floor(edit.duration_ms - times * length)
        # A rest of a few frames would only be a flash at the end.
        rest = rest if rest >= _MIN_REST_MS or not times else 0
    if times + (rest > 0) < 1 or (times, rest) == (1, 0):
        raise EditRejected("once")
    if times * clips > MAX_CLIPS:
        raise EditRejected("too_many_clips", most=MAX_CLIPS)
    last = [KeptRange(kept_range.start, kept_range.start + rest)] if rest else []
    return [kept_range] * times + last


def _check_limits(draft: Draft) -> Draft:
    """Return the draft; raises `EditRejected` if it has too many clips or is too long."""
    if len(clips_of(draft)) > MAX_CLIPS:
        raise EditRejected("too_many_clips", most=MAX_CLIPS)
    if length_of(draft) > MAX_LENGTH_MS:
        raise EditRejected("too_long", hours=MAX_LENGTH_MS // 3_600_000)
    return draft


def set_speed(draft: Draft, edit: SetSpeed, media_pool: MediaPool) -> Draft:
    """Multiply the speed of the selected clips."""
    if not edit.factor > 0:
        checked_speed(edit.factor)
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    kept_ranges: list[KeptRange] = []
    at: Number = 0
    for start, end in _merged_clip_ranges(clips, indexes):
        kept_ranges += [KeptRange(at, start), KeptRange(start, end, edit.factor)]
        at = end
    kept_ranges.append(KeptRange(at, length_of(draft)))
    after = rebuild_video(draft, kept_ranges, media_pool)
    if length_of(after) > MAX_LENGTH_MS:
        raise EditRejected("too_long", hours=MAX_LENGTH_MS // 3_600_000)
    return after


def _clip_ranges(clips: Sequence[Segment], indexes: Sequence[int]) -> list[_Range]:
    return [(clips[index].start_ms or 0, clips[index].end_ms) for index in indexes]


def _merged_clip_ranges(clips: Sequence[Segment], indexes: Sequence[int]) -> list[_Range]:
    """The ranges of these clips; adjacent ones are merged."""
    runs: list[_Range] = []
    start = end = None
    for index in indexes:
        clip = clips[index]
        begin = clip.start_ms or 0
        if begin != end:
            if start is not None and end is not None:
                runs.append((start, end))
            start = begin
        end = begin + (clip.duration_ms or 0)
    if start is not None and end is not None:
        runs.append((start, end))
    return runs
