"""Tries the changes of a reply on a made-up session, so that nonsense is refused when it is loaded.

What depends on a real session, such as the number of its clips, shows when the reply is used.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nemolocal_agent import (
    PENDING,
    AddMusic,
    Edit,
    EditRejected,
    Generate,
    Media,
    MediaPool,
    apply_edits,
)
from nemolocal_agent.intents import AddSound, PlaceUploads, RemoveSounds
from nemolocal_agent.tool_calls import is_undo_or_redo
from nemolocal_contract.audio_effects import sound_rows
from nemolocal_contract.draft import Draft, draft_from_wire, find_excess
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import DraftRejected, MediaSource, plan_render
from nemolocal_render.synthetic.sample_media import MOODS
from nemolocal_render.synthetic.scene_clips import SCENES

from ..turns.draft_service import find_rejection
from .reply_spec import ReplyError

# Stands for any file that a session may have: long enough, with picture and sound.
_SECONDS = 36_000.0
_VIDEO = MediaInfo("video", "mp4", _SECONDS, 1280, 720, 30.0, video_codec="h264", audio_codec="aac")
_LUT = MediaInfo("lut", "cube", lut="3d")
_CLIP = "clip.mp4"
_CLIP_MS = 60_000


def try_edits(edits: Sequence[Edit]) -> None:
    """Raise `ReplyError` with the path of an edit that no session could have."""
    pool = MediaPool((Media(_CLIP, _CLIP, "video", _CLIP_MS, True),))
    draft = apply_edits([PlaceUploads()], Draft(), pool)
    for number, edit in enumerate(edits):
        path = f"edits[{number}]"
        _check_names(edit, path)
        if is_undo_or_redo(edit):
            continue
        try:
            after = apply_edits([edit], draft, pool)
        except EditRejected:
            continue  # it depends on the session
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ReplyError(path, f"cannot be done: {error}") from error
        rejection = find_rejection(after, _sources(after))
        if rejection is not None:
            raise ReplyError(path, f"could not be exported: {rejection.reason}")


def try_draft(wire: dict[str, Any]) -> None:
    """Raise `ReplyError` for a draft that could not be exported whatever the session has."""
    if excess := find_excess(wire):
        raise ReplyError("draft", excess)
    draft = draft_from_wire(wire)
    if "t" in draft.extra:
        raise ReplyError("draft.t", "must be a list of objects")
    if not draft.ready:
        return
    try:
        plan_render(draft, _sources(draft))
    except DraftRejected as error:
        raise ReplyError("draft", f"could not be exported: {error}") from error


def try_patch(patch: Sequence[dict[str, Any]]) -> None:
    """Raise `ReplyError` for an invalid JSON Patch (RFC 6902)."""
    from jsonpatch import JsonPatch, JsonPatchException, JsonPointerException

    for number, operation in enumerate(patch):
        try:
            JsonPatch([operation])
        except (JsonPatchException, JsonPointerException, TypeError, KeyError) as error:
            raise ReplyError(f"draft_patch[{number}]", f"is not a JSON Patch: {error}") from error
        if excess := find_excess(operation):
            raise ReplyError(f"draft_patch[{number}]", excess)


def _check_names(edit: Edit, path: str) -> None:
    if isinstance(edit, AddMusic) and edit.mood is not None and edit.mood not in MOODS:
        raise ReplyError(path, f"unknown mood {edit.mood!r}; known are {', '.join(MOODS)}")
    if isinstance(edit, AddSound | RemoveSounds) and edit.name not in (None, *sound_rows()):
        known = ", ".join(sound_rows())
        raise ReplyError(path, f"unknown sound {edit.name!r}; known are {known}")
    if isinstance(edit, Generate):
        if edit.scene not in SCENES:
            raise ReplyError(path, f"unknown scene {edit.scene!r}; known are {', '.join(SCENES)}")
        if not 0 < edit.seconds <= 60:
            raise ReplyError(path, f"seconds must be from 0 to 60, not {edit.seconds}")


def _sources(draft: Draft) -> dict[str, MediaSource]:
    luts = dict.fromkeys(_lut_names(draft), MediaSource(Path(_CLIP), _LUT))
    return dict.fromkeys(_source_names(draft), MediaSource(Path(_CLIP), _VIDEO)) | luts


def _source_names(draft: Draft) -> Iterator[str]:
    yield PENDING
    for track in draft.tracks or ():
        for segment in track.segments or ():
            if segment.source is not None:
                yield segment.source


def _lut_names(draft: Draft) -> Iterator[str]:
    for track in draft.tracks or ():
        for segment in track.segments or ():
            for effect in segment.effects or ():
                name = effect.get("source")
                if effect.get("type") == "lut" and isinstance(name, str):
                    yield name
