"""Describe the changes between two drafts, one sentence each (CLI-3)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import gcd
from typing import Any

import msgspec

from ..draft import Draft, Metadata, Style
from .effect_descriptions import describe_wire_effect
from .labels import (
    COLOR_LABELS,
    POSITION_LABELS,
    TRACK_LABELS,
    Language,
    parse_language,
    translate_label,
)
from .segment_changes import (
    PlacedSegment,
    SegmentMatches,
    describe_segment_changes,
    describe_split,
    locate_segments,
    match_segments,
)
from .text_formats import (
    clamp_number,
    format_list,
    format_seconds,
    format_span,
    segment_end_ms,
    truncate_text,
)
from .timeline_descriptions import describe_segment, format_details, segment_name

_FITS = {
    "pad": ("black bars around clips of another shape", "其他比例的片段加黑边"),
    "crop": ("clips of another shape fill the picture, cut off", "其他比例的片段裁切填满画面"),
    "blur": ("clips of another shape before a blurred background", "其他比例的片段使用模糊背景"),
}
_QUALITIES = {"low": "低", "medium": "中", "high": "高"}


def describe_project_changes(before: Draft, after: Draft, lang: Language) -> list[str]:
    """Return a sentence for each changed setting, and for the duration."""
    old, new = before.metadata or Metadata(), after.metadata or Metadata()
    sentences = _canvas(old, new, lang) + _settings(old, new, lang)
    lengths = [draft.duration_ms or 0 for draft in (before, after)]
    if lengths[0] != lengths[1] and before.tracks:
        was, now = map(format_seconds, lengths)
        sentences.append(
            f"总时长由{was}秒变为{now}秒"
            if lang == "zh"
            else f"Total length changed from {was}s to {now}s"
        )
    return sentences


def _canvas(old: Metadata, new: Metadata, lang: Language) -> list[str]:
    if (old.width, old.height) == (new.width, new.height):
        return []
    size = _size(new)
    if not size:
        return ["画面比例恢复为素材的比例" if lang == "zh" else "Aspect ratio: that of the clips"]
    return [f"画面比例：{size}" if lang == "zh" else f"Aspect ratio: {size}"]


def _size(metadata: Metadata) -> str:
    """Return `9:16 (1080x1920)`, or "" if there is no canvas size."""
    width, height = (int(clamp_number(side or 0)) for side in (metadata.width, metadata.height))
    if width <= 0 or height <= 0:
        return ""
    divisor = gcd(width, height)
    return f"{width // divisor}:{height // divisor} ({width}x{height})"


def _settings(old: Metadata, new: Metadata, lang: Language) -> list[str]:
    describe: dict[str, Callable[[Any, Language], str]] = {
        "title": _title, "fps": _rate, "fit": _fit, "resolution": _resolution,
        "compression": _compression,
    }  # fmt: skip
    sentences = [
        describe_setting(getattr(new, name), lang)
        for name, describe_setting in describe.items()
        if getattr(old, name) != getattr(new, name)
    ]
    return sentences + _others(old.extra, new.extra, lang)


def _others(old: Mapping[str, Any], new: Mapping[str, Any], lang: Language) -> list[str]:
    """Return changes of unknown settings, by name."""
    changed = {n: v for n, v in new.items() if n not in old or old[n] != v}
    is_now = "项目设置{}现为{}" if lang == "zh" else "Project {} is now {}"
    return [
        is_now.format(truncate_text(n, 40), truncate_text(_value(v))) for n, v in changed.items()
    ]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _title(title: str | None, lang: Language) -> str:
    name = truncate_text(title or "")
    return f"项目名称：{name}" if lang == "zh" else f"Project title: {name}"


def _rate(fps: float | None, lang: Language) -> str:
    if fps is None:
        return "帧率恢复为素材的帧率" if lang == "zh" else "Frame rate: that of the clips"
    rate = f"{clamp_number(fps):g}"
    return f"帧率：每秒{rate}帧" if lang == "zh" else f"Frame rate: {rate} frames/s"


def _fit(fit: str | None, lang: Language) -> str:
    words = _FITS.get(fit or "pad", (fit, fit))[lang == "zh"]
    return f"画面适配：{words}" if lang == "zh" else f"Fit: {words}"


def _resolution(resolution: str | None, lang: Language) -> str:
    if resolution is None:
        return "分辨率恢复默认" if lang == "zh" else "Export resolution: the usual"
    name = "4K" if resolution == "4k" else truncate_text(resolution, 40)
    return f"分辨率：{name}" if lang == "zh" else f"Export resolution: {name}"


def _compression(wanted: dict[str, Any] | None, lang: Language) -> str:
    chinese = lang == "zh"
    match wanted:
        case None:
            return "已取消压缩" if chinese else "Compression: off"
        case {"mode": "rtk"}:
            what = "RTK，无可见损失" if chinese else "RTK, smaller without visible loss"
        case {"mode": "size", "megabytes": int() | float() as megabytes}:
            size = f"{clamp_number(megabytes):g}"
            what = f"不超过{size} MB" if chinese else f"at most {size} MB"
        case {"mode": "quality", "quality": str(quality)}:
            what = f"{_QUALITIES.get(quality, quality)}质量" if chinese else f"{quality} quality"
        case _:
            what = truncate_text(_value(wanted))
    return f"压缩：{what}" if chinese else f"Compression: {what}"


_LIMIT = 12


def describe_changes(before: Draft, after: Draft, language: str = "en") -> list[str]:
    """Return the changes from one draft to another as sentences in a language (CLI-3).

    The list is empty only if nothing changed: a change that has no sentence of its own gets a
    general one. Of the sentences about segments, only the first dozen are returned.
    """
    if before is after or before == after:
        return []
    lang = parse_language(language)
    pairing = match_segments(before, after)
    sentences = [
        *_describe_added_and_removed(pairing, lang),
        *_describe_order(pairing, lang),
        *_describe_kept(pairing, after, lang),
    ]
    sentences = _limit_sentences(sentences, lang)
    sentences += describe_project_changes(before, after, lang)
    general = "项目的细节有改动" if lang == "zh" else "Details of the project changed"
    return sentences or [general]


def _limit_sentences(sentences: list[str], lang: Language) -> list[str]:
    more = len(sentences) - _LIMIT
    if more <= 0:
        return sentences
    return [*sentences[:_LIMIT], f"……另有{more}处改动" if lang == "zh" else f"… and {more} more"]


def _describe_added_and_removed(pairing: SegmentMatches, lang: Language) -> list[str]:
    """Return removed and added segments; one music track for another is a replacement."""
    removed, added = list(pairing.removed), list(pairing.added)
    sentences = []
    old, new = ([p for p in side if p.label == "BGM"] for side in (removed, added))
    if len(old) == len(new) == 1:
        sentences.append(_describe_replaced(old[0], new[0], lang))
        removed.remove(old[0])
        added.remove(new[0])
    for label, placed in _by_label(removed).items():
        sentences += _describe_each(label, placed, "removed", lang)
    for label, placed in _by_label(added).items():
        sentences += _describe_each(label, placed, "added", lang)
    return sentences


def _by_label(segments: Iterable[PlacedSegment]) -> dict[str, list[PlacedSegment]]:
    groups: dict[str, list[PlacedSegment]] = defaultdict(list)
    for placed in segments:
        groups[placed.label].append(placed)
    return groups


def _describe_replaced(old: PlacedSegment, new: PlacedSegment, lang: Language) -> str:
    was, now = (segment_name(placed.segment, placed.track, lang) for placed in (old, new))
    details = format_details(new.segment, lang)
    if lang == "zh":
        return f"背景音乐已更换：{now}{details}，原来是{was}"
    return f"BGM changed: {now} {details} instead of {was}"


def _describe_each(label: str, placed: list[PlacedSegment], verb: str, lang: Language) -> list[str]:
    """Return a sentence for each segment, but one for all subtitles."""
    if label != "Subtitles" or len(placed) == 1:
        describe = _describe_added if verb == "added" else _describe_removed
        return [describe(one, lang) for one in placed]
    start = format_seconds(min(one.segment.start_ms or 0 for one in placed))
    end = format_seconds(max(segment_end_ms(one.segment) for one in placed))
    if lang == "zh":
        return [
            f"已{'添加' if verb == 'added' else '删除'}字幕：{len(placed)}条（{start}-{end}秒）"
        ]
    return [f"Subtitles {verb}: {len(placed)} lines ({start}-{end}s)"]


def _describe_removed(placed: PlacedSegment, lang: Language) -> str:
    what = truncate_text(describe_segment(placed.segment, placed.track, lang), 160)
    return f"已删除{what}" if lang == "zh" else f"Removed {what}"


def _describe_added(placed: PlacedSegment, lang: Language) -> str:
    segment = placed.segment
    label = translate_label(TRACK_LABELS, placed.label, lang)
    if segment.text is None:
        name = truncate_text(segment_name(segment, placed.track, lang))
        details = format_details(segment, lang, *describe_segment_changes(None, placed, lang))
        if lang == "zh":
            return f"已添加{label}：{name}{details}"
        return f"{label} added: {name} {details}"
    style = segment.style or Style()
    looks = [translate_label(COLOR_LABELS, style.color, lang)] if style.color else []
    looks += [translate_label(POSITION_LABELS, style.position, lang)] if style.position else []
    looks.append(format_span(segment, lang))
    text = truncate_text(segment.text)
    if text:
        looks += [describe_wire_effect(effect, lang) for effect in segment.effects or ()]
        name = f"“{text}”" if lang == "zh" else f"'{text}'"
    else:
        name = truncate_text(segment_name(segment, placed.track, lang))
    if lang == "zh":
        return f"已添加{label}：{name}（{'，'.join(looks)}）"
    return f"{label} added: {name} ({', '.join(looks)})"


def _describe_order(pairing: SegmentMatches, lang: Language) -> list[str]:
    """Return the new order of the clips if it has changed."""
    clips = [
        (old.index, pieces[0])
        for old, pieces in pairing.matched
        if old.label == pieces[0].label == "Video"
    ]
    now = sorted(clips, key=lambda clip: clip[1].index)
    places = [place for place, _ in now]
    if places == sorted(places):
        return []
    names = [truncate_text(segment_name(p.segment, p.track, lang), 40) for _, p in now]
    listed = format_list(names, lang)
    if len(places) > 2 and places == sorted(places, reverse=True):
        return [f"片段顺序已反转：{listed}" if lang == "zh" else f"Order reversed: {listed}"]
    return [f"片段的新顺序：{listed}" if lang == "zh" else f"Order changed: {listed}"]


def _describe_kept(pairing: SegmentMatches, after: Draft, lang: Language) -> list[str]:
    """Return the changes of matched segments; equal changes of several are one sentence."""
    sentences = []
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for old, pieces in pairing.matched:
        if len(pieces) > 1:
            sentences.append(_sentence(old.label, [_short_name(old, lang)], [], lang))
            sentences[-1] += describe_split(old, pieces, lang)
        for piece in pieces:
            name = _short_name(piece, lang)
            if len(pieces) > 1:
                name += _bracketed(format_span(piece.segment, lang), lang)
            parts = describe_segment_changes(old, piece, lang, whole=len(pieces) == 1)
            if parts:
                groups[piece.label, tuple(parts)].append(name)
    by_label = _by_label(locate_segments(after))
    for (label, shared), names in groups.items():
        is_all = len(names) == len(by_label[label]) > 2
        sentences.append(_sentence(label, ["*"] if is_all else names, shared, lang, len(names)))
    return sentences


def _bracketed(text: str, lang: Language) -> str:
    return f"（{text}）" if lang == "zh" else f" ({text})"


def _short_name(placed: PlacedSegment, lang: Language) -> str:
    return truncate_text(segment_name(placed.segment, placed.track, lang), 60)


def _sentence(
    label: str, names: Sequence[str], parts: Sequence[str], lang: Language, count: int = 0
) -> str:
    """Return `Video beach, city: brightness +25 %`; `Video (all 12): …` if `names` is `["*"]`."""
    chinese = lang == "zh"
    what = translate_label(TRACK_LABELS, label, lang)
    if names == ["*"]:
        who = f"（全部{count}段）" if chinese else f" (all {count})"
    else:
        who = ("" if chinese else " ") + format_list(names, lang)
    return f"{what}{who}{'：' if chinese else ': '}{('；' if chinese else '; ').join(parts)}"
