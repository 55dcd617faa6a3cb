"""The geometry of a timeline: windows of it, segments into tracks, lengths kept true. Pure."""

from collections.abc import Callable, Iterable

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment, Track, TrackType

_replace = msgspec.structs.replace
_Change = Callable[[tuple[Segment, ...]], Iterable[Segment]]


def end_of(tracks: Iterable[Track]) -> Number:
    """Where the last segment of these tracks ends."""
    return max((s.end_ms for track in tracks for s in track.segments or ()), default=0)


def retimed(draft: Draft) -> Draft:
    """The draft with its duration: the end of its last segment."""
    return _replace(draft, duration_ms=end_of(draft.tracks or ()))


def window(segments: Iterable[Segment], start: Number, end: Number, shift: Number) -> list[Segment]:
    """What of the segments lies from `start` to `end`, moved by `shift`."""
    return [
        _cut(segment, start, end, shift)
        for segment in segments
        if (segment.start_ms or 0) < end and segment.end_ms > start
    ]


def _cut(segment: Segment, start: Number, end: Number, shift: Number) -> Segment:
    old_start = segment.start_ms or 0
    first = max(old_start, start)
    length = min(segment.end_ms, end) - first
    skipped = (first - old_start) * (1 if segment.speed is None else segment.speed)
    source_start = segment.source_start_ms
    if segment.source is not None and skipped:
        source_start = (source_start or 0) + skipped
    return _replace(
        segment, start_ms=first + shift, duration_ms=length, source_start_ms=source_start
    )


def apart(one: Segment, other: Segment) -> bool:
    """Whether two segments share no time."""
    return one.end_ms <= (other.start_ms or 0) or other.end_ms <= (one.start_ms or 0)


def each_track(draft: Draft, change: _Change) -> Draft:
    """The same change of segments on every track; tracks left empty are taken away."""
    tracks = [_replace(t, segments=tuple(change(t.segments or ()))) for t in draft.tracks or ()]
    return _replace(draft, tracks=tuple(track for track in tracks if track.segments))


def with_track(draft: Draft, old: Track | None, new: Track) -> Draft:
    """`new` in the place of `old`, or after all tracks where there is none."""
    tracks = draft.tracks or ()
    if old is None:
        return _replace(draft, tracks=(*tracks, new))
    return _replace(draft, tracks=tuple(new if track is old else track for track in tracks))


def add_segments(
    draft: Draft, kind: TrackType, name: str, old: Track | None, segments: Iterable[Segment]
) -> Draft:
    """Segments at the end of track `old`, or on a new track of this type and name."""
    if old is not None:
        return with_track(draft, old, _replace(old, segments=(*(old.segments or ()), *segments)))
    number = 1 + len(draft.tracks or ())
    track = Track(type=kind, id=f"track_{number}", name=name, segments=tuple(segments))
    return with_track(draft, None, track)


def next_number(draft: Draft) -> int:
    """A number that no `seg_<number>` of this draft has."""
    ids = (s.id or "" for track in draft.tracks or () for s in track.segments or ())
    numbers = [int(i[4:]) for i in ids if i.startswith("seg_") and i[4:].isdecimal()]
    return 1 + max(numbers, default=0)
