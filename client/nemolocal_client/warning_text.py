"""Makes the backend's warnings readable: names a track or clip instead of its path in the draft."""

import re

from nemolocal_contract.describe.labels import (
    TRACK_LABELS,
    Language,
    parse_language,
    translate_label,
)
from nemolocal_contract.describe.text_formats import format_span, truncate_text
from nemolocal_contract.describe.timeline_descriptions import segment_name, track_label
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
    """Turn `draft.t[1].sg[0].txt: no font …` into `Title "Hi" (0-2s): no font …`.

    Warnings without a path are returned unchanged.
    """
    found = _PATH.match(warning)
    if found is None:
        return warning
    parsed = parse_language(language)
    name = _field_name(found, parsed) or _part_name(found, draft, parsed)
    return f"{name}{warning[found.end() :]}" if name else warning


def _field_name(found: re.Match[str], language: Language) -> str:
    words = _FIELDS.get(found["field"] or found["d"] or "")
    if words is None:
        return ""
    return words[1] if language == "zh" else words[0].capitalize()


def _part_name(found: re.Match[str], draft: Draft, language: Language) -> str:
    """Return the name of a track or a segment, "" if the draft does not have it."""
    tracks = draft.tracks or ()
    if found["track"] is None or int(found["track"]) >= len(tracks):
        return ""
    track = tracks[int(found["track"])]
    label = translate_label(TRACK_LABELS, track_label(track), language)
    if found["segment"] is None:
        return label
    segments = track.segments or ()
    if int(found["segment"]) >= len(segments):
        return ""
    segment = segments[int(found["segment"])]
    name = truncate_text(segment_name(segment, track, language))
    span = format_span(segment, language)
    return f"{label}{name}（{span}）" if language == "zh" else f"{label} {name} ({span})"
