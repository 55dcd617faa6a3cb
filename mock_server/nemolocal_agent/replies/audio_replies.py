"""Replies about volumes, music and fades."""

from nemolocal_contract.describe.labels import Language
from nemolocal_contract.describe.text_formats import format_percent

from ..intents import AddMusic, Fade, SetVolume
from .clip_replies import format_length, format_selector, in_language, quote

_MOODS = {
    "lofi": ("Lo-fi", "Lo-fi"),
    "upbeat": ("upbeat", "动感"),
    "calm": ("calm", "舒缓"),
    "ambient": ("ambient", "氛围"),
    "cinematic": ("cinematic", "电影感"),
    "happy": ("happy", "欢快"),
    "sad": ("sad", "伤感"),
    "epic": ("epic", "史诗"),
}
_AUDIO_TARGETS = {
    "all": ("the sound", "整体"),
    "video": ("the video's own sound", "视频原声"),
    "music": ("the background music", "背景音乐"),
}
_FADE_KINDS = {
    "in": ("a fade in", "淡入"),
    "out": ("a fade out", "淡出"),
    "both": ("a fade in and a fade out", "淡入和淡出"),
}
_FADE_TARGETS = {
    "all": ("the video", "视频"),
    "picture": ("the picture", "画面"),
    "sound": ("the sound", "声音"),
    "music": ("the background music", "背景音乐"),
    "title": ("the title", "标题"),
}


def describe_set_volume(edit: SetVolume, language: Language) -> str:
    """Volumes."""
    whose = in_language(language, *_AUDIO_TARGETS[edit.target])
    if edit.selector != SetVolume().selector:
        clip = format_selector(edit.selector, language, "clip", ("", ""))
        whose = in_language(language, f"the sound of {clip}", clip)
    if edit.volume is None:
        change = f"{1 if edit.change is None else edit.change:g}"
        return in_language(
            language,
            f"made {whose} {change} times as loud",
            f"把{whose}的音量调到原来的{change}倍",
        )
    if edit.volume == 0:
        return in_language(language, f"muted {whose}", f"把{whose}静音了")
    share = format_percent(edit.volume)
    return in_language(language, f"set {whose} to {share}% volume", f"把{whose}的音量调到{share}%")


def describe_add_music(edit: AddMusic, language: Language) -> str:
    """New background music: its mood or name, its volume."""
    mood = (
        in_language(language, *_MOODS.get(edit.mood, (edit.mood, edit.mood))) if edit.mood else ""
    )
    what = in_language(language, f"{mood} background music".strip(), f"{mood}背景音乐")
    if edit.name is not None:
        name = quote(edit.name, language)
        what = in_language(language, f"{name} as background music", f"背景音乐{name}")
    parts = [in_language(language, f"added {what}", f"添加了{what}")]
    if edit.volume is not None:
        share = format_percent(edit.volume)
        parts.append(in_language(language, f" at {share}% volume", f"，音量{share}%"))
    if edit.at_ms:
        start = format_length(edit.at_ms, language)
        parts.append(in_language(language, f" from {start} on", f"，从{start}开始"))
    if edit.skip_ms:
        skipped = format_length(edit.skip_ms, language)
        parts.append(
            in_language(language, f", without its first {skipped}", f"，跳过开头{skipped}")
        )
    if edit.duck:
        parts.append(in_language(language, ", quieter under the voice", "，有人声时自动降低"))
    return "".join(parts)


def describe_fade(edit: Fade, language: Language) -> str:
    """Fades."""
    kind, whose = (
        in_language(language, *_FADE_KINDS[edit.way]),
        in_language(language, *_FADE_TARGETS[edit.target]),
    )
    if edit.selector != Fade("in").selector:
        whose = format_selector(edit.selector, language, "clip", ("", ""))
    if edit.duration_ms is None:
        return in_language(language, f"gave {whose} {kind}", f"给{whose}加了{kind}")
    length = format_length(edit.duration_ms, language)
    return in_language(
        language, f"gave {whose} {kind} of {length}", f"给{whose}加了{length}的{kind}"
    )
