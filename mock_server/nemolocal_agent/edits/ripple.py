"""Rebuilds the video with another length or order, and ripples the other tracks.

The new video is a list of ranges of the old one, each with a speed; a new order is a list of the
old clips. The other tracks follow these rules:

- A text or still image that covered the whole video covers the whole new video. The text of a card
  stays with its card.
- If the order stays (cuts, speed, loops), titles, overlays and sounds stay with the part of the
  video that they were over, and last as long as it lasts. A segment with a source of its own is
  cut where the video is cut, keeps its speed and never gets longer.
- If the order changes, a segment over one clip moves with that clip, and all others keep their
  times. If two segments of a track would overlap, the whole track keeps its times.
- Nothing lasts longer than the video.
- Background music is cut with the video if the whole timeline is cut. It always ends with the
  video: it is trimmed or extended, and repeated if its source is too short.
- Tracks of unknown types stay as they are.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, pairwise
from operator import attrgetter

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment, Track, Transition

from ..errors import EditRejected
from ..timeline import (
    MediaPool,
    clamp_fades,
    clips_of,
    end_of,
    has_overlap,
    is_card_text,
    is_known_track,
    is_reversed,
    length_of,
    main_track,
    move_segment,
    music_track,
    new_segment_ids,
    round_ms,
    sorted_segments,
    start_of,
    trim_segment,
    trim_segments,
    with_clips,
    with_segments,
)

MIN_SPEED, MAX_SPEED = 0.25, 4.0
MAX_CLIPS = 150
MAX_LENGTH_MS = 2 * 3600 * 1000
_replace = msgspec.structs.replace
_old_start, _old_end = attrgetter("old_start"), attrgetter("old_end")
# A shorter rest stays silent; a short sound is repeated at most so often.
_MIN_PART_MS = 50
_MAX_PARTS = 40


class KeptRange(msgspec.Struct, frozen=True):
    """A range of the old video that the new one plays, `speed` times as fast as before.

    A range with gaps cannot change its speed.
    """

    start: Number
    end: Number
    speed: float = 1


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


def subtract_ranges(total: Number, ranges: Sequence[tuple[Number, Number]]) -> list[KeptRange]:
    """The whole video without these ranges, which may overlap."""
    kept_ranges: list[KeptRange] = []
    at: Number = 0
    for start, end in sorted(ranges):
        if start > at:
            kept_ranges.append(KeptRange(at, start))
        at = max(at, end)
    return [*kept_ranges, KeptRange(at, total)] if at < total else kept_ranges


def split_at(total: Number, times: Sequence[Number]) -> list[KeptRange]:
    """The whole video, split at these times."""
    inside = sorted({time for time in times if 0 < time < total})
    return [KeptRange(a, b) for a, b in pairwise([0, *inside, total])]


def rebuild_video(
    draft: Draft,
    kept_ranges: Sequence[KeptRange],
    media_pool: MediaPool,
    *,
    cut_music: bool = False,
) -> Draft:
    """The draft with these ranges of its video, one after another; raises `EditRejected`."""
    builder = _VideoBuilder(clips_of(draft), media_pool)
    for kept_range in kept_ranges:
        builder.add(kept_range)
    if not builder.segments:
        raise EditRejected("nothing_left")
    clips = fit_transitions(builder.finish(new_segment_ids(draft)))
    mappings = chain.from_iterable(builder.mappings)
    return ripple_tracks(draft, clips, mappings, media_pool, cut_music=cut_music)


def reorder_clips(
    draft: Draft, clips: Sequence[Segment], order: Sequence[int], media_pool: MediaPool
) -> Draft:
    """The draft with its clips in this order, without gaps; transitions stay at their cuts."""
    moved: list[Segment] = []
    mappings: list[TimeMapping] = []
    position: Number = 0
    for number, before in zip(order, clips, strict=True):
        clip = clips[number]
        start, length = clip.start_ms or 0, clip.duration_ms or 0
        after = round_ms(position + length)
        mappings.append(TimeMapping(start, start + length, position, after))
        if clip.start_ms != position or clip.transition is not before.transition:
            clip = _replace(clip, start_ms=position, transition=before.transition)
        moved.append(clip)
        position = after
    return ripple_tracks(draft, fit_transitions(moved), mappings, media_pool)


class _VideoBuilder:
    """Appends segments to the new video, and records where each range went."""

    def __init__(self, clips: list[Segment], media_pool: MediaPool) -> None:
        self._clips = clips
        self._media_pool = media_pool
        self._at: Number = 0
        # The index of the clip of each segment, and the segments that end before their clip.
        self._numbers: list[int] = []
        self._cut_short: set[int] = set()
        self.segments: list[Segment] = []
        # One iterable for each range: most edits never need the mappings.
        self.mappings: list[Iterable[TimeMapping]] = []

    def add(self, kept_range: KeptRange) -> None:
        """Append a range of the old clips."""
        if kept_range.start < kept_range.end:
            segments = self._cut_out(kept_range)
            if kept_range.speed == 1:
                self._shift(segments, kept_range)
            else:
                self._scale(segments, kept_range)

    def _cut_out(self, kept_range: KeptRange) -> list[Segment]:
        """The segments of a range; only the first and the last can need a cut."""
        start, end = kept_range.start, kept_range.end
        first = bisect_right(self._clips, start, key=start_of)
        if first and self._clips[first - 1].end_ms > start:
            first -= 1
        last = bisect_left(self._clips, end, lo=first, key=start_of)
        segments = self._clips[first:last]
        self._numbers += range(first, last)
        if segments:
            if segments[-1].end_ms > end:
                self._cut_short.add(len(self._numbers) - 1)
            segments[0] = _trim_clip(segments[0], start, end)
            if len(segments) > 1:
                segments[-1] = _trim_clip(segments[-1], start, end)
        return segments

    def _shift(self, segments: list[Segment], kept_range: KeptRange) -> None:
        """Append the segments at their old speed, with the gaps between them."""
        by = round_ms(self._at - kept_range.start)
        if by:
            segments = [_replace(s, start_ms=round_ms((s.start_ms or 0) + by)) for s in segments]
        self.segments += segments
        after = round_ms(self._at + kept_range.end - kept_range.start)
        self.mappings.append((TimeMapping(kept_range.start, kept_range.end, self._at, after),))
        self._at = after

    def _scale(self, segments: list[Segment], kept_range: KeptRange) -> None:
        """Append the segments at another speed; lengths are rounded down to stay in the source."""
        factor, position = kept_range.speed, self._at
        static = self._media_pool.static_flags(segments)
        speeds: dict[Number | None, Number | None] = {}
        scaled: list[Segment] = []
        for segment, still in zip(segments, static, strict=True):
            speed, length = segment.speed, math.floor((segment.duration_ms or 0) / factor)
            if not still:
                if speed not in speeds:
                    speeds[speed] = checked_speed(factor * (speed or 1))
                speed = speeds[speed]
            if not length:
                raise EditRejected("too_short")
            scaled.append(_replace(segment, start_ms=position, duration_ms=length, speed=speed))
            # Integers need no rounding.
            position = position + length if type(position) is int else round_ms(position + length)
        self.segments += scaled
        self.mappings.append(map(_mapping, segments, scaled))
        self._at = position

    def finish(self, new_ids: Iterator[str]) -> list[Segment]:
        """The segments with unique ids; only the outer parts of a clip keep its fades."""
        segments = [*self.segments]
        if len(set(self._numbers)) < len(segments):  # some clip is shown more than once
            last = {number: index for index, number in enumerate(self._numbers)}
            seen: set[int] = set()
            for index, number in enumerate(self._numbers):
                if number in seen:
                    segments[index] = _replace(segments[index], id=next(new_ids), fade_in_ms=None)
                if index != last[number]:
                    way_on = None if index in self._cut_short else segments[index].transition
                    segments[index] = _replace(segments[index], fade_out_ms=None, transition=way_on)
                seen.add(number)
        return [clamp_fades(s) if s.fade_in_ms or s.fade_out_ms else s for s in segments]


def _trim_clip(clip: Segment, start: Number, end: Number) -> Segment:
    segment = trim_segment(clip, start, end)
    if not segment.duration_ms:
        raise EditRejected("too_short")
    return segment


def _mapping(old: Segment, new: Segment) -> TimeMapping:
    return TimeMapping(old.start_ms or 0, old.end_ms, new.start_ms or 0, round_ms(new.end_ms))


def checked_speed(speed: float) -> Number | None:
    """The value of `sp` for this speed; raises `EditRejected` if it is out of bounds."""
    # Coarser rounding would exceed the source by seconds if it is hours long.
    speed = round(speed, 9)
    if not MIN_SPEED <= speed <= MAX_SPEED:
        limits = {"slowest": f"{MIN_SPEED:g}", "fastest": f"{MAX_SPEED:g}"}
        raise EditRejected("speed_limits", speed=f"{speed:g}", **limits)
    if speed == 1:
        return None
    return int(speed) if float(speed).is_integer() else speed


def fit_transitions(clips: Sequence[Segment]) -> list[Segment]:
    """Keep transitions only before a directly following clip, at most as long as both clips."""
    after: list[Segment | None] = [*clips[1:], None]
    return [
        clip if clip.transition is None else _fit_transition(clip, clip.transition, one)
        for clip, one in zip(clips, after, strict=True)
    ]


def _fit_transition(clip: Segment, transition: Transition, following: Segment | None) -> Segment:
    """The clip with its transition shortened to fit, or without it."""
    wanted, length = transition.duration_ms, clip.duration_ms or 0
    if following is None or (following.start_ms or 0) > (clip.start_ms or 0) + length + 1:
        return _replace(clip, transition=None)
    longest = min(length, following.duration_ms or 0)
    if wanted is None or wanted <= longest:
        return clip
    return _replace(clip, transition=_replace(transition, duration_ms=longest))


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


def fit_music(draft: Draft, media_pool: MediaPool) -> Draft:
    """Trim the music to the end of the video, or extend and repeat it up to there."""
    track = music_track(draft)
    if track is None or not track.segments:
        return draft
    parts, length = sorted_segments(track), length_of(draft)
    kept = trim_segments(parts, 0, length) or [trim_segment(move_segment(parts[0], 0), 0, length)]
    fitted = _extend(kept, length, media_pool)
    if fitted[-1] != parts[-1]:
        fitted = _move_fade_out_to_end(fitted, parts[-1].fade_out_ms)
    new_ids = new_segment_ids(draft)
    ids = [kept_part.id for kept_part in kept]
    ids += [next(new_ids) for _ in fitted[len(kept) :]]
    named = [clamp_fades(_replace(one, id=name)) for one, name in zip(fitted, ids, strict=True)]
    return with_segments(draft, track, named)


def _extend(parts: list[Segment], length: Number, media_pool: MediaPool) -> list[Segment]:
    last = parts[-1]
    source_end = media_pool.source_duration_ms(last.source)
    if source_end is None or is_reversed(last):
        return parts
    speed = last.speed or 1
    rest = source_end / speed - (last.source_start_ms or 0) / speed
    longest = max(last.duration_ms or 0, min(length - (last.start_ms or 0), rest))
    played = [*parts[:-1], _replace(last, duration_ms=round_ms(longest))]
    while length - played[-1].end_ms > _MIN_PART_MS and len(played) < _MAX_PARTS:
        start = played[-1].end_ms
        again = round_ms(min(length - start, source_end / speed))
        played.append(
            _replace(last, start_ms=start, duration_ms=again, source_start_ms=0, fade_in_ms=None)
        )
    return played


def _move_fade_out_to_end(parts: list[Segment], fade_out: Number | None) -> list[Segment]:
    """Move the fade-out from the old end of the music to the new one."""
    inner = [_replace(one, fade_out_ms=None) for one in parts[:-1]]
    return [*inner, _replace(parts[-1], fade_out_ms=fade_out)]
