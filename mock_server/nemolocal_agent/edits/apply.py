"""Applies edits to a draft: the handler of each edit, and what an empty timeline needs first."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from nemolocal_contract.draft import Draft

from .. import intents
from ..intents import Edit
from ..timeline import main_track, update_duration
from . import (
    audio_edits,
    cut_edits,
    effect_edits,
    fade_edits,
    format_edits,
    insert_edits,
    overlay_edits,
    reorder_edits,
    subtitle_edits,
    title_edits,
)
from .media_pool import MediaPool

_HANDLERS: dict[type, Callable[[Draft, Any, MediaPool], Draft]] = {
    intents.PlaceUploads: insert_edits.place_uploads,
    intents.Generate: insert_edits.add_generated,
    intents.Slideshow: insert_edits.add_slideshow,
    intents.KeepSpan: cut_edits.keep_span,
    intents.Split: cut_edits.split_clips,
    intents.Loop: cut_edits.loop_clips,
    intents.SetSpeed: cut_edits.set_speed,
    intents.MoveClip: reorder_edits.move_clips,
    intents.SwapClips: reorder_edits.swap_clips,
    intents.ReverseOrder: reorder_edits.reverse_clips,
    intents.Merge: reorder_edits.merge_clips,
    intents.SetVolume: audio_edits.set_volume,
    intents.AddMusic: audio_edits.add_music,
    intents.DuckMusic: audio_edits.duck_music,
    intents.RemoveMusic: audio_edits.remove_music,
    intents.Fade: fade_edits.add_fade,
    intents.AddTitle: title_edits.add_title,
    intents.ChangeTitle: title_edits.change_title,
    intents.RemoveTitle: title_edits.remove_title,
    intents.AddSubtitles: subtitle_edits.add_subtitles,
    intents.SetAspect: format_edits.set_aspect,
    intents.SetFit: format_edits.set_fit,
    intents.SetResolution: format_edits.set_resolution,
    intents.SetFrameRate: format_edits.set_frame_rate,
    intents.Compress: format_edits.set_compression,
    intents.StartOver: format_edits.start_over,
    intents.ApplyEffect: effect_edits.apply_effect,
    intents.RemoveEffects: effect_edits.remove_effects,
    intents.AddTransition: effect_edits.add_transition,
    intents.RemoveTransitions: effect_edits.remove_transitions,
    intents.AddOverlay: overlay_edits.add_overlay,
    intents.RemoveOverlays: overlay_edits.remove_overlays,
}

_REMOVALS = (intents.RemoveSpan, intents.RemoveClip)
# These edits handle an empty timeline themselves.
_ALLOWED_ON_EMPTY = (
    intents.PlaceUploads,
    intents.Generate,
    intents.Slideshow,
    intents.Merge,
    intents.AddOverlay,
    intents.StartOver,
)


def apply_edits(edits: Iterable[Edit], draft: Draft, media_pool: MediaPool) -> Draft:
    """Apply the edits in order and return the new draft; raises `EditRejected`.

    `Undo` and `Redo` are not handled here but in `undo_history`. An edit of a timeline without
    video places the uploads first: the documents describe "upload, then compress" (S0:56).
    Consecutive removals are applied at once, so that each refers to the timeline before the first
    of them.
    """
    for _, some in groupby(edits, lambda edit: isinstance(edit, _REMOVALS)):
        run = list(some)
        removals = [edit for edit in run if isinstance(edit, _REMOVALS)]
        if removals:
            draft = _ensure_video(draft, media_pool)
            draft = update_duration(cut_edits.remove_spans_and_clips(draft, removals, media_pool))
            continue
        for edit in run:
            if not isinstance(edit, _ALLOWED_ON_EMPTY):
                draft = _ensure_video(draft, media_pool)
            draft = update_duration(_HANDLERS[type(edit)](draft, edit, media_pool))
    return draft


def place_uploads_if_empty(
    edits: Sequence[Edit], draft: Draft, media_pool: MediaPool
) -> Draft | None:
    """The draft with the uploads that `apply_edits` would place first; None if it places none."""
    if main_track(draft) is not None or not edits or isinstance(edits[0], _ALLOWED_ON_EMPTY):
        return None
    return _ensure_video(draft, media_pool)


def _ensure_video(draft: Draft, media_pool: MediaPool) -> Draft:
    if main_track(draft) is not None:
        return draft
    return update_duration(insert_edits.place_uploads(draft, intents.PlaceUploads(), media_pool))
