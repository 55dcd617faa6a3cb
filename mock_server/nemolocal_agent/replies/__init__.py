"""The texts of the backend, in English and Chinese.

A reply says first what was done. What follows refers to a GUI with buttons (SSE-10), and clients
must translate it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from nemolocal_contract.describe import describe_timeline
from nemolocal_contract.describe.labels import Language, parse_language
from nemolocal_contract.draft import Draft

from .. import intents
from ..intents import Edit
from . import (
    audio_replies,
    clip_replies,
    composition_replies,
    gui_hints,
    sound_replies,
    stand_in_replies,
    structure_replies,
    title_replies,
    visual_replies,
)
from .clip_replies import in_language
from .no_edit_replies import write_failure_reply, write_no_edit_reply, write_remarks
from .stand_in_replies import write_declined_reply, write_question_reply

__all__ = [
    "write_declined_reply",
    "write_edit_reply",
    "write_failure_reply",
    "write_no_edit_reply",
    "write_question_reply",
    "write_remarks",
]

_DESCRIBERS: dict[type[Edit], Callable[[Any, Language], str]] = {
    intents.PlaceUploads: clip_replies.describe_place_uploads,
    intents.KeepSpan: clip_replies.describe_keep_span,
    intents.RemoveSpan: clip_replies.describe_remove_span,
    intents.RemoveClip: clip_replies.describe_remove_clip,
    intents.Split: clip_replies.describe_split,
    intents.MoveClip: clip_replies.describe_move_clip,
    intents.SwapClips: clip_replies.describe_swap_clips,
    intents.Loop: clip_replies.describe_loop,
    intents.Slideshow: clip_replies.describe_slideshow,
    intents.SetSpeed: clip_replies.describe_set_speed,
    intents.Undo: clip_replies.describe_undo,
    intents.Redo: clip_replies.describe_redo,
    intents.SetVolume: audio_replies.describe_set_volume,
    intents.AddMusic: audio_replies.describe_add_music,
    intents.Fade: audio_replies.describe_fade,
    intents.AddTitle: title_replies.describe_add_title,
    intents.ChangeTitle: title_replies.describe_change_title,
    intents.RemoveTitle: title_replies.describe_remove_title,
    intents.AddSubtitleFile: title_replies.describe_add_subtitle_file,
    intents.SetAspect: visual_replies.describe_set_aspect,
    intents.SetFit: visual_replies.describe_set_fit,
    intents.SetResolution: visual_replies.describe_set_resolution,
    intents.SetFrameRate: visual_replies.describe_set_frame_rate,
    intents.ApplyEffect: visual_replies.describe_apply_effect,
    intents.ApplyLut: visual_replies.describe_apply_lut,
    intents.RemoveEffects: visual_replies.describe_remove_effects,
    intents.AddTransition: visual_replies.describe_add_transition,
    intents.AddOverlay: visual_replies.describe_add_overlay,
    intents.KeyOut: composition_replies.describe_key_out,
    intents.SplitScreen: composition_replies.describe_split_screen,
    intents.Compress: visual_replies.describe_compress,
    intents.Generate: visual_replies.describe_generate,
    intents.SimulateEdit: stand_in_replies.describe_simulate_edit,
    intents.ApplyAudioEffect: sound_replies.describe_apply_audio_effect,
    intents.RemoveAudioEffects: sound_replies.describe_remove_audio_effects,
    intents.AddSound: sound_replies.describe_add_sound,
    intents.RemoveSounds: sound_replies.describe_remove_sounds,
    intents.ReplaceSound: sound_replies.describe_replace_sound,
    intents.CutSilence: sound_replies.describe_cut_silence,
    intents.AddCaptions: sound_replies.describe_add_captions,
    intents.KeepHighlights: sound_replies.describe_keep_highlights,
    intents.FreezeFrame: structure_replies.describe_freeze_frame,
    intents.Boomerang: structure_replies.describe_boomerang,
    intents.SpeedRamp: structure_replies.describe_speed_ramp,
    intents.InsertGap: structure_replies.describe_insert_gap,
    intents.ReplaceClip: structure_replies.describe_replace_clip,
    intents.ReverseSound: structure_replies.describe_reverse_sound,
    intents.AddCard: structure_replies.describe_add_card,
    intents.AddCountdown: structure_replies.describe_add_countdown,
    intents.AddTimer: structure_replies.describe_add_timer,
    intents.AddProgressBar: structure_replies.describe_add_progress_bar,
}
# The texts of edits without parameters, in English and Chinese.
_FIXED_TEXTS: dict[type[Edit], tuple[str, str]] = {
    intents.ReverseOrder: ("reversed the order of the clips", "把片段的顺序反转了"),
    intents.Merge: ("joined the clips one after another", "把所有片段依次合并了"),
    intents.StartOver: (
        "cleared the timeline; your uploads are still there",
        "清空了时间线，素材仍然保留",
    ),
    intents.DuckMusic: (
        "made the background music quieter while the clips have sound",
        "让背景音乐在有人声时自动降低",
    ),
    intents.RemoveMusic: ("removed the background music", "移除了背景音乐"),
    intents.RemoveTransitions: (
        "removed the transitions; the clips have hard cuts again",
        "移除了转场，恢复硬切",
    ),
    intents.ReplaceDraft: ("replaced the timeline", "替换了整个时间线"),
    intents.PatchDraft: ("changed the timeline", "修改了时间线"),
    intents.RemoveWatermark: (
        "removed the watermark; one in the footage is filled in from its surroundings",
        "移除了水印；拍进画面的水印由其边缘的画面填补",
    ),
    intents.SeamlessLoop: (
        "crossfaded the end into the start, so that the video loops without a jump",
        "让结尾叠化到开头，可以无缝循环播放",
    ),
    intents.ShuffleClips: ("shuffled the clips", "打乱了片段的顺序"),
    intents.RemoveTimer: ("removed the timer", "移除了计时器"),
    intents.RemoveProgressBar: ("removed the progress bar", "移除了进度条"),
    intents.RemoveOverlays: (
        "removed the picture-in-picture clips and the watermarks",
        "移除了画中画和水印",
    ),
}


def write_edit_reply(
    edits: tuple[Edit, ...],
    draft: Draft,
    language: str,
    chance: float | None,
    remarks: str = "",
) -> str:
    """What was done, the remarks, the new timeline, and a GUI hint.

    `chance`, drawn for the turn from [0, 1), selects the hint; None leaves it out. `remarks` are
    those of `write_remarks`.
    """
    reply_language = parse_language(language)
    did = [_describe_edit(edit, draft, reply_language) for edit in edits]
    screen = "" if chance is None else _choose_gui_hint(edits, reply_language, chance)
    state = describe_timeline(draft, language).rstrip(":：")
    return in_language(
        reply_language,
        f"Done! I {', then '.join(did)}.{remarks} {state}. {screen}".rstrip(),
        f"完成！我{'，并'.join(did)}。{remarks}{state}。{screen}",
    )


def _describe_edit(edit: Edit, draft: Draft, language: Language) -> str:
    if isinstance(edit, intents.AddSubtitles):
        return title_replies.describe_add_subtitles(edit, draft, language)
    if fixed := _FIXED_TEXTS.get(type(edit)):
        return in_language(language, *fixed)
    return _DESCRIBERS[type(edit)](edit, language)


def _choose_gui_hint(edits: Sequence[Edit], language: Language, chance: float) -> str:
    """A hint for the last edit; `chance`, from [0, 1), selects it."""
    tips, endings = gui_hints.HINTS.get(type(edits[-1]), gui_hints.CUTS), gui_hints.ENDINGS
    number = int(chance * len(tips) * len(endings))
    tip, ending = tips[number % len(tips)], endings[number // len(tips)]
    return in_language(language, f"{tip[0]} {ending[0]}", f"{tip[1]}{ending[1]}")
