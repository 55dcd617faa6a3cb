"""The backend's warnings for people: what a path in a draft stands for, in place of the path."""

import re

from nemolocal_contract.describe.descriptions import (
    TRACK_LABELS,
    Language,
    format_span,
    parse_language,
    segment_name,
    track_label,
    translate_label,
    truncate_text,
)
from nemolocal_contract.draft import Draft

_PATH = re.compile(
    r"draft\.(?:t\[(?P<track>\d{1,6})\](?:\.sg\[(?P<segment>\d{1,6})\])?|m\.(?P<field>\w+)|(?P<d>d))"
    r"[\w.\[\]]*(?=: )"
)
_FIELDS: dict[str, tuple[str, str]] = {
    "fps": ("frame rate", "帧率"),
    "width": ("picture size", "画面尺寸"),
    "height": ("picture size", "画面尺寸"),
    "resolution": ("resolution", "分辨率"),
    "d": ("length", "时长"),
}


def describe_warning(warning: str, draft: Draft, language: str = "en") -> str:
    """`Title "Hi" (0-2s): no font …` for `draft.t[1].sg[0].txt: no font …`; others as they are."""
    found = _PATH.match(warning)
    if found is None:
        return warning
    tongue = parse_language(language)
    meant = _field(found, tongue) or _part(found, draft, tongue)
    return f"{meant}{warning[found.end() :]}" if meant else warning


def _field(found: re.Match[str], tongue: Language) -> str:
    words = _FIELDS.get(found["field"] or found["d"] or "")
    if words is None:
        return ""
    return words[1] if tongue == "zh" else words[0].capitalize()


def _part(found: re.Match[str], draft: Draft, tongue: Language) -> str:
    """A track or a segment, "" where the draft has none there."""
    tracks = draft.tracks or ()
    if found["track"] is None or int(found["track"]) >= len(tracks):
        return ""
    track = tracks[int(found["track"])]
    label = translate_label(TRACK_LABELS, track_label(track), tongue)
    if found["segment"] is None:
        return label
    segments = track.segments or ()
    if int(found["segment"]) >= len(segments):
        return ""
    segment = segments[int(found["segment"])]
    name, span = truncate_text(segment_name(segment, track, tongue)), format_span(segment, tongue)
    return f"{label}{name}（{span}）" if tongue == "zh" else f"{label} {name} ({span})"
