"""Ripples the other tracks when the video gets another length or order.

- A text or still image that covered the whole video covers the whole new video. The text of a card
  stays with its card.
- If the order stays (cuts, speed, loops), titles, overlays and sounds stay with the part of the
  video that they were over, and last as long as it lasts. A segment with a source of its own is
  cut where the video is cut, keeps its speed and never gets longer.
- If the order changes, a segment over one clip moves with that clip, and all others keep their
  times. If two segments of a track would overlap, the whole track keeps its times.
- Nothing lasts longer than the video.
- Background music is cut with the video if the whole timeline is cut; the rest is done by
  `music_fitting`.
- Tracks of unknown types stay as they are.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from operator import attrgetter

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment, Track

from ..timeline import (
    MediaPool,
    clamp_fades,
    end_of,
    has_overlap,
    is_card_text,
    is_known_track,
    length_of,
    main_track,
    move_segment,
    music_track,
    new_segment_ids,
    sorted_segments,
    trim_segment,
    trim_segments,
    with_clips,
    with_segments,
)
from .music_fitting import fit_music

_replace = msgspec.structs.replace
_old_start, _old_end = attrgetter("old_start"), attrgetter("old_end")


class TimeMapping(msgspec.Struct, frozen=True, gc=False):
    """Maps a range of the old video to a range of the new one; the speed can differ."""

    old_start: Number
    old_end: Number
    new_start: Number
    new_end: Number

    def map_time(self, time: Number) -> Number:
        """The new time of an old one, clamped to the range."""
        time = min(max(time, self.old_start), self.old_end)
        old, new = self.old_end - self.old_start, self.new_end - self.new_start
        if old == new:
            return self.new_start + time - self.old_start
        return self.new_start + math.floor((time - self.old_start) * new / old)


def ripple_tracks(
    draft: Draft,
    clips: Sequence[Segment],
    mappings: Iterable[TimeMapping],
    media_pool: MediaPool,
    *,
    cut_music: bool = False,
) -> Draft:
    """The draft with these clips as its video, and the other tracks rippled along the mappings.

    The mappings are not evaluated if there is no other track.
    """
    after = with_clips(draft, clips)
    tracks = _tracks_to_ripple(draft, cut_music=cut_music)
    if tracks:
        ripple = _TrackRipple(list(mappings), length_of(draft), end_of(clips), media_pool)
        # A new part never gets the id of a segment that was just removed.
        new_ids = new_segment_ids(draft, after)
        for track in tracks:
            after = with_segments(after, track, ripple.ripple_track(track, new_ids))
    return fit_music(after, media_pool)


def _tracks_to_ripple(draft: Draft, *, cut_music: bool) -> list[Track]:
    """The tracks that follow the video. `fit_music` handles the music, unless it is cut."""
    stays = [main_track(draft), None if cut_music else music_track(draft)]
    return [
        track
        for track in draft.tracks or ()
        if track.segments and is_known_track(track) and not any(track is one for one in stays)
    ]


class _TrackRipple:
    """Moves segments from the old video to the new one."""

    def __init__(
        self,
        mappings: Sequence[TimeMapping],
        old_end: Number,
        new_end: Number,
        media_pool: MediaPool,
    ) -> None:
        self._mappings = _first_occurrences(mappings)
        self._in_order = all(a.new_end <= b.new_start for a, b in pairwise(self._mappings))
        self._old_end = old_end
        self._new_end = new_end
        self._media_pool = media_pool

    def ripple_track(self, track: Track, new_ids: Iterator[str]) -> list[Segment]:
        """The segments of a track at their new times."""
        segments = sorted_segments(track)
        static = self._media_pool.static_flags(segments)
        carried = map(self._ripple_segment, segments, static)
        moved = [moved for parts in carried for moved in parts]
        if not self._in_order and has_overlap(moved):
            moved = segments
        return _with_unique_ids(trim_segments(moved, 0, self._new_end), new_ids)

    @cached_property
    def _runs(self) -> list[list[TimeMapping]]:
        """Computed on demand: texts and images do not need it."""
        return _group_contiguous(self._mappings)

    def _ripple_segment(self, segment: Segment, static: bool) -> list[Segment]:
        start, end = segment.start_ms or 0, segment.end_ms
        if static and start <= 0 and end >= self._old_end and not is_card_text(segment):
            return [_set_times(segment, 0, self._new_end)]
        if not self._in_order:
            return [self._move_with_clip(segment)]
        if static:
            return self._resize(segment, start, end)
        return [part for run in self._runs for part in _cut_with_video(segment, run)]

    def _move_with_clip(self, segment: Segment) -> Segment:
        start = segment.start_ms or 0
        index = bisect_right(self._mappings, start, key=_old_start) - 1
        if index < 0 or segment.end_ms > self._mappings[index].old_end:
            return segment
        return move_segment(segment, self._mappings[index].map_time(start))

    def _resize(self, segment: Segment, start: Number, end: Number) -> list[Segment]:
        """From the first to the last time of the segment that still exists."""
        first = bisect_right(self._mappings, start, key=_old_end)
        over = self._mappings[first : bisect_left(self._mappings, end, key=_old_start)]
        if not over:
            return []
        new_start, new_end = over[0].map_time(start), over[-1].map_time(end)
        return [_set_times(segment, new_start, new_end)] if new_start < new_end else []


def _cut_with_video(segment: Segment, run: list[TimeMapping]) -> list[Segment]:
    """The part of a segment with a source of its own that follows a run of mappings."""
    start = max(segment.start_ms or 0, run[0].old_start)
    end = min(segment.end_ms, run[-1].old_end)
    if start >= end:
        return []
    new_start, new_end = _map_time(run, start), _map_time(run, end)
    length = min(end - start, new_end - new_start)
    return [move_segment(trim_segment(segment, start, start + length), new_start)] if length else []


def _map_time(run: list[TimeMapping], time: Number) -> Number:
    return run[bisect_left(run, time, key=_old_end)].map_time(time)


def _set_times(segment: Segment, start: Number, end: Number) -> Segment:
    return _replace(segment, start_ms=start, duration_ms=end - start)


def _first_occurrences(mappings: Sequence[TimeMapping]) -> list[TimeMapping]:
    """The mappings in their old order; of a repeated range only the first one."""
    in_order = sorted(mappings, key=_old_start)
    if _is_disjoint(in_order):  # only loops repeat a range
        return in_order
    first: list[TimeMapping] = []
    for mapping in mappings:
        index = bisect_left(first, mapping.old_start, key=_old_start)
        # The ranges in `first` do not overlap, so only the neighbours can conflict.
        around = first[max(index - 1, 0) : index + 1]
        if all(mapping.old_end <= p.old_start or p.old_end <= mapping.old_start for p in around):
            first.insert(index, mapping)
    return first


def _is_disjoint(mappings: Sequence[TimeMapping]) -> bool:
    """Whether mappings in their old order do not overlap in the old video."""
    return all(a.old_end <= b.old_start for a, b in pairwise(mappings))


def _group_contiguous(mappings: list[TimeMapping]) -> list[list[TimeMapping]]:
    """Group mappings that follow each other without a gap, in the old and the new video."""
    runs: list[list[TimeMapping]] = []
    for mapping in mappings:
        last = runs[-1][-1] if runs else None
        if last and (last.old_end, last.new_end) == (mapping.old_start, mapping.new_start):
            runs[-1].append(mapping)
        else:
            runs.append([mapping])
    return runs


def _with_unique_ids(segments: list[Segment], new_ids: Iterator[str]) -> list[Segment]:
    """Give each part of a cut segment its own id, and fades only at the outer ends."""
    renamed: list[Segment] = []
    owner: str | None = None
    for segment in segments:
        if segment.id is not None and segment.id == owner:
            renamed[-1] = _replace(renamed[-1], fade_out_ms=None, transition=None)
            segment = _replace(segment, id=next(new_ids), fade_in_ms=None)
        else:
            owner = segment.id
        renamed.append(segment)
    return [clamp_fades(segment) for segment in renamed]
