"""Rebuild the video with another length or order.

The new video is a list of ranges of the old one, each with a speed; a new order is a list of the
old clips. The other tracks follow by the rules of `ripple`.
"""

import math
import operator
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, pairwise

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment, Transition

from ..errors import EditRejected
from ..timeline import (
    MediaPool,
    clamp_fades,
    clips_of,
    new_segment_ids,
    round_ms,
    start_of,
    trim_segment,
)
from .ripple import TimeMapping, ripple_tracks

_replace = msgspec.structs.replace

MIN_SPEED, MAX_SPEED = 0.25, 4.0
MAX_CLIPS = 150
MAX_LENGTH_MS = 2 * 3600 * 1000


class KeptRange(msgspec.Struct, frozen=True):
    """A range of the old video that the new one plays, `speed` times as fast as before.

    A range with gaps cannot change its speed.
    """

    start: Number
    end: Number
    speed: float = 1


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
        factor = kept_range.speed
        static = self._media_pool.static_flags(segments)
        moving = {s.speed for s, still in zip(segments, static, strict=True) if not still}
        faster = {speed: checked_speed(factor * (speed or 1)) for speed in moving}
        lengths = [math.floor((segment.duration_ms or 0) / factor) for segment in segments]
        if not all(lengths):
            raise EditRejected("too_short")
        # Integers need no rounding.
        add = operator.add if type(self._at) is int else _rounded_sum
        *starts, self._at = accumulate(lengths, add, initial=self._at)
        scaled = [
            _replace(
                segment,
                start_ms=start,
                duration_ms=length,
                speed=segment.speed if still else faster[segment.speed],
            )
            for segment, start, length, still in zip(segments, starts, lengths, static, strict=True)
        ]
        self.segments += scaled
        self.mappings.append(map(_mapping, segments, scaled))

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


def _rounded_sum(at: Number, length: int) -> Number:
    return round_ms(at + length)


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
