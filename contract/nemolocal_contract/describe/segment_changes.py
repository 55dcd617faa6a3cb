"""Match the segments of two drafts, and describe the changes of each segment."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from ..draft import Draft, Number, Segment, Track
from .effect_descriptions import (
    describe_effect_changes,
    describe_style_changes,
    describe_transition,
    describe_wire_effect,
)
from .labels import TRACK_LABELS, Language, translate_label
from .text_formats import (
    clamp_number,
    format_list,
    format_percent,
    format_seconds,
    format_span,
    segment_end_ms,
    truncate_text,
)
from .timeline_descriptions import track_label

# Times that differ by at most this are equal after rounding.
_SLACK_MS = 1
_Key = tuple[str | None, ...]


class PlacedSegment(msgspec.Struct, frozen=True):
    """A segment with its track, the label of the track, and its index there.

    `is_contiguous`: it begins where the segment before it ends, or at 0 if it is the first one.
    """

    segment: Segment
    track: Track
    label: str
    index: int
    is_contiguous: bool
    key: _Key

    @property
    def source_range(self) -> tuple[Number, Number]:
        """The range of its source that it shows."""
        start = clamp_number(self.segment.source_start_ms or 0)
        return start, start + source_duration_ms(self.segment)


class SegmentMatches(msgspec.Struct, frozen=True):
    """`matched` has old segments with the one or several new ones that they became."""

    matched: tuple[tuple[PlacedSegment, tuple[PlacedSegment, ...]], ...]
    added: tuple[PlacedSegment, ...]
    removed: tuple[PlacedSegment, ...]


def source_duration_ms(segment: Segment) -> Number:
    """Return how much of its source a segment shows."""
    speed = 1 if segment.speed is None else segment.speed
    return clamp_number(segment.duration_ms or 0) * clamp_number(speed)


def locate_segments(draft: Draft) -> list[PlacedSegment]:
    """Return every segment of a draft, each with a unique key."""
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
    """Return a key of the id, or of the place and the source if there is no id."""
    if segment.id is None:
        return place
    seen[segment.id] += 1
    return (segment.id, str(seen[segment.id]))


def match_segments(before: Draft, after: Draft) -> SegmentMatches:
    """Match segments by id first, then by the range of the source that they show."""
    old, new = locate_segments(before), locate_segments(after)
    by_key = {placed.key: number for number, placed in enumerate(old)}
    pieces: dict[int, list[PlacedSegment]] = defaultdict(list)
    unmatched = []
    for placed in new:
        number = by_key.get(placed.key)
        if number is None:
            unmatched.append(placed)
        else:
            pieces[number].append(placed)
    added = _find_origins(old, unmatched, pieces)
    removed = tuple(placed for number, placed in enumerate(old) if number not in pieces)
    matched = tuple((old[number], tuple(pieces[number])) for number in sorted(pieces))
    return SegmentMatches(matched, tuple(added), removed)


def _find_origins(
    old: list[PlacedSegment], unmatched: list[PlacedSegment], pieces: dict[int, list[PlacedSegment]]
) -> list[PlacedSegment]:
    """Add each unmatched segment to the one that it was a part of; return the others."""
    origins: dict[tuple[str, str], list[tuple[Number, int]]] = defaultdict(list)
    for number, placed in enumerate(old):
        if placed.segment.source is not None:
            origins[placed.label, placed.segment.source].append((placed.source_range[0], number))
    for starts in origins.values():
        starts.sort()
    words = {p.segment.text: n for n, p in enumerate(old) if n not in pieces and p.segment.text}
    added = []
    for placed in unmatched:
        segment = placed.segment
        origin = _origin(old, origins.get((placed.label, segment.source or ""), []), placed)
        if origin is None and segment.text:  # a text that has a new id
            origin = words.pop(segment.text, None)
        if origin is None:
            added.append(placed)
        else:
            pieces[origin].append(placed)
    return added


def _origin(
    old: list[PlacedSegment], starts: list[tuple[Number, int]], placed: PlacedSegment
) -> int | None:
    """Return the segment whose range of the source overlaps that of `placed`."""
    start, end = placed.source_range
    at = bisect_right(starts, (start, len(old)))
    for _, number in starts[max(at - 1, 0) : at + 1]:
        low, high = old[number].source_range
        if low < end and start < high:
            return number
    return None


_LONGER, _SHORTER = ("extended", "延长"), ("trimmed", "剪短")


def describe_split(old: PlacedSegment, pieces: Sequence[PlacedSegment], lang: Language) -> str:
    """Return `split into 2 (0-3s, 3-8s), 2s cut out`, or `repeated, now 3 times (…)`."""
    spans = format_list([format_span(piece.segment, lang) for piece in pieces], lang)
    reaches = sorted(piece.source_range for piece in pieces)
    if any(low < end - _SLACK_MS for (_, end), (low, _) in pairwise(reaches)):
        if lang == "zh":
            return f"重复播放，现在共{len(pieces)}次（{spans}）"
        return f"repeated, now {len(pieces)} times ({spans})"
    lost = source_duration_ms(old.segment) - sum(
        source_duration_ms(piece.segment) for piece in pieces
    )
    if lang == "zh":
        cut = f"，剪掉{format_seconds(lost)}秒" if lost > _SLACK_MS else ""
        return f"分成{len(pieces)}段（{spans}）{cut}"
    cut = f", {format_seconds(lost)}s cut out" if lost > _SLACK_MS else ""
    return f"split into {len(pieces)} ({spans}){cut}"


def describe_segment_changes(
    old: PlacedSegment | None, new: PlacedSegment, lang: Language, *, whole: bool = True
) -> list[str]:
    """Return the changes of a segment, or the properties of a new one.

    Without `whole`, the segment is a piece of the old one: `describe_split` describes its times.
    """
    was = Segment() if old is None else old.segment
    now = new.segment
    times = _times(old, new, lang) if old is not None and whole else []
    text = [] if old is None else _text(was, now, lang)
    volume = [] if old is None else _volume(was, now, lang)
    looks = describe_effect_changes(was.effects, now.effects, lang)
    if old is None:
        looks = [describe_wire_effect(effect, lang) for effect in now.effects or ()]
    style = describe_style_changes(was.style, now.style, lang)
    moved = [] if old is None else _describe_track_change(old.label, new.label, lang)
    return [*text, *moved, *times, *volume, *_fades(was, now, lang), *looks, *style] + (
        [describe_transition(now.transition, lang)] if was.transition != now.transition else []
    )


def _describe_track_change(old: str, new: str, lang: Language) -> list[str]:
    """Return the change from one kind of track to another."""
    if old == new:
        return []
    was, now = (translate_label(TRACK_LABELS, label, lang) for label in (old, new))
    return [f"由{was}改为{now}" if lang == "zh" else f"moved from {was} to {now}"]


def _text(was: Segment, now: Segment, lang: Language) -> list[str]:
    if was.text == now.text or was.text is None:
        return []
    text = truncate_text(was.text)
    return [f"原文字为“{text}”" if lang == "zh" else f"text was '{text}'"]


def _times(old: PlacedSegment, new: PlacedSegment, lang: Language) -> list[str]:
    """Return changes of the speed, the range of the source and the place on the timeline."""
    was, now = old.segment, new.segment
    speeds = [1 if segment.speed is None else segment.speed for segment in (was, now)]
    changes = []
    if speeds[0] != speeds[1]:
        low, high = (f"{clamp_number(speed):g}" for speed in speeds)
        changes.append(f"速度由{low}倍变为{high}倍" if lang == "zh" else f"speed {low}x to {high}x")
    trimmed = _trim(old, new, lang)
    moved = was.start_ms != now.start_ms and not (old.is_contiguous and new.is_contiguous)
    if trimmed and now.source is None:
        return [*changes, trimmed]
    if moved:
        start = format_seconds(now.start_ms or 0)
        changes.append(f"从{start}秒开始" if lang == "zh" else f"now starts at {start}s")
    return [trimmed, *changes] if trimmed else changes


def _trim(old: PlacedSegment, new: PlacedSegment, lang: Language) -> str:
    """Return a change of the range of the source, or of the timeline for a text."""
    was, now = old.segment, new.segment
    if now.source is None:
        if was.duration_ms == now.duration_ms:
            return ""
        span = format_span(now, lang)
        return f"显示时间为{span}" if lang == "zh" else f"now shown {span}"
    same = all(
        abs(a - b) <= _SLACK_MS for a, b in zip(old.source_range, new.source_range, strict=True)
    )
    if same:
        return ""
    begins, length = format_seconds(new.source_range[0]), format_seconds(now.duration_ms or 0)
    longer = source_duration_ms(now) - source_duration_ms(was)
    changes = []
    if abs(longer) > _SLACK_MS:
        verb = _LONGER if longer > 0 else _SHORTER
        changes.append(f"{verb[1]}至{length}秒" if lang == "zh" else f"{verb[0]} to {length}s")
    if abs(old.source_range[0] - new.source_range[0]) > _SLACK_MS:
        changes.append(
            f"从素材的第{begins}秒开始" if lang == "zh" else f"from {begins}s of its source"
        )
    return ("，" if lang == "zh" else ", ").join(changes)


def _volume(was: Segment, now: Segment, lang: Language) -> list[str]:
    before, after = (1 if s.volume is None else s.volume for s in (was, now))
    if before == after:
        return []
    if after == 0:
        return ["已静音" if lang == "zh" else "muted"]
    low, high = format_percent(before), format_percent(after)
    return [f"音量由{low}%变为{high}%" if lang == "zh" else f"volume {low}% to {high}%"]


_FADES = {
    "fade_in_ms": ("fade in", "淡入"),
    "fade_out_ms": ("fade out", "淡出"),
}


def _fades(was: Segment, now: Segment, lang: Language) -> list[str]:
    changes = []
    for field, names in _FADES.items():
        before, after = getattr(was, field) or 0, getattr(now, field) or 0
        if before == after:
            continue
        name = names[lang == "zh"]
        if not after:
            changes.append(f"已去掉{name}" if lang == "zh" else f"{name} removed")
        else:
            changes.append(
                f"{name}{format_seconds(after)}秒"
                if lang == "zh"
                else f"{name} {format_seconds(after)}s"
            )
    return changes
