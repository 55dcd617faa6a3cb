"""Replies about audio effects, sound effects, silence, captions and highlights."""

from nemolocal_contract.audio_effects import audio_effect_rows, sound_rows
from nemolocal_contract.describe.effect_descriptions import describe_audio_effect
from nemolocal_contract.describe.labels import Language
from nemolocal_contract.effects import AudioEffect

from ..intents import (
    AddCaptions,
    AddSound,
    ApplyAudioEffect,
    CutSilence,
    KeepHighlights,
    RemoveAudioEffects,
    RemoveSounds,
    ReplaceSound,
    TimelinePoint,
)
from .clip_replies import format_clips, format_length, format_point, in_language, quote

_PLACES = {
    "start": ("the start of the video", "视频开头"),
    "end": ("the end of the video", "视频结尾"),
    "ends": ("the start and the end of the video", "视频首尾"),
}


def _whose(edit: ApplyAudioEffect | RemoveAudioEffects, language: Language) -> str:
    if edit.target == "music":
        return in_language(language, "the background music", "背景音乐")
    return format_clips(edit.selector, language)


def describe_apply_audio_effect(edit: ApplyAudioEffect, language: Language) -> str:
    """An audio effect, and what it cannot do."""
    whose, row = _whose(edit, language), audio_effect_rows()[edit.name]
    effect = describe_audio_effect(AudioEffect(edit.name, edit.amount), language)
    done = in_language(
        language, f"changed the sound of {whose}: {effect}", f"调整了{whose}的声音：{effect}"
    )
    note = in_language(language, *row.note)
    return in_language(language, f"{done} ({note})", f"{done}（{note}）") if note else done


def describe_remove_audio_effects(edit: RemoveAudioEffects, language: Language) -> str:
    """Removed audio effects."""
    whose = _whose(edit, language)
    if edit.name is None:
        return in_language(
            language, f"removed all audio effects of {whose}", f"移除了{whose}的所有音频效果"
        )
    label = in_language(language, *audio_effect_rows()[edit.name].label)
    return in_language(language, f"removed {label} from {whose}", f"移除了{whose}的{label}")


def describe_add_sound(edit: AddSound, language: Language) -> str:
    """A sound effect and its place."""
    label = in_language(language, *sound_rows()[edit.name or ""].label)
    if edit.at_cuts:
        return in_language(language, f"added {label} at each cut", f"在每个剪辑点加了{label}")
    if edit.start == TimelinePoint(before_end=True):
        return in_language(language, f"added {label} at the end", f"在结尾加了{label}")
    place = format_point(edit.start, language)
    return in_language(language, f"added {label} at {place}", f"在{place}加了{label}")


def describe_remove_sounds(edit: RemoveSounds, language: Language) -> str:
    """Removed sound effects."""
    if edit.name is None:
        return in_language(language, "removed the sound effects", "移除了音效")
    label = in_language(language, *sound_rows()[edit.name].label)
    return in_language(language, f"removed {label}", f"移除了{label}")


def describe_replace_sound(edit: ReplaceSound, language: Language) -> str:
    """Other sound in the place of that of the clips."""
    name = quote(edit.name, language)
    return in_language(
        language,
        f"muted the clips and put the sound of {name} in its place",
        f"把片段静音，换成了{name}的声音",
    )


def describe_cut_silence(edit: CutSilence, language: Language) -> str:
    """Silence that was cut out, with the limits that were used."""
    length, level = format_length(edit.min_ms, language), f"{edit.level_db:g} dB"
    what = format_clips(edit.selector, language)
    if edit.place != "all":
        what = in_language(language, *_PLACES[edit.place])
    return in_language(
        language,
        f"cut out parts of {what} that are quieter than {level} for {length} or longer",
        f"剪掉了{what}里低于{level}且不短于{length}的部分",
    )


def describe_add_captions(edit: AddCaptions, language: Language) -> str:
    """Captions whose words are placeholders."""
    kind = in_language(
        language,
        "word captions" if edit.by_word else "captions",
        "逐字字幕" if edit.by_word else "字幕",
    )
    if edit.words:
        return in_language(
            language, f"added {kind} where there is sound", f"在有声音的地方添加了{kind}"
        )
    return in_language(
        language,
        f"added {kind} where there is sound; their words are placeholders, since speech is not "
        "recognized here: send the words as SRT to replace them",
        f"在有声音的地方添加了{kind}；文字只是占位，因为这里不识别语音，请发送SRT替换",
    )


def describe_keep_highlights(edit: KeepHighlights, language: Language) -> str:
    """Highlights, and how they were found."""
    length = "" if edit.duration_ms is None else format_length(edit.duration_ms, language)
    return in_language(
        language,
        f"kept {f'{length} of ' if length else ''}the loudest parts and those after scene changes; "
        "speech and content are not analyzed",
        f"保留了{length}声音最响和场景变化之后的部分；这里不理解说话和画面的内容",
    )
