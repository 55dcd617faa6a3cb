"""Drafts that scripts give: as a whole, or as a JSON Patch of the draft on the wire (RFC 6902)."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from nemolocal_contract.draft import Draft, Segment, draft_from_wire, draft_to_wire, find_excess

from ..errors import EditRejected
from ..intents import PatchDraft, ReplaceDraft
from ..timeline import MediaPool, clips_of, length_of, update_duration
from .video_rebuild import MAX_CLIPS, MAX_LENGTH_MS

MAX_DRAFT_BYTES = 4 * 1024 * 1024
"""The largest draft that a patch may make: each `copy` can double it."""
_replace = msgspec.structs.replace


def replace_draft(_: Draft, edit: ReplaceDraft, media_pool: MediaPool) -> Draft:
    """The given draft; `src`, and `source` of a LUT, may also be the name of an upload."""
    return _checked(draft_from_wire(edit.draft), media_pool)


def patch_draft(draft: Draft, edit: PatchDraft, media_pool: MediaPool) -> Draft:
    """The patched draft; raises `EditRejected` if the patch does not fit."""
    wire = msgspec.to_builtins(draft_to_wire(draft))  # types of tracks as numbers, as in JSON
    return _checked(draft_from_wire(apply_patch(wire, edit.patch)), media_pool)


def apply_patch(wire: Mapping[str, Any], patch: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the patched object; raises `EditRejected` with the reason."""
    # Only scripted replies need it.
    from jsonpatch import JsonPatch, JsonPatchException, JsonPointerException

    # Operations put their values into the document and then change them there.
    document, operations = copy.deepcopy((wire, patch))
    try:
        for operation in operations:
            document = JsonPatch([operation]).apply(document, in_place=True)
            if operation["op"] == "copy" and len(msgspec.json.encode(document)) > MAX_DRAFT_BYTES:
                raise EditRejected("cannot_patch", reason="the draft becomes too large")
            if excess := find_excess(document):
                raise EditRejected("cannot_patch", reason=f"the draft {excess}")
    except (JsonPatchException, JsonPointerException, TypeError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise EditRejected("cannot_patch", reason=reason) from error
    if not isinstance(document, dict):
        raise EditRejected("cannot_patch", reason="a draft is an object")
    return document


def _checked(draft: Draft, media_pool: MediaPool) -> Draft:
    """The draft with the ids of uploads that it names; raises `EditRejected` if it is too large."""
    uploads = {media.filename: media.id for media in media_pool.uploads}
    luts = {media.filename: media.id for media in media_pool.extras if media.kind == "lut"}

    def with_id(segment: Segment) -> Segment:
        effects = segment.effects and tuple(
            _with_lut_id(effect, luts) for effect in segment.effects
        )
        segment = _replace(segment, effects=effects)
        if segment.source is None or media_pool.find(segment.source) is not None:
            return segment
        return _replace(segment, source=uploads.get(segment.source, segment.source))

    tracks = draft.tracks and tuple(
        track
        if track.segments is None
        else _replace(track, segments=tuple(map(with_id, track.segments)))
        for track in draft.tracks
    )
    draft = update_duration(_replace(draft, tracks=tracks))
    if len(clips_of(draft)) > MAX_CLIPS:
        raise EditRejected("too_many_clips", most=MAX_CLIPS)
    if length_of(draft) > MAX_LENGTH_MS:
        raise EditRejected("too_long", hours=MAX_LENGTH_MS // 3_600_000)
    return draft


def _with_lut_id(effect: dict[str, Any], luts: Mapping[str, str]) -> dict[str, Any]:
    name = effect.get("source")
    if effect.get("type") != "lut" or not isinstance(name, str):
        return effect
    return {**effect, "source": luts.get(name, name)}
