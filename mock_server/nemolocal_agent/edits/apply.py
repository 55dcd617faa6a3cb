"""Applies edits to a draft, and builds the versions of a draft: undo and redo. Pure functions.

Every version is kept, the newest one counts. Undo adds a version with the content of an older one,
which points back to the undone version, so that an undo can be redone. All edits of a message, and
both stages of a generation, are one step. Each step of an undo or redo is a separate version.
Uploads that an edit placed on an empty timeline are a separate step before it: to undo a trim does
not remove the clip.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import msgspec

from nemolocal_contract.draft import Draft

from .. import intents
from ..errors import EditRejected
from ..intents import Edit, Redo, Undo
from ..timeline import MediaPool, main_track, update_duration
from . import (
    audio_edits,
    audio_effect_edits,
    clip_edits,
    composition_edits,
    content_edits,
    draft_edits,
    effect_edits,
    extra_upload_edits,
    format_edits,
    overlay_edits,
    stand_in_edits,
    title_edits,
)

_REMOVALS = (intents.RemoveSpan, intents.RemoveClip)
# These edits handle an empty timeline themselves.
_ALLOWED_ON_EMPTY = (
    intents.PlaceUploads,
    intents.Generate,
    intents.Slideshow,
    intents.Merge,
    intents.AddOverlay,
    intents.StartOver,
    intents.ReplaceDraft,
    intents.PatchDraft,
)
_Find = Callable[[int], "DraftVersion"]
_Apply = Callable[[Sequence[Edit], Draft], Draft]
_PlaceUploads = Callable[[Sequence[Edit], Draft], Draft | None]

_HANDLERS: dict[type, Callable[[Draft, Any, MediaPool], Draft]] = {
    intents.PlaceUploads: clip_edits.place_uploads,
    intents.Generate: clip_edits.add_generated,
    intents.Slideshow: clip_edits.add_slideshow,
    intents.KeepSpan: clip_edits.keep_span,
    intents.Split: clip_edits.split_clips,
    intents.Loop: clip_edits.loop_clips,
    intents.SetSpeed: clip_edits.set_speed,
    intents.MoveClip: clip_edits.move_clips,
    intents.SwapClips: clip_edits.swap_clips,
    intents.ReverseOrder: clip_edits.reverse_clips,
    intents.Merge: clip_edits.merge_clips,
    intents.SetVolume: audio_edits.set_volume,
    intents.AddMusic: audio_edits.add_music,
    intents.DuckMusic: audio_edits.duck_music,
    intents.RemoveMusic: audio_edits.remove_music,
    intents.Fade: audio_edits.add_fade,
    intents.AddTitle: title_edits.add_title,
    intents.ChangeTitle: title_edits.change_title,
    intents.RemoveTitle: title_edits.remove_title,
    intents.AddSubtitles: title_edits.add_subtitles,
    intents.AddSubtitleFile: extra_upload_edits.add_subtitle_file,
    intents.ApplyLut: extra_upload_edits.apply_lut,
    intents.SetAspect: format_edits.set_aspect,
    intents.SetFit: format_edits.set_fit,
    intents.SetResolution: format_edits.set_resolution,
    intents.SetFrameRate: format_edits.set_frame_rate,
    intents.Compress: format_edits.set_compression,
    intents.StartOver: format_edits.start_over,
    intents.SimulateEdit: stand_in_edits.simulate_edit,
    intents.ReplaceDraft: draft_edits.replace_draft,
    intents.PatchDraft: draft_edits.patch_draft,
    intents.ApplyEffect: effect_edits.apply_effect,
    intents.RemoveEffects: effect_edits.remove_effects,
    intents.AddTransition: effect_edits.add_transition,
    intents.RemoveTransitions: effect_edits.remove_transitions,
    intents.AddOverlay: overlay_edits.add_overlay,
    intents.RemoveOverlays: overlay_edits.remove_overlays,
    intents.RemoveWatermark: effect_edits.remove_watermark,
    intents.KeyOut: composition_edits.key_out,
    intents.SplitScreen: composition_edits.split_screen,
    intents.ApplyAudioEffect: audio_effect_edits.apply_audio_effect,
    intents.RemoveAudioEffects: audio_effect_edits.remove_audio_effects,
    intents.AddSound: audio_effect_edits.add_sound,
    intents.RemoveSounds: audio_effect_edits.remove_sounds,
    intents.ReplaceSound: audio_effect_edits.replace_sound,
    intents.CutSilence: content_edits.cut_silence,
    intents.AddCaptions: content_edits.add_captions,
    intents.KeepHighlights: content_edits.keep_highlights,
}


def apply_edits(edits: Iterable[Edit], draft: Draft, media_pool: MediaPool) -> Draft:
    """Apply the edits in order and return the new draft; raises `EditRejected`.

    `Undo` and `Redo` are handled by `build_versions`. An edit of a timeline without
    video places the uploads first: the documents describe "upload, then compress" (S0:56).
    Consecutive removals are applied at once, so that each refers to the timeline before the first
    of them.
    """
    for _, some in groupby(edits, lambda edit: isinstance(edit, _REMOVALS)):
        run = list(some)
        removals = [edit for edit in run if isinstance(edit, _REMOVALS)]
        if removals:
            draft = _ensure_video(draft, media_pool)
            draft = update_duration(clip_edits.remove_spans_and_clips(draft, removals, media_pool))
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
    if not edits or isinstance(edits[0], _ALLOWED_ON_EMPTY):
        return None
    placed = _ensure_video(draft, media_pool)
    return None if placed is draft else placed


def _ensure_video(draft: Draft, media_pool: MediaPool) -> Draft:
    if main_track(draft) is not None:
        return draft
    return update_duration(clip_edits.place_uploads(draft, intents.PlaceUploads(), media_pool))


class DraftVersion(msgspec.Struct, frozen=True):
    """A version of the draft; the numbers of a session start at 1.

    `turn` is the turn that made it (None for the initial draft), `undo_to` and `redo_to` are the
    versions that undo and redo go to.
    """

    number: int
    draft: Draft
    turn: int | None = None
    undo_to: int | None = None
    redo_to: int | None = None


def build_versions(
    edits: Iterable[Edit],
    newest: DraftVersion,
    turn: int,
    find: _Find,
    apply: _Apply,
    place_uploads: _PlaceUploads | None = None,
) -> list[DraftVersion]:
    """The versions that a turn adds, of which the last one counts; raises `EditRejected`.

    `newest` is the current version, `find` returns an older one by its number, `apply` edits a
    draft, and `place_uploads` returns the draft with the uploads that these edits place by
    themselves, or None. Undo after other edits of the same message undoes those first.
    """
    return _VersionBuilder(newest, turn, find, apply, place_uploads).build(edits)


class _VersionBuilder:
    def __init__(
        self,
        newest: DraftVersion,
        turn: int,
        find: _Find,
        apply: _Apply,
        place_uploads: _PlaceUploads | None,
    ) -> None:
        self._turn = turn
        self._find_old = find
        self._apply = apply
        # Uploads placed by a later stage belong to the same step.
        self._place_uploads = None if newest.turn == turn else place_uploads
        # All stages and versions of a turn are one undo step.
        self._before = newest.undo_to if newest.turn == turn else newest.number
        self._newest = newest
        self._added: list[DraftVersion] = []

    def build(self, edits: Iterable[Edit]) -> list[DraftVersion]:
        waiting: list[Edit] = []
        for edit in edits:
            if isinstance(edit, Undo | Redo):
                self._edit(waiting)
                waiting = []
                self._step(edit)
            else:
                waiting.append(edit)
        self._edit(waiting)
        return self._added

    def _edit(self, edits: Sequence[Edit]) -> None:
        if not edits:
            return
        placed = self._place_uploads and self._place_uploads(edits, self._newest.draft)
        if placed is not None:
            self._add(placed, self._before, None)
            self._before = self._newest.number
        self._add(self._apply(edits, self._newest.draft), self._before, None)

    def _step(self, edit: Undo | Redo) -> None:
        backwards = isinstance(edit, Undo)
        for done in range(max(edit.steps, 1)):
            to = self._newest.undo_to if backwards else self._newest.redo_to
            if to is None:
                word = "undo" if backwards else "redo"
                raise EditRejected(f"few_to_{word}" if done else f"nothing_to_{word}", count=done)
            target = self._find(to)
            redo_to = self._newest.number if backwards else target.redo_to
            self._add(target.draft, target.undo_to, redo_to)

    def _find(self, number: int) -> DraftVersion:
        added = (version for version in self._added if version.number == number)
        return next(added, None) or self._find_old(number)

    def _add(self, draft: Draft, undo_to: int | None, redo_to: int | None) -> None:
        number = self._newest.number + 1
        self._newest = DraftVersion(number, draft, self._turn, undo_to, redo_to)
        self._added.append(self._newest)
