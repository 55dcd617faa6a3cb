"""What changed between two drafts, a sentence each, as a person would say it (CLI-3)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..draft import Draft, Style
from .labels import (
    COLOR_LABELS,
    POSITION_LABELS,
    TRACK_LABELS,
    Language,
    format_list,
    format_seconds,
    parse_language,
    segment_end_ms,
    translate_label,
    truncate_text,
)
from .project_changes import describe_project_changes
from .segment_changes import describe_segment_changes, describe_split
from .segment_matching import PlacedSegment, SegmentMatches, locate_segments, match_segments
from .track_descriptions import describe_segment, format_details, format_span, segment_name

_LIMIT = 12


def describe_changes(before: Draft, after: Draft, language: str = "en") -> list[str]:
    """What a person would say changed from one draft to the other, in the language (CLI-3).

    Empty where nothing did; what no sentence fits is said in general, so that a change is never
    kept quiet. Of very many sentences about segments the first dozen are told.
    """
    if before is after or before == after:
        return []
    tongue = parse_language(language)
    pairing = match_segments(before, after)
    said = [
        *_describe_added_and_removed(pairing, tongue),
        *_describe_order(pairing, tongue),
        *_describe_kept(pairing, after, tongue),
    ]
    said = _limit_sentences(said, tongue) + describe_project_changes(before, after, tongue)
    general = "项目的细节有改动" if tongue == "zh" else "Details of the project changed"
    return said or [general]


def _limit_sentences(said: list[str], tongue: Language) -> list[str]:
    more = len(said) - _LIMIT
    if more <= 0:
        return said
    return [*said[:_LIMIT], f"……另有{more}处改动" if tongue == "zh" else f"… and {more} more"]


def _describe_added_and_removed(pairing: SegmentMatches, tongue: Language) -> list[str]:
    """What is gone and what is new; music for music and title for title are exchanged."""
    removed, added = list(pairing.removed), list(pairing.added)
    said = []
    old, new = ([p for p in side if p.label == "BGM"] for side in (removed, added))
    if len(old) == len(new) == 1:
        said.append(_describe_replaced(old[0], new[0], tongue))
        removed.remove(old[0])
        added.remove(new[0])
    for label, placed in _by_label(removed).items():
        said += _describe_each(label, placed, "removed", tongue)
    for label, placed in _by_label(added).items():
        said += _describe_each(label, placed, "added", tongue)
    return said


def _by_label(segments: Iterable[PlacedSegment]) -> dict[str, list[PlacedSegment]]:
    groups: dict[str, list[PlacedSegment]] = defaultdict(list)
    for placed in segments:
        groups[placed.label].append(placed)
    return groups


def _describe_replaced(old: PlacedSegment, new: PlacedSegment, tongue: Language) -> str:
    was, now = (segment_name(placed.segment, placed.track, tongue) for placed in (old, new))
    details = format_details(new.segment, tongue)
    if tongue == "zh":
        return f"背景音乐已更换：{now}{details}，原来是{was}"
    return f"BGM changed: {now} {details} instead of {was}"


def _describe_each(
    label: str, placed: list[PlacedSegment], verb: str, tongue: Language
) -> list[str]:
    """A sentence for each; subtitles are counted."""
    if label != "Subtitles" or len(placed) == 1:
        tell = _describe_added if verb == "added" else _describe_removed
        return [tell(one, tongue) for one in placed]
    start = format_seconds(min(one.segment.start_ms or 0 for one in placed))
    end = format_seconds(max(segment_end_ms(one.segment) for one in placed))
    if tongue == "zh":
        return [
            f"已{'添加' if verb == 'added' else '删除'}字幕：{len(placed)}条（{start}-{end}秒）"
        ]
    return [f"Subtitles {verb}: {len(placed)} lines ({start}-{end}s)"]


def _describe_removed(placed: PlacedSegment, tongue: Language) -> str:
    what = truncate_text(describe_segment(placed.segment, placed.track, tongue), 160)
    return f"已删除{what}" if tongue == "zh" else f"Removed {what}"


def _describe_added(placed: PlacedSegment, tongue: Language) -> str:
    segment = placed.segment
    label = translate_label(TRACK_LABELS, placed.label, tongue)
    if segment.text is None:
        name = truncate_text(segment_name(segment, placed.track, tongue))
        details = format_details(segment, tongue, *describe_segment_changes(None, placed, tongue))
        if tongue == "zh":
            return f"已添加{label}：{name}{details}"
        return f"{label} added: {name} {details}"
    style = segment.style or Style()
    looks = [translate_label(COLOR_LABELS, style.color, tongue)] if style.color else []
    looks += [translate_label(POSITION_LABELS, style.position, tongue)] if style.position else []
    looks.append(format_span(segment, tongue))
    if tongue == "zh":
        return f"已添加{label}：“{truncate_text(segment.text)}”（{'，'.join(looks)}）"
    return f"{label} added: '{truncate_text(segment.text)}' ({', '.join(looks)})"


def _describe_order(pairing: SegmentMatches, tongue: Language) -> list[str]:
    """The order of the clips, where it is another one."""
    clips = [
        (old.index, pieces[0])
        for old, pieces in pairing.matched
        if old.label == pieces[0].label == "Video"
    ]
    now = sorted(clips, key=lambda clip: clip[1].index)
    places = [place for place, _ in now]
    if places == sorted(places):
        return []
    names = [truncate_text(segment_name(p.segment, p.track, tongue), 40) for _, p in now]
    listed = format_list(names, tongue)
    if len(places) > 2 and places == sorted(places, reverse=True):
        return [f"片段顺序已反转：{listed}" if tongue == "zh" else f"Order reversed: {listed}"]
    return [f"片段的新顺序：{listed}" if tongue == "zh" else f"Order changed: {listed}"]


def _describe_kept(pairing: SegmentMatches, after: Draft, tongue: Language) -> list[str]:
    """What changed of what is still there; equal changes of several are told once."""
    said = []
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for old, pieces in pairing.matched:
        if len(pieces) > 1:
            said.append(_sentence(old.label, [_short_name(old, tongue)], [], tongue))
            said[-1] += describe_split(old, pieces, tongue)
        for piece in pieces:
            name = _short_name(piece, tongue)
            if len(pieces) > 1:
                name += _bracketed(format_span(piece.segment, tongue), tongue)
            parts = describe_segment_changes(old, piece, tongue, whole=len(pieces) == 1)
            if parts:
                groups[piece.label, tuple(parts)].append(name)
    lanes = _by_label(locate_segments(after))
    for (label, shared), names in groups.items():
        everybody = len(names) == len(lanes[label]) > 2
        said.append(_sentence(label, ["*"] if everybody else names, shared, tongue, len(names)))
    return said


def _bracketed(text: str, tongue: Language) -> str:
    return f"（{text}）" if tongue == "zh" else f" ({text})"


def _short_name(placed: PlacedSegment, tongue: Language) -> str:
    return truncate_text(segment_name(placed.segment, placed.track, tongue), 60)


def _sentence(
    label: str, names: Sequence[str], parts: Sequence[str], tongue: Language, count: int = 0
) -> str:
    """`Video beach, city: brightness +25 %`; `Video (all 12): …` where names is a star."""
    chinese = tongue == "zh"
    what = translate_label(TRACK_LABELS, label, tongue)
    if names == ["*"]:
        who = f"（全部{count}段）" if chinese else f" (all {count})"
    else:
        who = ("" if chinese else " ") + format_list(names, tongue)
    return f"{what}{who}{'：' if chinese else ': '}{('；' if chinese else '; ').join(parts)}"
