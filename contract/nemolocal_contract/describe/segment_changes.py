"""What changed of one segment, and how one becomes several."""

from collections.abc import Sequence
from itertools import pairwise

from ..draft import Segment
from .effect_descriptions import (
    describe_effect_changes,
    describe_style_changes,
    describe_transition,
    describe_wire_effect,
)
from .labels import (
    TRACK_LABELS,
    Language,
    clamp_number,
    format_list,
    format_percent,
    format_seconds,
    translate_label,
    truncate_text,
)
from .segment_matching import PlacedSegment, source_duration_ms
from .track_descriptions import format_span

_SLACK_MS = 1
_LONGER, _SHORTER = ("extended", "延长"), ("trimmed", "剪短")


def describe_split(old: PlacedSegment, pieces: Sequence[PlacedSegment], tongue: Language) -> str:
    """`split into 2 (0-3s, 3-8s), 2s cut out`, or `repeated, now 3 times (…)`."""
    spans = format_list([format_span(piece.segment, tongue) for piece in pieces], tongue)
    reaches = sorted(piece.source_range for piece in pieces)
    if any(low < end - _SLACK_MS for (_, end), (low, _) in pairwise(reaches)):
        if tongue == "zh":
            return f"重复播放，现在共{len(pieces)}次（{spans}）"
        return f"repeated, now {len(pieces)} times ({spans})"
    lost = source_duration_ms(old.segment) - sum(
        source_duration_ms(piece.segment) for piece in pieces
    )
    if tongue == "zh":
        cut = f"，剪掉{format_seconds(lost)}秒" if lost > _SLACK_MS else ""
        return f"分成{len(pieces)}段（{spans}）{cut}"
    cut = f", {format_seconds(lost)}s cut out" if lost > _SLACK_MS else ""
    return f"split into {len(pieces)} ({spans}){cut}"


def describe_segment_changes(
    old: PlacedSegment | None, new: PlacedSegment, tongue: Language, *, whole: bool = True
) -> list[str]:
    """What is different of a segment; all that is special about it where it is new.

    The times of a piece that is not the `whole` of what was there are told with its division.
    """
    was = Segment() if old is None else old.segment
    now = new.segment
    times = _times(old, new, tongue) if old is not None and whole else []
    text = [] if old is None else _text(was, now, tongue)
    volume = [] if old is None else _volume(was, now, tongue)
    looks = describe_effect_changes(was.effects, now.effects, tongue)
    if old is None:
        looks = [describe_wire_effect(effect, tongue) for effect in now.effects or ()]
    style = describe_style_changes(was.style, now.style, tongue)
    moved = [] if old is None else _describe_track_change(old.label, new.label, tongue)
    return [*text, *moved, *times, *volume, *_fades(was, now, tongue), *looks, *style] + (
        [describe_transition(now.transition, tongue)] if was.transition != now.transition else []
    )


def _describe_track_change(old: str, new: str, tongue: Language) -> list[str]:
    """From a track of one kind to one of another."""
    if old == new:
        return []
    was, now = (translate_label(TRACK_LABELS, label, tongue) for label in (old, new))
    return [f"由{was}改为{now}" if tongue == "zh" else f"moved from {was} to {now}"]


def _text(was: Segment, now: Segment, tongue: Language) -> list[str]:
    if was.text == now.text or was.text is None:
        return []
    text = truncate_text(was.text)
    return [f"原文字为“{text}”" if tongue == "zh" else f"text was '{text}'"]


def _times(old: PlacedSegment, new: PlacedSegment, tongue: Language) -> list[str]:
    """Speed, the part of the source, the place on the timeline."""
    was, now = old.segment, new.segment
    speeds = [1 if segment.speed is None else segment.speed for segment in (was, now)]
    said = []
    if speeds[0] != speeds[1]:
        low, high = (f"{clamp_number(speed):g}" for speed in speeds)
        said.append(f"速度由{low}倍变为{high}倍" if tongue == "zh" else f"speed {low}x to {high}x")
    trimmed = _trim(old, new, tongue)
    moved = was.start_ms != now.start_ms and not (old.is_contiguous and new.is_contiguous)
    if trimmed and now.source is None:
        return [*said, trimmed]
    if moved:
        start = format_seconds(now.start_ms or 0)
        said.append(f"从{start}秒开始" if tongue == "zh" else f"now starts at {start}s")
    return [trimmed, *said] if trimmed else said


def _trim(old: PlacedSegment, new: PlacedSegment, tongue: Language) -> str:
    """The part that is shown, where it is another one: of the source, or of the timeline."""
    was, now = old.segment, new.segment
    if now.source is None:
        if was.duration_ms == now.duration_ms:
            return ""
        span = format_span(now, tongue)
        return f"显示时间为{span}" if tongue == "zh" else f"now shown {span}"
    same = all(
        abs(a - b) <= _SLACK_MS for a, b in zip(old.source_range, new.source_range, strict=True)
    )
    if same:
        return ""
    begins, length = format_seconds(new.source_range[0]), format_seconds(now.duration_ms or 0)
    longer = source_duration_ms(now) - source_duration_ms(was)
    said = []
    if abs(longer) > _SLACK_MS:
        verb = _LONGER if longer > 0 else _SHORTER
        said.append(f"{verb[1]}至{length}秒" if tongue == "zh" else f"{verb[0]} to {length}s")
    if abs(old.source_range[0] - new.source_range[0]) > _SLACK_MS:
        said.append(
            f"从素材的第{begins}秒开始" if tongue == "zh" else f"from {begins}s of its source"
        )
    return ("，" if tongue == "zh" else ", ").join(said)


def _volume(was: Segment, now: Segment, tongue: Language) -> list[str]:
    before, after = (1 if s.volume is None else s.volume for s in (was, now))
    if before == after:
        return []
    if after == 0:
        return ["已静音" if tongue == "zh" else "muted"]
    low, high = format_percent(before), format_percent(after)
    return [f"音量由{low}%变为{high}%" if tongue == "zh" else f"volume {low}% to {high}%"]


_FADES = {
    "fade_in_ms": ("fade in", "淡入"),
    "fade_out_ms": ("fade out", "淡出"),
}


def _fades(was: Segment, now: Segment, tongue: Language) -> list[str]:
    said = []
    for field, names in _FADES.items():
        before, after = getattr(was, field) or 0, getattr(now, field) or 0
        if before == after:
            continue
        name = names[tongue == "zh"]
        if not after:
            said.append(f"已去掉{name}" if tongue == "zh" else f"{name} removed")
        else:
            said.append(
                f"{name}{format_seconds(after)}秒"
                if tongue == "zh"
                else f"{name} {format_seconds(after)}s"
            )
    return said
