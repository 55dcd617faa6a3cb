"""The texts of the backend, in English and Chinese.

A reply says first what was done. What follows refers to a GUI with buttons (SSE-10), and clients
must translate it.
"""

from collections.abc import Callable
from typing import Any

from nemolocal_contract.describe import describe_timeline
from nemolocal_contract.describe.descriptions import Language, parse_language
from nemolocal_contract.draft import Draft

from .. import intents
from ..intents import Edit, NoEdit
from . import audio_replies, clip_replies, title_replies, visual_replies
from .gui_hints import choose_gui_hint
from .no_edit_replies import reply_about
from .phrasing import in_language

_DESCRIBERS: dict[type[Edit], Callable[[Any, Language], str]] = {
    intents.PlaceUploads: clip_replies.describe_place_uploads,
    intents.KeepSpan: clip_replies.describe_keep_span,
    intents.RemoveSpan: clip_replies.describe_remove_span,
    intents.RemoveClip: clip_replies.describe_remove_clip,
    intents.Split: clip_replies.describe_split,
    intents.MoveClip: clip_replies.describe_move_clip,
    intents.SwapClips: clip_replies.describe_swap_clips,
    intents.ReverseOrder: clip_replies.describe_reverse_order,
    intents.Merge: clip_replies.describe_merge,
    intents.Loop: clip_replies.describe_loop,
    intents.Slideshow: clip_replies.describe_slideshow,
    intents.SetSpeed: clip_replies.describe_set_speed,
    intents.Undo: clip_replies.describe_undo,
    intents.Redo: clip_replies.describe_redo,
    intents.StartOver: clip_replies.describe_start_over,
    intents.SetVolume: audio_replies.describe_set_volume,
    intents.AddMusic: audio_replies.describe_add_music,
    intents.DuckMusic: audio_replies.describe_duck_music,
    intents.RemoveMusic: audio_replies.describe_remove_music,
    intents.Fade: audio_replies.describe_fade,
    intents.AddTitle: title_replies.describe_add_title,
    intents.ChangeTitle: title_replies.describe_change_title,
    intents.RemoveTitle: title_replies.describe_remove_title,
    intents.SetAspect: visual_replies.describe_set_aspect,
    intents.SetFit: visual_replies.describe_set_fit,
    intents.SetResolution: visual_replies.describe_set_resolution,
    intents.SetFrameRate: visual_replies.describe_set_frame_rate,
    intents.ApplyEffect: visual_replies.describe_apply_effect,
    intents.RemoveEffects: visual_replies.describe_remove_effects,
    intents.AddTransition: visual_replies.describe_add_transition,
    intents.RemoveTransitions: visual_replies.describe_remove_transitions,
    intents.AddOverlay: visual_replies.describe_add_overlay,
    intents.RemoveOverlays: visual_replies.describe_remove_overlays,
    intents.Compress: visual_replies.describe_compress,
    intents.Generate: visual_replies.describe_generate,
}


def write_edit_reply(
    edits: tuple[Edit, ...], draft: Draft, language: str, chance: float | None
) -> str:
    """What was done, the new timeline, and a GUI hint.

    `chance`, drawn for the turn from [0, 1), selects the hint; None leaves it out.
    """
    reply_language = parse_language(language)
    did = [_describe_edit(edit, draft, reply_language) for edit in edits]
    screen = "" if chance is None else choose_gui_hint(edits, reply_language, chance)
    state = describe_timeline(draft, language).rstrip(":：")
    return in_language(
        reply_language,
        f"Done! I {', then '.join(did)}. {state}. {screen}".rstrip(),
        f"完成！我{'，并'.join(did)}。{state}。{screen}",
    )


def _describe_edit(edit: Edit, draft: Draft, language: Language) -> str:
    if isinstance(edit, intents.AddSubtitles):
        return title_replies.describe_add_subtitles(edit, draft, language)
    return _DESCRIBERS[type(edit)](edit, language)


def write_no_edit_reply(no_edit: NoEdit, language: str, message: str, *, gui: bool = True) -> str:
    """The reply to a message that asks for no edit, in the language of the session."""
    return reply_about(no_edit, parse_language(language), message, gui=gui)


def write_failure_reply(reason: str, language: str, *, gui: bool = True) -> str:
    """The reply when an edit is rejected; `reason` is already in this language."""
    why = reason.rstrip(" .。")
    if not gui:
        return in_language(
            parse_language(language),
            f"I could not do that: {why}. Nothing was changed.",
            f"无法完成：{why}。没有做任何修改。",
        )
    return in_language(
        parse_language(language),
        f"I could not do that: {why}. Nothing was changed and nothing was charged.",
        f"无法完成：{why}。没有做任何修改，也没有扣除积分。",
    )
