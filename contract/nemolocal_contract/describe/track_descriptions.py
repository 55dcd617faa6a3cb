"""Tracks and segments in words: the timeline line of STA-5."""

from ..draft import Draft, Segment, Track, TrackType
from .labels import (
    TRACK_LABELS,
    Language,
    clamp_number,
    format_percent,
    format_seconds,
    parse_language,
    segment_end_ms,
    translate_label,
)

# Nobody reads a line of hundreds of clips.
_LISTED = 20


def track_label(track: Track) -> str:
    """What a track is, as a key of `TRACK_LABELS`: by its type, name and how its segments show."""
    if track.type == TrackType.VIDEO:
        return "Overlay" if _is_overlay(track) else "Video"
    if track.type == TrackType.TEXT:
        return "Subtitles" if track.name == "Subtitles" else "Title"
    return "BGM" if track.type == TrackType.AUDIO else f"Track type {track.type}"


def _is_overlay(track: Track) -> bool:
    segments = track.segments or ()
    return track.name == "Overlay" or (bool(segments) and all(map(_has_overlay_effect, segments)))


def _has_overlay_effect(segment: Segment) -> bool:
    return any(effect.get("type") == "overlay" for effect in segment.effects or ())


def segment_name(segment: Segment, track: Track, language: str = "en") -> str:
    """What a segment is called: its words, its title, the name of its track or its source."""
    chinese = parse_language(language) == "zh"
    if segment.text is not None:
        return f"“{segment.text}”" if chinese else f'"{segment.text}"'
    title = (segment.metadata or {}).get("title")
    nameless = "未命名" if chinese else "untitled"
    return str(title) if title else (track.name or segment.source or nameless)


def format_span(segment: Segment, tongue: Language) -> str:
    """Where it stands on the timeline: `0-10s`."""
    span = f"{format_seconds(segment.start_ms or 0)}-{format_seconds(segment_end_ms(segment))}"
    return f"{span}秒" if tongue == "zh" else f"{span}s"


def format_details(segment: Segment, tongue: Language, *looks: str) -> str:
    """How it looks, where it stands, how loud and how fast it is: `(0-10s, 35%)`."""
    details = [*looks, format_span(segment, tongue)]
    if segment.volume == 0:
        details.append("静音" if tongue == "zh" else "muted")
    elif segment.volume is not None and segment.volume != 1:
        details.append(f"{format_percent(segment.volume)}%")
    if segment.speed is not None and segment.speed != 1:
        details.append(f"{clamp_number(segment.speed):g}" + ("倍速" if tongue == "zh" else "x"))
    return f"（{'，'.join(details)}）" if tongue == "zh" else f"({', '.join(details)})"


def describe_segment(segment: Segment, track: Track, language: str = "en") -> str:
    """`Video: city timelapse (0-10s)`."""
    tongue = parse_language(language)
    label = translate_label(TRACK_LABELS, track_label(track), tongue)
    return f"{label}{_colon(tongue)}{_entry(segment, track, tongue)}"


def _entry(segment: Segment, track: Track, tongue: Language) -> str:
    gap = "" if tongue == "zh" else " "
    return f"{segment_name(segment, track, tongue)}{gap}{format_details(segment, tongue)}"


def _colon(tongue: Language) -> str:
    return "：" if tongue == "zh" else ": "


def describe_track(track: Track, language: str = "en") -> str:
    """A track by its segments: `Video: beach (0-4s), city (4-10s)`; the first twenty of many."""
    tongue = parse_language(language)
    segments = track.segments or ()
    label = translate_label(TRACK_LABELS, track_label(track), tongue)
    if not segments:
        return f"{label}{_colon(tongue)}{'空' if tongue == 'zh' else 'empty'}"
    listed = [_entry(segment, track, tongue) for segment in segments[:_LISTED]]
    if (more := len(segments) - _LISTED) > 0:
        listed.append(f"另有{more}段" if tongue == "zh" else f"… and {more} more")
    return f"{label}{_colon(tongue)}{('，' if tongue == 'zh' else ', ').join(listed)}"


def describe_timeline(draft: Draft, language: str = "en") -> str:
    """`Timeline (3 tracks): 1. Video: … 2. BGM: … 3. Title: …`, in the language (STA-5)."""
    tracks = draft.tracks or ()
    if parse_language(language) == "zh":
        head = f"时间线（{len(tracks)}条轨道）："
    else:
        head = f"Timeline ({len(tracks)} track{'' if len(tracks) == 1 else 's'}): "
    listed = (f"{n}. {describe_track(track, language)}" for n, track in enumerate(tracks, 1))
    return (head + " ".join(listed)).rstrip()
