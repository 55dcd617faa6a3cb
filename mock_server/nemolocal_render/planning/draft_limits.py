"""How much a draft may hold, asked before anybody walks through it: planning costs time and memory.

What is counted here needs no look into what is counted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nemolocal_contract.draft import Draft, draft_from_wire
from nemolocal_contract.plurals import pluralize

from .field_validation import DraftRejected

MAX_DRAFT_BYTES = 4_000_000
MAX_TRACKS = 100
MAX_SEGMENTS = 1000
MAX_EFFECTS = 50
MAX_TOTAL_EFFECTS = 5000
MAX_FIELDS = 100
MAX_WARNINGS = 100
# Bytes of decoded pictures: thirty of 4K one above the other, or a hundred of full HD.
MAX_PEAK_MEMORY = 4_000_000_000


def read_draft(wire: Mapping[str, Any]) -> Draft:
    """The draft of a JSON object; raises DraftRejected where it holds too much to be read (REN-9).

    What is not of its own type is left to the plan, which names it.
    """
    _limit_fields(wire, "draft")
    segments = effects = 0
    for index, track in enumerate(_limit_items(wire.get("t"), "draft.t", "tracks", MAX_TRACKS)):
        path = f"draft.t[{index}]"
        _limit_fields(track, path)
        inside = _listed(track, "sg")
        segments += len(inside)
        _require_at_most(segments, "draft.t", "segments", MAX_SEGMENTS)
        for number, segment in enumerate(inside):
            effects += _effects_of(segment, f"{path}.sg[{number}]")
            _require_at_most(effects, "draft.t", "effects", MAX_TOTAL_EFFECTS)
    return draft_from_wire(wire)


def _effects_of(segment: Any, path: str) -> int:
    """How many effects a segment has."""
    _limit_fields(segment, path)
    for name in ("st", "tr"):
        if isinstance(segment, Mapping):
            _limit_fields(segment.get(name), f"{path}.{name}")
    effects = _limit_items(_listed(segment, "fx"), f"{path}.fx", "effects", MAX_EFFECTS)
    for index, effect in enumerate(effects):
        _limit_fields(effect, f"{path}.fx[{index}]")
    return len(effects)


def require_size_limits(draft: Draft) -> None:
    """Refuse a draft without segments, or with more than anybody edits by hand (STA-3)."""
    tracks = _limit_items(draft.tracks or (), "draft.t", "tracks", MAX_TRACKS)
    count = sum(len(track.segments or ()) for track in tracks)
    _require_at_most(count, "draft.t", "segments", MAX_SEGMENTS)
    effects = 0
    for index, track in enumerate(tracks):
        for number, segment in enumerate(track.segments or ()):
            path = f"draft.t[{index}].sg[{number}].fx"
            effects += len(_limit_items(segment.effects or (), path, "effects", MAX_EFFECTS))
    _require_at_most(effects, "draft.t", "effects", MAX_TOTAL_EFFECTS)


def require_segments(draft: Draft) -> None:
    """Refuse a draft in which there is nothing to show (STA-3)."""
    if not draft.ready:
        raise DraftRejected("draft.t", "has no segments")


def limit_warnings(warnings: Sequence[str]) -> tuple[str, ...]:
    """The first of the warnings, and how many more there are."""
    more = len(warnings) - MAX_WARNINGS
    if more <= 0:
        return tuple(warnings)
    return (*warnings[:MAX_WARNINGS], f"and {pluralize(more, 'more warning')}")


def _listed(node: Any, name: str) -> Sequence[Any]:
    value = node.get(name) if isinstance(node, Mapping) else None
    return value if isinstance(value, list) else ()


def _limit_items(items: Any, path: str, what: str, most: int) -> Sequence[Any]:
    if not isinstance(items, list | tuple):
        return ()
    _require_at_most(len(items), path, what, most)
    return items


def _limit_fields(node: Any, path: str) -> None:
    if isinstance(node, Mapping):
        _require_at_most(len(node), path, "fields", MAX_FIELDS)


def _require_at_most(count: int, path: str, what: str, most: int) -> None:
    if count > most:
        raise DraftRejected(path, f"has {count} {what}, at most {most} are rendered")
