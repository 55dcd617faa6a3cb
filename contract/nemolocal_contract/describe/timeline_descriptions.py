"""Tracks, segments and the whole timeline in words, in English or Chinese.

`describe_timeline` is the timeline line of STA-5; sessions have a language (SSE-10). Drafts may
come from anywhere, so nothing here raises.
"""

from ..draft import Draft, Segment, Track, TrackType
from ..plurals import pluralize
from ..text_effects import TEXT_EFFECTS
from .effect_descriptions import effect_label
from .labels import TRACK_LABELS, Language, parse_language, translate_label
from .text_formats import clamp_number, format_percent, format_span

# The names of audio tracks that are no background music.
_SOUND_TRACKS = ("Sound effects", "Sound")
# The names of text tracks that have no titles.
_TEXT_TRACKS = ("Subtitles", "Timer", "Progress bar")
# The most clips in a line.
_LISTED = 20


def track_label(track: Track) -> str:
    """Return the key of `TRACK_LABELS` for a track, by its type, its name and its segments."""
    if track.type == TrackType.VIDEO:
        return "Overlay" if _is_overlay(track) else "Video"
    if track.type == TrackType.TEXT:
        return str(track.name) if track.name in _TEXT_TRACKS else "Title"
    if track.type == TrackType.AUDIO:
        return "Sound" if track.name in _SOUND_TRACKS else "BGM"
    return f"Track type {track.type}"


def _is_overlay(track: Track) -> bool:
    segments = track.segments or ()
    return track.name == "Overlay" or (bool(segments) and all(map(_has_overlay_effect, segments)))


def _has_overlay_effect(segment: Segment) -> bool:
    return any(effect.get("type") == "overlay" for effect in segment.effects or ())


def segment_name(segment: Segment, track: Track, language: str = "en") -> str:
    """Return the name of a segment: its text, its title, the name of its track or its source."""
    chinese = parse_language(language) == "zh"
    if segment.text:
        return f"“{segment.text}”" if chinese else f'"{segment.text}"'
    title = (segment.metadata or {}).get("title")
    if segment.text is not None and not title:
        title = _drawn_name(segment, parse_language(language))
    nameless = "未命名" if chinese else "untitled"
    return str(title) if title else (track.name or segment.source or nameless)


def _drawn_name(segment: Segment, lang: Language) -> str:
    """Return what is drawn in place of an empty text: a timer, a progress bar."""
    types = [str(effect.get("type")) for effect in segment.effects or ()]
    drawn = next((name for name in types if name in TEXT_EFFECTS), None)
    if drawn is not None:
        return effect_label(drawn, lang)
    return "“”" if lang == "zh" else '""'


def format_details(segment: Segment, lang: Language, *looks: str) -> str:
    """Return the style, place, volume and speed of a segment: `(0-10s, 35%)`."""
    details = [*looks, format_span(segment, lang)]
    if segment.volume == 0:
        details.append("静音" if lang == "zh" else "muted")
    elif segment.volume is not None and segment.volume != 1:
        details.append(f"{format_percent(segment.volume)}%")
    if segment.speed is not None and segment.speed != 1:
        details.append(f"{clamp_number(segment.speed):g}" + ("倍速" if lang == "zh" else "x"))
    return f"（{'，'.join(details)}）" if lang == "zh" else f"({', '.join(details)})"


def describe_segment(segment: Segment, track: Track, language: str = "en") -> str:
    """Return `Video: city timelapse (0-10s)`."""
    lang = parse_language(language)
    label = translate_label(TRACK_LABELS, track_label(track), lang)
    return f"{label}{_colon(lang)}{_entry(segment, track, lang)}"


def _entry(segment: Segment, track: Track, lang: Language) -> str:
    gap = "" if lang == "zh" else " "
    return f"{segment_name(segment, track, lang)}{gap}{format_details(segment, lang)}"


def _colon(lang: Language) -> str:
    return "：" if lang == "zh" else ": "


def describe_track(track: Track, language: str = "en") -> str:
    """Return a track with its first twenty segments: `Video: beach (0-4s), city (4-10s)`."""
    lang = parse_language(language)
    segments = track.segments or ()
    label = translate_label(TRACK_LABELS, track_label(track), lang)
    if not segments:
        return f"{label}{_colon(lang)}{'空' if lang == 'zh' else 'empty'}"
    listed = [_entry(segment, track, lang) for segment in segments[:_LISTED]]
    if (more := len(segments) - _LISTED) > 0:
        listed.append(f"另有{more}段" if lang == "zh" else f"… and {more} more")
    return f"{label}{_colon(lang)}{('，' if lang == 'zh' else ', ').join(listed)}"


def describe_timeline(draft: Draft, language: str = "en") -> str:
    """Return `Timeline (3 tracks): 1. Video: … 2. BGM: … 3. Title: …` in a language (STA-5)."""
    tracks = draft.tracks or ()
    if parse_language(language) == "zh":
        head = f"时间线（{len(tracks)}条轨道）："
    else:
        head = f"Timeline ({pluralize(len(tracks), 'track')}): "
    listed = (f"{n}. {describe_track(track, language)}" for n, track in enumerate(tracks, 1))
    return (head + " ".join(listed)).rstrip()
