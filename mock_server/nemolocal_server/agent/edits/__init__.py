"""Edits: an intent and a draft give a new draft. Pure.

After any edit no time is negative, nothing on a track overlaps, no segment goes past the end of its
source, the draft lasts as long as its last segment, and every id is there once. Times are
milliseconds. Fields that no edit knows are carried along (STA-4).
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from nemolocal_contract.draft import Draft

from .. import intents
from ..intents import Edit
from ..problems import CannotEdit
from ..timeline import main_track, retimed
from . import cuts, fades, layers, looks, order, placing, shape, sound, subtitles, titles
from .material import LONGEST_MUSIC_MS, MUSIC_TITLES, USUAL_MOOD, Material, Media
from .sound import USUAL_VOLUME, choose_sound

__all__ = [
    "LONGEST_MUSIC_MS",
    "MUSIC_TITLES",
    "USUAL_MOOD",
    "USUAL_VOLUME",
    "CannotEdit",
    "Material",
    "Media",
    "apply_edits",
    "choose_sound",
    "placed_unasked",
]

_EDITORS: dict[type, Callable[[Draft, Any, Material], Draft]] = {
    intents.PlaceUploads: placing.place_uploads,
    intents.Generate: placing.add_generated,
    intents.Slideshow: placing.slideshow,
    intents.Keep: cuts.keep,
    intents.Split: cuts.split,
    intents.Loop: cuts.loop,
    intents.SetSpeed: cuts.set_speed,
    intents.MoveClip: order.move,
    intents.SwapClips: order.swap,
    intents.ReverseOrder: order.reverse,
    intents.Merge: order.merge,
    intents.SetVolume: sound.set_volume,
    intents.AddMusic: sound.add_music,
    intents.DuckMusic: sound.duck_music,
    intents.RemoveMusic: sound.remove_music,
    intents.Fade: fades.fade,
    intents.AddTitle: titles.add_title,
    intents.ChangeTitle: titles.change_title,
    intents.RemoveTitle: titles.remove_title,
    intents.AddSubtitles: subtitles.add_subtitles,
    intents.SetAspect: shape.set_aspect,
    intents.SetFit: shape.set_fit,
    intents.SetResolution: shape.set_resolution,
    intents.SetFrameRate: shape.set_frame_rate,
    intents.Compress: shape.compress,
    intents.StartOver: shape.start_over,
    intents.ApplyEffect: looks.apply_effect,
    intents.RemoveEffects: looks.remove_effects,
    intents.AddTransition: looks.add_transition,
    intents.RemoveTransitions: looks.remove_transitions,
    intents.AddOverlay: layers.add_overlay,
    intents.RemoveOverlays: layers.remove_overlays,
}

_REMOVALS = (intents.Remove, intents.RemoveClip)
# These know by themselves what an empty timeline needs.
_AT_HOME_ON_NOTHING = (
    intents.PlaceUploads,
    intents.Generate,
    intents.Slideshow,
    intents.Merge,
    intents.AddOverlay,
    intents.StartOver,
)


def apply_edits(edits: Iterable[Edit], draft: Draft, material: Material) -> Draft:
    """The draft after the edits, in order; raises `CannotEdit`, and then nothing has changed.

    `Undo` and `Redo` are none of them: they are `history`'s. An edit of a timeline without video
    puts the uploads on it first: "upload, then compress" is how the documents describe it (S0:56).
    Removals in a row are one: each means the timeline before the first of them.
    """
    for _, some in groupby(edits, lambda edit: isinstance(edit, _REMOVALS)):
        run = list(some)
        removals = [edit for edit in run if isinstance(edit, _REMOVALS)]
        if removals:
            draft = _with_video(draft, material)
            draft = retimed(cuts.remove_all(draft, removals, material))
            continue
        for edit in run:
            if not isinstance(edit, _AT_HOME_ON_NOTHING):
                draft = _with_video(draft, material)
            draft = retimed(_EDITORS[type(edit)](draft, edit, material))
    return draft


def placed_unasked(edits: Sequence[Edit], draft: Draft, material: Material) -> Draft | None:
    """The timeline with the uploads that these edits put on it first; None where they do not."""
    if main_track(draft) is not None or not edits or isinstance(edits[0], _AT_HOME_ON_NOTHING):
        return None
    return _with_video(draft, material)


def _with_video(draft: Draft, material: Material) -> Draft:
    if main_track(draft) is not None:
        return draft
    return retimed(placing.place_uploads(draft, intents.PlaceUploads(), material))
