"""What was done to sound and texts, in words."""

from nemolocal_contract.describe.labels import (
    COLOR_LABELS,
    POSITION_LABELS,
    Language,
    format_percent,
    translate_label,
)

from ..intents import (
    AddMusic,
    AddTitle,
    ChangeTitle,
    DuckMusic,
    Fade,
    RemoveMusic,
    RemoveTitle,
    SetVolume,
)
from .phrasing import format_length, format_selector, format_span, in_language, quote

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
    "music": ("the background music", "背景音乐"),
    "title": ("the title", "标题"),
}


def describe_set_volume(edit: SetVolume, tongue: Language) -> str:
    """Louder, quieter, muted."""
    whose = in_language(tongue, *_AUDIO_TARGETS[edit.target])
    if edit.selector != SetVolume().selector:
        clip = format_selector(edit.selector, tongue, "clip", ("", ""))
        whose = in_language(tongue, f"the sound of {clip}", clip)
    if edit.volume is None:
        change = f"{1 if edit.change is None else edit.change:g}"
        return in_language(
            tongue,
            f"made {whose} {change} times as loud",
            f"把{whose}的音量调到原来的{change}倍",
        )
    if edit.volume == 0:
        return in_language(tongue, f"muted {whose}", f"把{whose}静音了")
    share = format_percent(edit.volume)
    return in_language(tongue, f"set {whose} to {share}% volume", f"把{whose}的音量调到{share}%")


def describe_add_music(edit: AddMusic, tongue: Language) -> str:
    """Background music: what kind, how loud."""
    mood = in_language(tongue, *_MOODS.get(edit.mood, (edit.mood, edit.mood))) if edit.mood else ""
    what = in_language(tongue, f"{mood} background music".strip(), f"{mood}背景音乐")
    if edit.name is not None:
        name = quote(edit.name, tongue)
        what = in_language(tongue, f"{name} as background music", f"背景音乐{name}")
    parts = [in_language(tongue, f"added {what}", f"添加了{what}")]
    if edit.volume is not None:
        share = format_percent(edit.volume)
        parts.append(in_language(tongue, f" at {share}% volume", f"，音量{share}%"))
    if edit.duck:
        parts.append(in_language(tongue, ", quieter under the voice", "，有人声时自动降低"))
    return "".join(parts)


def describe_duck_music(_edit: DuckMusic, tongue: Language) -> str:
    """Music under the voice."""
    return in_language(
        tongue,
        "made the background music quieter while the clips have sound",
        "让背景音乐在有人声时自动降低",
    )


def describe_remove_music(_edit: RemoveMusic, tongue: Language) -> str:
    """No music any more."""
    return in_language(tongue, "removed the background music", "移除了背景音乐")


def describe_fade(edit: Fade, tongue: Language) -> str:
    """Fades."""
    way, whose = (
        in_language(tongue, *_FADE_KINDS[edit.way]),
        in_language(tongue, *_FADE_TARGETS[edit.target]),
    )
    if edit.selector != Fade("in").selector:
        whose = format_selector(edit.selector, tongue, "clip", ("", ""))
    if edit.duration_ms is None:
        return in_language(tongue, f"gave {whose} {way}", f"给{whose}加了{way}")
    length = format_length(edit.duration_ms, tongue)
    return in_language(tongue, f"gave {whose} {way} of {length}", f"给{whose}加了{length}的{way}")


def describe_add_title(edit: AddTitle, tongue: Language) -> str:
    """A text, with what was said of its looks."""
    looks = _style_details(edit, tongue)
    if edit.span is not None:
        looks.append(format_span(edit.span, tongue))
    text = quote(edit.text, tongue)
    if not looks:
        return in_language(tongue, f"added the title {text}", f"添加了标题{text}")
    return in_language(
        tongue,
        f"added the title {text} ({', '.join(looks)})",
        f"添加了标题{text}（{'，'.join(looks)}）",
    )


def _style_details(edit: AddTitle | ChangeTitle, tongue: Language) -> list[str]:
    looks = []
    if edit.color is not None:
        looks.append(translate_label(COLOR_LABELS, edit.color, tongue))
    if edit.position is not None:
        looks.append(translate_label(POSITION_LABELS, edit.position, tongue))
    if edit.size is not None:
        looks.append(in_language(tongue, f"size {edit.size}", f"字号{edit.size}"))
    return looks


def describe_change_title(edit: ChangeTitle, tongue: Language) -> str:
    """What is different of titles that were there."""
    what = format_selector(edit.selector, tongue, "title", ("the title", "标题"))
    news = [] if edit.text is None else [quote(edit.text, tongue)]
    news += _style_details(edit, tongue)
    if edit.grow is not None:
        news.append(
            in_language(tongue, f"{edit.grow:g} times as large", f"大小为原来的{edit.grow:g}倍")
        )
    if edit.span is not None:
        news.append(format_span(edit.span, tongue))
    listed = ("，" if tongue == "zh" else ", ").join(news)
    if not listed:
        return in_language(tongue, f"changed {what}", f"修改了{what}")
    return in_language(tongue, f"changed {what} (now {listed})", f"修改了{what}（现为{listed}）")


def describe_remove_title(edit: RemoveTitle, tongue: Language) -> str:
    """Texts taken away."""
    everything = ("the subtitles", "字幕") if edit.subtitles else ("the titles", "标题")
    what = format_selector(edit.selector, tongue, "title", everything)
    return in_language(tongue, f"removed {what}", f"移除了{what}")
