"""The parts of responses that the contract knows, to be compared: all else may change each time."""

from collections.abc import Collection
from typing import Any

_NUMBERS_AND_TEXTS = "id s d src ss sp v txt fi fo".split()
# The names inside the objects of a segment (section 9 of the contract).
_NESTED = {
    "m": ("title", "width", "height", "fps"),
    "st": ("size", "color", "pos", "font"),
    "tr": ("type", "d"),
    "fx": ("type",),
}
_STATE_NAMES = ("session_id", "task_id", "task_name", "user_id")


def known_draft(draft: dict[str, Any]) -> dict[str, Any]:
    """Return a draft without the fields that the contract does not know."""
    tracks = [
        {
            **_only(track, ("tt", "id", "n")),
            "sg": [_known_segment(segment) for segment in track.get("sg") or ()],
        }
        for track in draft.get("t") or ()
    ]
    return {"t": tracks, "d": draft.get("d")}


def known_state(data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` of a state: what it names, its draft and the names of its uploads."""
    state = data.get("state")
    state = state if isinstance(state, dict) else {}
    draft, infos = state.get("draft"), state.get("video_infos")
    return {
        **_only(data, _STATE_NAMES),
        "draft": known_draft(draft) if isinstance(draft, dict) else draft,
        "uploads": [info.get("filename") for info in infos or () if isinstance(info, dict)],
    }


def _known_segment(segment: Any) -> Any:
    if not isinstance(segment, dict):
        return segment
    nested = {
        name: _only(segment[name], known) for name, known in _NESTED.items() if name in segment
    }
    return _only(segment, _NUMBERS_AND_TEXTS) | nested


def _only(value: Any, names: Collection[str]) -> Any:
    if isinstance(value, list):
        return [_only(held, names) for held in value]
    if not isinstance(value, dict):
        return value
    return {name: held for name, held in value.items() if name in names}
