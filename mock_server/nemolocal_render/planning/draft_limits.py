"""Read a draft within the limits of its size, and check the types of its fields (REN-9).

Each refusal names the path of the field in wire names. Sizes are checked first, since planning a
draft costs time and memory.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nemolocal_contract.draft import (
    Draft,
    Track,
    TrackType,
    draft_from_wire,
    find_excess,
    find_mistyped_field,
)

MAX_TRACKS = 100
MAX_SEGMENTS = 1000
MAX_CLIPS = 200
MAX_EFFECTS = 50
MAX_TOTAL_EFFECTS = 5000
MAX_FIELDS = 100
MAX_DURATION_MS = 2 * 3600 * 1000

_JSON_TYPES = {bool: "a boolean", str: "a string", list: "an array", dict: "an object"}


class DraftRejected(Exception):
    """A draft that cannot be rendered: the path of a field in wire names, and the reason (REN-9).

    The message has both: `draft.t[0].sg[1].src: unknown media`.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def require_number(value: Any, path: str, low: float, high: float, default: float = 0.0) -> float:
    """Return a number from `low` to `high`, or `default` for None; NaN is refused."""
    if value is None:
        return default
    if not low <= value <= high:
        raise DraftRejected(path, f"must be from {low:g} to {high:g}")
    return float(value)


def require_positive(value: Any, path: str, high: float) -> float:
    """Return a required number that is greater than 0 and at most `high`."""
    if value is None:
        raise DraftRejected(path, "is missing")
    if not 0 < value <= high:
        raise DraftRejected(path, f"must be greater than 0 and at most {high:g}")
    return float(value)


def check_draft(draft: Draft) -> None:
    """Refuse a draft that is empty or too large, or has a field of a wrong type (STA-3, REN-9)."""
    _require_size_limits(draft)
    _require_field_types(draft)
    if not draft.ready:
        raise DraftRejected("draft.t", "has no segments")
    require_number(draft.duration_ms, "draft.d", 0, MAX_DURATION_MS)


def _require_field_types(draft: Draft) -> None:
    """Refuse a field whose JSON type is wrong; the model has put those into `extra`."""
    if (found := find_mistyped_field(draft)) is not None:
        kind = _JSON_TYPES.get(type(found.value), "a number")
        raise DraftRejected(f"draft{found.path}", f"is {kind}, which it cannot be")


def read_draft(wire: Mapping[str, Any]) -> Draft:
    """Parse a JSON object; raises DraftRejected if it is too large (REN-9).

    Fields of a wrong type are refused later, by `check_draft`.
    """
    _limit_fields(wire, "draft")
    segments = effects = 0
    for index, track in enumerate(_limit_items(wire.get("t"), "draft.t", "tracks", MAX_TRACKS)):
        path = f"draft.t[{index}]"
        _limit_fields(track, path)
        track_segments = _list_of(track, "sg")
        segments += len(track_segments)
        require_at_most(segments, "draft.t", "segments", MAX_SEGMENTS)
        for number, segment in enumerate(track_segments):
            effects += _count_effects(segment, f"{path}.sg[{number}]")
            require_at_most(effects, "draft.t", "effects", MAX_TOTAL_EFFECTS)
    if excess := find_excess(wire):
        raise DraftRejected("draft", excess)
    return draft_from_wire(wire)


def _count_effects(segment: Any, path: str) -> int:
    _limit_fields(segment, path)
    for name in ("st", "tr"):
        if isinstance(segment, Mapping):
            _limit_fields(segment.get(name), f"{path}.{name}")
    effects = _limit_items(_list_of(segment, "fx"), f"{path}.fx", "effects", MAX_EFFECTS)
    for index, effect in enumerate(effects):
        _limit_fields(effect, f"{path}.fx[{index}]")
    return len(effects)


def _require_size_limits(draft: Draft) -> None:
    tracks = _limit_items(draft.tracks or (), "draft.t", "tracks", MAX_TRACKS)
    count = sum(len(track.segments or ()) for track in tracks)
    require_at_most(count, "draft.t", "segments", MAX_SEGMENTS)
    _limit_clips(tracks)
    effects = 0
    for index, track in enumerate(tracks):
        counts = [len(segment.effects or ()) for segment in track.segments or ()]
        if (most := max(counts, default=0)) > MAX_EFFECTS:
            path = f"draft.t[{index}].sg[{counts.index(most)}].fx"
            raise _too_many(path, most, "effects", MAX_EFFECTS)
        effects += sum(counts)
    require_at_most(effects, "draft.t", "effects", MAX_TOTAL_EFFECTS)


def _limit_clips(tracks: Sequence[Track]) -> None:
    count = 0
    for index, track in enumerate(tracks):
        if track.type in (TrackType.VIDEO, TrackType.AUDIO):
            count += len(track.segments or ())
        if count > MAX_CLIPS:
            raise DraftRejected(f"draft.t[{index}].sg", f"more than {MAX_CLIPS} clips in one draft")


def _list_of(node: Any, name: str) -> Sequence[Any]:
    value = node.get(name) if isinstance(node, Mapping) else None
    return value if isinstance(value, list) else ()


def _limit_items(items: Any, path: str, what: str, most: int) -> Sequence[Any]:
    if not isinstance(items, list | tuple):
        return ()
    require_at_most(len(items), path, what, most)
    return items


def _limit_fields(node: Any, path: str) -> None:
    if isinstance(node, Mapping):
        require_at_most(len(node), path, "fields", MAX_FIELDS)


def require_at_most(count: int, path: str, what: str, most: int) -> None:
    """Refuse more than `most` of something."""
    if count > most:
        raise _too_many(path, count, what, most)


def _too_many(path: str, count: int, what: str, most: int) -> DraftRejected:
    return DraftRejected(path, f"has {count} {what}, at most {most} are rendered")
