"""What the backend does in a turn: its stages, and its tool calls with arguments and responses.

Generation has two stages: first the requested clip, then music and a title (SSE-8). The arguments
and responses of tool calls (SSE-2) are internal to the backend (CLI-6): public documents show the
names of two tools and none of their arguments. Everything else is graded A. Pure functions.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby, zip_longest
from typing import Any, Literal

import msgspec

from nemolocal_contract.draft import Draft, Segment, draft_to_wire
from nemolocal_contract.effects import effect_to_wire

from . import intents
from .intents import SELECT_ALL, Edit, Selector, TimelinePoint, TimelineSpan, first_span
from .timeline import clamp_span

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
    intents.Generate: "generate_video_with_seedance",
    intents.AddMusic: "generate_background_music",
    intents.AddSubtitles: "add_subtitles",
    intents.AddCaptions: "add_subtitles",
    intents.AddSubtitleFile: "add_subtitles",
    intents.SetAspect: "update_project_settings",
    intents.SetFit: "update_project_settings",
    intents.SetResolution: "update_project_settings",
    intents.SetFrameRate: "update_project_settings",
    intents.Compress: "update_project_settings",
    **dict.fromkeys((intents.Undo, intents.Redo, intents.StartOver), "restore_draft_version"),
}
# These take a list of operations, the others one edit.
_BATCH_TOOLS = ("edit_multitrack", "update_project_settings")

_TRACKS: dict[type[Edit], str] = {
    **dict.fromkeys((intents.AddTitle, intents.ChangeTitle, intents.RemoveTitle), "text"),
    intents.SimulateEdit: "text",
    **dict.fromkeys((intents.DuckMusic, intents.RemoveMusic), "audio"),
    **dict.fromkeys((intents.AddSound, intents.RemoveSounds, intents.ReplaceSound), "audio"),
}
ACTIONS: dict[type[Edit], str] = {
    intents.PlaceUploads: "place_uploads",
    intents.KeepSpan: "trim",
    intents.RemoveSpan: "cut",
    intents.RemoveClip: "remove_clip",
    intents.Split: "split",
    intents.MoveClip: "move_clip",
    intents.SwapClips: "swap_clips",
    intents.ReverseOrder: "reverse_order",
    intents.Merge: "merge",
    intents.Loop: "loop",
    intents.Slideshow: "slideshow",
    intents.SetSpeed: "set_speed",
    intents.SetVolume: "set_volume",
    intents.AddMusic: "add_music",
    intents.DuckMusic: "duck_music",
    intents.RemoveMusic: "remove_music",
    intents.Fade: "fade",
    intents.AddTitle: "add_title",
    intents.ChangeTitle: "change_title",
    intents.RemoveTitle: "remove_title",
    intents.AddSubtitles: "add_subtitles",
    intents.AddSubtitleFile: "add_subtitle_file",
    intents.ApplyLut: "apply_lut",
    intents.SetAspect: "set_aspect",
    intents.SetFit: "set_fit",
    intents.SetResolution: "set_resolution",
    intents.SetFrameRate: "set_frame_rate",
    intents.ApplyEffect: "apply_effect",
    intents.RemoveEffects: "remove_effects",
    intents.AddTransition: "add_transition",
    intents.RemoveTransitions: "remove_transitions",
    intents.AddOverlay: "add_overlay",
    intents.RemoveOverlays: "remove_overlays",
    intents.RemoveWatermark: "remove_watermark",
    intents.KeyOut: "chroma_key",
    intents.SplitScreen: "split_screen",
    intents.Compress: "compress",
    intents.Generate: "generate",
    intents.SimulateEdit: "simulate_edit",
    intents.ReplaceDraft: "replace_draft",
    intents.PatchDraft: "patch_draft",
    intents.ApplyAudioEffect: "apply_audio_effect",
    intents.RemoveAudioEffects: "remove_audio_effects",
    intents.AddSound: "add_sound",
    intents.RemoveSounds: "remove_sounds",
    intents.ReplaceSound: "replace_sound",
    intents.CutSilence: "cut_silence",
    intents.AddCaptions: "add_captions",
    intents.KeepHighlights: "keep_highlights",
    intents.Undo: "undo",
    intents.Redo: "redo",
    intents.StartOver: "start_over",
}
"""The `action` of each edit, written out so that renaming a class does not change the wire."""


# The music of a generated clip, by its scene.
_MOODS = {
    "sunset": "calm",
    "ocean": "ambient",
    "city": "upbeat",
    "forest": "calm",
    "night": "lofi",
    "snow": "calm",
    "fire": "epic",
    "space": "cinematic",
}
_DEFAULT_MOOD = "lofi"
_MUSIC_VOLUME = 0.35
_TITLE_SPAN = first_span(3000)
_MAX_TITLE_LENGTH = 80


def is_generation(edit: Edit) -> bool:
    """Whether the edit generates a clip."""
    return isinstance(edit, intents.Generate)


def is_editing(edit: Edit) -> bool:
    """Whether the edit is charged as editing: a generated clip has its own price, undo is free."""
    return not isinstance(edit, intents.Generate | intents.Undo | intents.Redo)


def is_undo_or_redo(edit: Edit) -> bool:
    """Whether the edit is an undo or a redo."""
    return isinstance(edit, intents.Undo | intents.Redo)


def split_stages(edits: tuple[Edit, ...]) -> tuple[tuple[Edit, ...], ...]:
    """The requested edits, and those that the backend adds by itself after generating a clip."""
    clip = next((edit for edit in edits if isinstance(edit, intents.Generate)), None)
    if clip is None:
        return (edits,)
    added: list[Edit] = []
    if not any(isinstance(edit, intents.AddMusic) for edit in edits):
        added.append(intents.AddMusic(_MOODS.get(clip.scene, _DEFAULT_MOOD), _MUSIC_VOLUME))
    if not any(isinstance(edit, intents.AddTitle) for edit in edits) and clip.prompt.strip():
        added.append(intents.AddTitle(clip.prompt.title()[:_MAX_TITLE_LENGTH], _TITLE_SPAN))
    return edits, tuple(added)


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
    if getattr(edit, "target", "") == "music" and not isinstance(edit, intents.Fade):
        return "audio"
    return _TRACKS.get(type(edit), "video")


@cache
def _fields(kind: type[Edit]) -> dict[str, Any]:
    """The fields of an edit with their defaults."""
    return {field.name: field.default for field in msgspec.structs.fields(kind)}


def _argument(name: str, value: Any, total: float | None) -> dict[str, Any]:
    if isinstance(value, TimelineSpan) and total is not None:
        start, end = clamp_span(value, total)
        return {"start_ms": start, "end_ms": end}
    if isinstance(value, Selector):
        return {"segment" if name == "selector" else name: _selector_argument(value)}
    if isinstance(value, TimelinePoint):
        return {name: _point_argument(value)}
    if name == "at":
        return {"at": [_point_argument(point) for point in value]}
    if isinstance(value, TimelineSpan):
        return {name: {"start": _point_argument(value.start), "end": _point_argument(value.end)}}
    if name == "effect":
        return {name: effect_to_wire(value)}
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
