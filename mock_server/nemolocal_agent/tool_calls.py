"""The tool calls of the backend: the tool for each edit, its arguments and its response (SSE-2).

The arguments and responses are internal to the backend (CLI-6): public documents show the names of
two tools and none of their arguments. Everything else is graded A. Pure functions.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby, zip_longest
from typing import Any, Literal

import msgspec

from nemolocal_contract.draft import Draft, Segment, draft_to_wire

from .intents import (
    SELECT_ALL,
    AddMusic,
    AddOverlay,
    AddSubtitles,
    AddTitle,
    AddTransition,
    ApplyEffect,
    ChangeTitle,
    Compress,
    DuckMusic,
    Edit,
    Fade,
    Generate,
    KeepSpan,
    Loop,
    Merge,
    MoveClip,
    PlaceUploads,
    Redo,
    RemoveClip,
    RemoveEffects,
    RemoveMusic,
    RemoveOverlays,
    RemoveSpan,
    RemoveTitle,
    RemoveTransitions,
    ReverseOrder,
    Selector,
    SetAspect,
    SetFit,
    SetFrameRate,
    SetResolution,
    SetSpeed,
    SetVolume,
    Slideshow,
    Split,
    StartOver,
    SwapClips,
    TimelinePoint,
    TimelineSpan,
    Undo,
)

ToolName = Literal[
    "edit_multitrack",
    "generate_video_with_seedance",
    "generate_background_music",
    "add_subtitles",
    "update_project_settings",
    "restore_draft_version",
]
EDIT_TOOL: ToolName = "edit_multitrack"

GRADES: dict[ToolName, Literal["documented", "assumed"]] = {
    "edit_multitrack": "documented",
    "generate_video_with_seedance": "documented",
    "generate_background_music": "assumed",
    "add_subtitles": "assumed",
    "update_project_settings": "assumed",
    "restore_draft_version": "assumed",
}
"""Whether a public document shows the name of the tool."""

_TOOLS: dict[type[Edit], ToolName] = {
    Generate: "generate_video_with_seedance",
    AddMusic: "generate_background_music",
    AddSubtitles: "add_subtitles",
    **dict.fromkeys(
        (SetAspect, SetFit, SetResolution, SetFrameRate, Compress), "update_project_settings"
    ),
    **dict.fromkeys((Undo, Redo, StartOver), "restore_draft_version"),
}
# These take a list of operations, the others one edit.
_BATCH_TOOLS = ("edit_multitrack", "update_project_settings")

_TRACKS: dict[type[Edit], str] = {
    **dict.fromkeys((AddTitle, ChangeTitle, RemoveTitle), "text"),
    **dict.fromkeys((DuckMusic, RemoveMusic), "audio"),
}
ACTIONS: dict[type[Edit], str] = {
    PlaceUploads: "place_uploads",
    KeepSpan: "trim",
    RemoveSpan: "cut",
    RemoveClip: "remove_clip",
    Split: "split",
    MoveClip: "move_clip",
    SwapClips: "swap_clips",
    ReverseOrder: "reverse_order",
    Merge: "merge",
    Loop: "loop",
    Slideshow: "slideshow",
    SetSpeed: "set_speed",
    SetVolume: "set_volume",
    AddMusic: "add_music",
    DuckMusic: "duck_music",
    RemoveMusic: "remove_music",
    Fade: "fade",
    AddTitle: "add_title",
    ChangeTitle: "change_title",
    RemoveTitle: "remove_title",
    AddSubtitles: "add_subtitles",
    SetAspect: "set_aspect",
    SetFit: "set_fit",
    SetResolution: "set_resolution",
    SetFrameRate: "set_frame_rate",
    ApplyEffect: "apply_effect",
    RemoveEffects: "remove_effects",
    AddTransition: "add_transition",
    RemoveTransitions: "remove_transitions",
    AddOverlay: "add_overlay",
    RemoveOverlays: "remove_overlays",
    Compress: "compress",
    Generate: "generate",
    Undo: "undo",
    Redo: "redo",
    StartOver: "start_over",
}
"""The `action` of each edit, written out so that renaming a class does not change the wire."""


class PlannedToolCall(msgspec.Struct, frozen=True):
    """A tool call: the edits that it makes, and the draft before and after them."""

    edits: tuple[Edit, ...]
    before: Draft
    after: Draft

    @property
    def tool(self) -> ToolName:
        """The name of the tool."""
        return _tool_of(self.edits[0])

    def args(self) -> dict[str, Any]:
        """The arguments of the call; times are in ms of the timeline before the edits."""
        operations = [_operation(edit, self.before) for edit in self.edits]
        return {"operations": operations} if self.tool in _BATCH_TOOLS else operations[0]

    def response(self) -> dict[str, Any]:
        """The response of the tool: the ids of the segments it changed, the new duration."""
        old, new = _segments(self.before, self.after), _segments(self.after, self.before)
        answer: dict[str, Any] = {
            "status": "success",
            "added": [key for key in new if key not in old],
            "removed": [key for key in old if key not in new],
            "changed": [key for key, segment in new.items() if old.get(key, segment) != segment],
            "duration_ms": self.after.duration_ms or 0,
        }
        if self.before.metadata != self.after.metadata:
            answer["settings"] = draft_to_wire(Draft(metadata=self.after.metadata)).get("m", {})
        return answer


def group_edits(edits: Iterable[Edit]) -> list[tuple[Edit, ...]]:
    """Group consecutive edits that one tool call makes."""
    groups: list[tuple[Edit, ...]] = []
    for tool, found in groupby(edits, key=_tool_of):
        together = tuple(found)
        groups += [together] if tool in _BATCH_TOOLS else [(edit,) for edit in together]
    return groups


def plan_tool_calls(
    groups: Sequence[tuple[Edit, ...]], drafts: Sequence[Draft]
) -> tuple[PlannedToolCall, ...]:
    """A tool call for each group; `drafts` are those before the first and after each of them."""
    steps = zip(groups, drafts, drafts[1:], strict=False)
    return tuple(PlannedToolCall(edits, before, after) for edits, before, after in steps)


def _tool_of(edit: Edit) -> ToolName:
    return _TOOLS.get(type(edit), EDIT_TOOL)


def _segments(draft: Draft, other: Draft) -> dict[str, Segment]:
    """Segments by their ids, or by their positions if they have none.

    Tracks that are the same object in the other draft are left out: they did not change.
    """
    pairs = zip_longest(draft.tracks or (), other.tracks or ())
    return {
        segment.id or f"{track_index}.{index}": segment
        for track_index, (track, counterpart) in enumerate(pairs)
        if track is not None and track is not counterpart
        for index, segment in enumerate(track.segments or ())
    }


def _operation(edit: Edit, draft: Draft) -> dict[str, Any]:
    """An edit as an LLM would send it: the action, the track, and each field that is set."""
    operation: dict[str, Any] = {"action": ACTIONS[type(edit)]}
    if _tool_of(edit) == EDIT_TOOL:
        operation["track"] = _track_of(edit)
    # Spans of one clip are relative to its start, so they are not resolved.
    total = (
        (draft.duration_ms or 0) if getattr(edit, "selector", SELECT_ALL) == SELECT_ALL else None
    )
    for name, default in _fields(type(edit)).items():
        value = getattr(edit, name)
        if value != default:
            operation |= _argument(name, value, total)
    return operation


def _track_of(edit: Edit) -> str:
    if isinstance(edit, SetVolume) and edit.target == "music":
        return "audio"
    return _TRACKS.get(type(edit), "video")


@cache
def _fields(kind: type[Edit]) -> dict[str, Any]:
    """The fields of an edit with their defaults."""
    return {field.name: field.default for field in msgspec.structs.fields(kind)}


def _argument(name: str, value: Any, total: float | None) -> dict[str, Any]:
    if isinstance(value, TimelineSpan) and total is not None:
        start, end = value.resolve(total)
        return {"start_ms": start, "end_ms": end}
    if isinstance(value, Selector):
        return {"segment" if name == "selector" else name: _selector_argument(value)}
    if name == "at":
        return {"at": [_point_argument(point) for point in value]}
    if isinstance(value, TimelineSpan):
        return {name: {"start": _point_argument(value.start), "end": _point_argument(value.end)}}
    built = msgspec.to_builtins(value)
    return {name: list(built) if isinstance(built, tuple) else built}


def _selector_argument(selector: Selector) -> dict[str, Any]:
    named: dict[str, Any] = {"number": selector.number, "name": selector.name}
    if selector.span is not None:
        named |= {
            "start": _point_argument(selector.span.start),
            "end": _point_argument(selector.span.end),
        }
    return {name: value for name, value in named.items() if value is not None}


def _point_argument(point: TimelinePoint) -> dict[str, Any]:
    amount = {"ms": point.ms} if point.share is None else {"share": point.share}
    return {**amount, "from": "end" if point.before_end else "start"}
