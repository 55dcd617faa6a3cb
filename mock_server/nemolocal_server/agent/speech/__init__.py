"""What the backend says: texts that believe in a screen with buttons (SSE-10), in two languages.

What was done is said first and plainly; the GUI talk after it is what clients must translate.
"""

from collections.abc import Callable
from typing import Any

from nemolocal_contract.draft import Draft
from nemolocal_contract.summary import timeline
from nemolocal_contract.summary.words import Tongue, tongue_of

from .. import intents as wish
from ..intents import Edit, Talk
from . import cuts, pictures, sounds
from .answers import answer
from .reach import either
from .screen import point_at_screen
from .subtitles import tell_subtitles

_TELL: dict[type[Edit], Callable[[Any, Tongue], str]] = {
    wish.PlaceUploads: cuts.tell_place,
    wish.Keep: cuts.tell_keep,
    wish.Remove: cuts.tell_remove,
    wish.RemoveClip: cuts.tell_remove_clip,
    wish.Split: cuts.tell_split,
    wish.MoveClip: cuts.tell_move,
    wish.SwapClips: cuts.tell_swap,
    wish.ReverseOrder: cuts.tell_reverse_order,
    wish.Merge: cuts.tell_merge,
    wish.Loop: cuts.tell_loop,
    wish.Slideshow: cuts.tell_slideshow,
    wish.SetSpeed: cuts.tell_speed,
    wish.Undo: cuts.tell_undo,
    wish.Redo: cuts.tell_redo,
    wish.StartOver: cuts.tell_start_over,
    wish.SetVolume: sounds.tell_volume,
    wish.AddMusic: sounds.tell_music,
    wish.DuckMusic: sounds.tell_duck,
    wish.RemoveMusic: sounds.tell_remove_music,
    wish.Fade: sounds.tell_fade,
    wish.AddTitle: sounds.tell_title,
    wish.ChangeTitle: sounds.tell_change_title,
    wish.RemoveTitle: sounds.tell_remove_title,
    wish.SetAspect: pictures.tell_aspect,
    wish.SetFit: pictures.tell_fit,
    wish.SetResolution: pictures.tell_resolution,
    wish.SetFrameRate: pictures.tell_rate,
    wish.ApplyEffect: pictures.tell_effect,
    wish.RemoveEffects: pictures.tell_remove_effects,
    wish.AddTransition: pictures.tell_transition,
    wish.RemoveTransitions: pictures.tell_remove_transitions,
    wish.AddOverlay: pictures.tell_overlay,
    wish.RemoveOverlays: pictures.tell_remove_overlays,
    wish.Compress: pictures.tell_compress,
    wish.Generate: pictures.tell_generate,
}


def say_done(edits: tuple[Edit, ...], draft: Draft, language: str, chance: float | None) -> str:
    """What was done, the timeline that came of it, and what to click next.

    `chance`, from 0 up to 1 and drawn for the turn, chooses among the ways to point at the screen;
    with None nothing points at it.
    """
    tongue = tongue_of(language)
    did = [_tell(edit, draft, tongue) for edit in edits]
    screen = "" if chance is None else point_at_screen(edits, tongue, chance)
    state = timeline(draft, language).rstrip(":：")
    return either(
        tongue,
        f"Done! I {', then '.join(did)}. {state}. {screen}".rstrip(),
        f"完成！我{'，并'.join(did)}。{state}。{screen}",
    )


def _tell(edit: Edit, draft: Draft, tongue: Tongue) -> str:
    if isinstance(edit, wish.AddSubtitles):
        return tell_subtitles(edit, draft, tongue)
    return _TELL[type(edit)](edit, tongue)


def say_talk(talk: Talk, language: str, message: str, *, gui: bool = True) -> str:
    """The answer where there is nothing to do, in the session's language, to this message."""
    return answer(talk, tongue_of(language), message, gui=gui)


def say_failed(reason: str, language: str, *, gui: bool = True) -> str:
    """The answer where an edit is not possible; the reason is in the language already."""
    why = reason.rstrip(" .。")
    if not gui:
        return either(
            tongue_of(language),
            f"I could not do that: {why}. Nothing was changed.",
            f"无法完成：{why}。没有做任何修改。",
        )
    return either(
        tongue_of(language),
        f"I could not do that: {why}. Nothing was changed and nothing was charged.",
        f"无法完成：{why}。没有做任何修改，也没有扣除积分。",
    )
