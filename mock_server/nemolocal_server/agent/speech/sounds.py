"""What was done to sound and texts, in words."""

from nemolocal_contract.summary.words import COLORS, POSITIONS, Tongue, percent, word

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
from .reach import either, length_words, quoted, span_words, which_words

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
_WHOSE = {
    "all": ("the sound", "整体"),
    "video": ("the video's own sound", "视频原声"),
    "music": ("the background music", "背景音乐"),
}
_WAYS = {
    "in": ("a fade in", "淡入"),
    "out": ("a fade out", "淡出"),
    "both": ("a fade in and a fade out", "淡入和淡出"),
}
_FADED = {
    "all": ("the video", "视频"),
    "picture": ("the picture", "画面"),
    "music": ("the background music", "背景音乐"),
    "title": ("the title", "标题"),
}


def tell_volume(edit: SetVolume, tongue: Tongue) -> str:
    """Louder, quieter, muted."""
    whose = either(tongue, *_WHOSE[edit.target])
    if edit.which != SetVolume().which:
        clip = which_words(edit.which, tongue, "clip", ("", ""))
        whose = either(tongue, f"the sound of {clip}", clip)
    if edit.volume is None:
        change = f"{1 if edit.change is None else edit.change:g}"
        return either(
            tongue,
            f"made {whose} {change} times as loud",
            f"把{whose}的音量调到原来的{change}倍",
        )
    if edit.volume == 0:
        return either(tongue, f"muted {whose}", f"把{whose}静音了")
    share = percent(edit.volume)
    return either(tongue, f"set {whose} to {share}% volume", f"把{whose}的音量调到{share}%")


def tell_music(edit: AddMusic, tongue: Tongue) -> str:
    """Background music: what kind, how loud."""
    mood = either(tongue, *_MOODS.get(edit.mood, (edit.mood, edit.mood))) if edit.mood else ""
    what = either(tongue, f"{mood} background music".strip(), f"{mood}背景音乐")
    if edit.name is not None:
        name = quoted(edit.name, tongue)
        what = either(tongue, f"{name} as background music", f"背景音乐{name}")
    parts = [either(tongue, f"added {what}", f"添加了{what}")]
    if edit.volume is not None:
        share = percent(edit.volume)
        parts.append(either(tongue, f" at {share}% volume", f"，音量{share}%"))
    if edit.duck:
        parts.append(either(tongue, ", quieter under the voice", "，有人声时自动降低"))
    return "".join(parts)


def tell_duck(_edit: DuckMusic, tongue: Tongue) -> str:
    """Music under the voice."""
    return either(
        tongue,
        "made the background music quieter while the clips have sound",
        "让背景音乐在有人声时自动降低",
    )


def tell_remove_music(_edit: RemoveMusic, tongue: Tongue) -> str:
    """No music any more."""
    return either(tongue, "removed the background music", "移除了背景音乐")


def tell_fade(edit: Fade, tongue: Tongue) -> str:
    """Fades."""
    way, whose = either(tongue, *_WAYS[edit.way]), either(tongue, *_FADED[edit.target])
    if edit.which != Fade("in").which:
        whose = which_words(edit.which, tongue, "clip", ("", ""))
    if edit.duration_ms is None:
        return either(tongue, f"gave {whose} {way}", f"给{whose}加了{way}")
    length = length_words(edit.duration_ms, tongue)
    return either(tongue, f"gave {whose} {way} of {length}", f"给{whose}加了{length}的{way}")


def tell_title(edit: AddTitle, tongue: Tongue) -> str:
    """A text, with what was said of its looks."""
    looks = _looks(edit, tongue)
    if edit.span is not None:
        looks.append(span_words(edit.span, tongue))
    text = quoted(edit.text, tongue)
    if not looks:
        return either(tongue, f"added the title {text}", f"添加了标题{text}")
    return either(
        tongue,
        f"added the title {text} ({', '.join(looks)})",
        f"添加了标题{text}（{'，'.join(looks)}）",
    )


def _looks(edit: AddTitle | ChangeTitle, tongue: Tongue) -> list[str]:
    looks = []
    if edit.color is not None:
        looks.append(word(COLORS, edit.color, tongue))
    if edit.position is not None:
        looks.append(word(POSITIONS, edit.position, tongue))
    if edit.size is not None:
        looks.append(either(tongue, f"size {edit.size}", f"字号{edit.size}"))
    return looks


def tell_change_title(edit: ChangeTitle, tongue: Tongue) -> str:
    """What is different of titles that were there."""
    what = which_words(edit.which, tongue, "title", ("the title", "标题"))
    news = [] if edit.text is None else [quoted(edit.text, tongue)]
    news += _looks(edit, tongue)
    if edit.grow is not None:
        news.append(either(tongue, f"{edit.grow:g} times as large", f"大小为原来的{edit.grow:g}倍"))
    if edit.span is not None:
        news.append(span_words(edit.span, tongue))
    listed = ("，" if tongue == "zh" else ", ").join(news)
    if not listed:
        return either(tongue, f"changed {what}", f"修改了{what}")
    return either(tongue, f"changed {what} (now {listed})", f"修改了{what}（现为{listed}）")


def tell_remove_title(edit: RemoveTitle, tongue: Tongue) -> str:
    """Texts taken away."""
    everything = ("the subtitles", "字幕") if edit.subtitles else ("the titles", "标题")
    what = which_words(edit.which, tongue, "title", everything)
    return either(tongue, f"removed {what}", f"移除了{what}")
