"""What became of each segment: which one of the draft before it is in the draft after."""

from bisect import bisect_right
from collections import Counter, defaultdict

import msgspec

from ..draft import Draft, Number, Segment, Track
from .labels import clamp_number, segment_end_ms
from .track_descriptions import track_label

# Times that differ by less are the same: a rounding.
_SLACK_MS = 1
_Key = tuple[str | None, ...]


class PlacedSegment(msgspec.Struct, frozen=True):
    """A segment where it stands: its track, what that is, its place there from 0.

    `follows` says that it begins where the one before it ends, the first one at 0.
    """

    segment: Segment
    track: Track
    label: str
    index: int
    is_contiguous: bool
    key: _Key

    @property
    def source_range(self) -> tuple[Number, Number]:
        """The part of its source that it shows."""
        start = clamp_number(self.segment.source_start_ms or 0)
        return start, start + source_duration_ms(self.segment)


class SegmentMatches(msgspec.Struct, frozen=True):
    """`kept` are segments with what they became, one piece or several; both in order of time."""

    matched: tuple[tuple[PlacedSegment, tuple[PlacedSegment, ...]], ...]
    added: tuple[PlacedSegment, ...]
    removed: tuple[PlacedSegment, ...]


def source_duration_ms(segment: Segment) -> Number:
    """How much of its source a segment shows."""
    speed = 1 if segment.speed is None else segment.speed
    return clamp_number(segment.duration_ms or 0) * clamp_number(speed)


def locate_segments(draft: Draft) -> list[PlacedSegment]:
    """Every segment of a draft, each under a key of its own."""
    seen: Counter[str] = Counter()
    placed = []
    for track_place, track in enumerate(draft.tracks or ()):
        end: Number = 0
        label = track_label(track)
        for place, segment in enumerate(track.segments or ()):
            follows = abs(clamp_number(segment.start_ms or 0) - end) <= _SLACK_MS
            key = _key(segment, seen, (str(track_place), str(place), label, segment.source))
            placed.append(PlacedSegment(segment, track, label, place, follows, key))
            end = segment_end_ms(segment)
    return placed


def _key(segment: Segment, seen: Counter[str], place: _Key) -> _Key:
    """The id, or the place with the source where it has none."""
    if segment.id is None:
        return place
    seen[segment.id] += 1
    return (segment.id, str(seen[segment.id]))


def match_segments(before: Draft, after: Draft) -> SegmentMatches:
    """Match segments by id first, then by what they show of which source."""
    old, new = locate_segments(before), locate_segments(after)
    by_key = {placed.key: number for number, placed in enumerate(old)}
    pieces: dict[int, list[PlacedSegment]] = defaultdict(list)
    strangers = []
    for placed in new:
        number = by_key.get(placed.key)
        if number is None:
            strangers.append(placed)
        else:
            pieces[number].append(placed)
    added = _find_origins(old, strangers, pieces)
    removed = tuple(placed for number, placed in enumerate(old) if number not in pieces)
    kept = tuple((old[number], tuple(pieces[number])) for number in sorted(pieces))
    return SegmentMatches(kept, tuple(added), removed)


def _find_origins(
    old: list[PlacedSegment], strangers: list[PlacedSegment], pieces: dict[int, list[PlacedSegment]]
) -> list[PlacedSegment]:
    """Put each stranger to the segment that it was a part of; give back those without one."""
    origins: dict[tuple[str, str], list[tuple[Number, int]]] = defaultdict(list)
    for number, placed in enumerate(old):
        if placed.segment.source is not None:
            origins[placed.label, placed.segment.source].append((placed.source_range[0], number))
    for starts in origins.values():
        starts.sort()
    words = {p.segment.text: n for n, p in enumerate(old) if n not in pieces and p.segment.text}
    added = []
    for placed in strangers:
        segment = placed.segment
        origin = _origin(old, origins.get((placed.label, segment.source or ""), []), placed)
        if origin is None and segment.text:  # a text that went and came again under another id
            origin = words.pop(segment.text, None)
        if origin is None:
            added.append(placed)
        else:
            pieces[origin].append(placed)
    return added


def _origin(
    old: list[PlacedSegment], starts: list[tuple[Number, int]], placed: PlacedSegment
) -> int | None:
    """The segment whose part of the source reaches into that of `placed`."""
    start, end = placed.source_range
    at = bisect_right(starts, (start, len(old)))
    for _, number in starts[max(at - 1, 0) : at + 1]:
        low, high = old[number].source_range
        if low < end and start < high:
            return number
    return None
