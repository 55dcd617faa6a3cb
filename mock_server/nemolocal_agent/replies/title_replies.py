"""Replies about titles, and about which subtitles are shown and which are not."""

from nemolocal_contract.describe.effect_descriptions import effect_label
from nemolocal_contract.describe.labels import (
    COLOR_LABELS,
    POSITION_LABELS,
    Language,
    translate_label,
)
from nemolocal_contract.describe.text_formats import format_seconds
from nemolocal_contract.draft import Draft
from nemolocal_contract.plurals import pluralize

from ..edits.title_edits import MAX_CUES_AT_ONCE, FittedCues, fit_cues
from ..intents import AddSubtitleFile, AddSubtitles, AddTitle, ChangeTitle, RemoveTitle
from ..timeline import length_of
from .clip_replies import format_selector, format_span, in_language, quote

# By the field of `FittedCues`: singular, plural, Chinese.
_OMISSION_REASONS: dict[str, tuple[str, str, str]] = {
    "past_end": ("comes after the end", "come after the end", "{}条在视频结尾之后"),
    "backwards": ("ends before it begins", "end before they begin", "{}条的时间是倒着的"),
    "empty": ("has no words", "have no words", "{}条没有文字"),
    "crowded": (
        f"would be more than {MAX_CUES_AT_ONCE} at once",
        f"would be more than {MAX_CUES_AT_ONCE} at once",
        f"{{}}条会使同时显示的超过{MAX_CUES_AT_ONCE}条",
    ),
}


def describe_add_title(edit: AddTitle, language: Language) -> str:
    """A new title with its style."""
    looks = _style_details(edit, language)
    if edit.span is not None:
        looks.append(format_span(edit.span, language))
    text = quote(edit.text, language)
    if not looks:
        return in_language(language, f"added the title {text}", f"添加了标题{text}")
    return in_language(
        language,
        f"added the title {text} ({', '.join(looks)})",
        f"添加了标题{text}（{'，'.join(looks)}）",
    )


_SHIFTS = {"up": "上移一格", "down": "下移一格", "left": "左移一格", "right": "右移一格"}


def describe_change_title(edit: ChangeTitle, language: Language) -> str:
    """A changed title: what is different."""
    what = format_selector(edit.selector, language, "title", ("the title", "标题"))
    news = [] if edit.text is None else [quote(edit.text, language)]
    news += _style_details(edit, language)
    if edit.grow is not None:
        news.append(
            in_language(language, f"{edit.grow:g} times as large", f"大小为原来的{edit.grow:g}倍")
        )
    if edit.shift is not None:
        news.append(in_language(language, f"one place {edit.shift}", _SHIFTS[edit.shift]))
    if edit.span is not None:
        news.append(format_span(edit.span, language))
    listed = ("，" if language == "zh" else ", ").join(news)
    if not listed:
        return in_language(language, f"changed {what}", f"修改了{what}")
    return in_language(language, f"changed {what} (now {listed})", f"修改了{what}（现为{listed}）")


def describe_remove_title(edit: RemoveTitle, language: Language) -> str:
    """Removed titles."""
    everything = ("the subtitles", "字幕") if edit.subtitles else ("the titles", "标题")
    what = format_selector(edit.selector, language, "title", everything)
    return in_language(language, f"removed {what}", f"移除了{what}")


def _style_details(edit: AddTitle | ChangeTitle, language: Language) -> list[str]:
    looks = []
    if edit.animation is not None:
        looks.append(effect_label(edit.animation, language))
    if edit.color is not None:
        looks.append(translate_label(COLOR_LABELS, edit.color, language))
    if edit.position is not None:
        looks.append(translate_label(POSITION_LABELS, edit.position, language))
    if edit.size is not None:
        looks.append(in_language(language, f"size {edit.size}", f"字号{edit.size}"))
    return looks


def describe_add_subtitles(edit: AddSubtitles, draft: Draft, language: Language) -> str:
    """Subtitles: how many, from when to when, how many were left out and why."""
    fitted = fit_cues(edit.cues, length_of(draft))
    shown = fitted.shown
    start = format_seconds(min((cue.start_ms for cue in shown), default=0))
    end = format_seconds(max((cue.end_ms for cue in shown), default=0))
    lines = pluralize(len(shown), "subtitle")
    file = quote(edit.file, language) if edit.file else ""
    added = in_language(
        language,
        f"added {lines}{file and f' from {file}'} ({start}-{end}s)",
        f"添加了{file and f'{file}的'}{len(shown)}条字幕（{start}-{end}秒）",
    )
    return f"{added}{_shortened_text(fitted, language)}{_omitted_text(fitted, language)}"


def describe_add_subtitle_file(edit: AddSubtitleFile, language: Language) -> str:
    """The subtitles of a file, where it is not known what is in it."""
    if edit.name is None:
        return in_language(language, "added the uploaded subtitles", "添加了上传的字幕")
    name = quote(edit.name, language)
    return in_language(language, f"added the subtitles from {name}", f"添加了{name}的字幕")


def _shortened_text(fitted: FittedCues, language: Language) -> str:
    count = fitted.shortened
    if not count:
        return ""
    return in_language(
        language, f", {count} of them cut at the end", f"，其中{count}条在视频结尾处截断"
    )


def _omitted_text(fitted: FittedCues, language: Language) -> str:
    counts = {reason: getattr(fitted, reason) for reason in _OMISSION_REASONS}
    said = [
        in_language(
            language,
            f"{count} that {_OMISSION_REASONS[reason][count > 1]}",
            _OMISSION_REASONS[reason][2],
        ).format(count)
        for reason, count in counts.items()
        if count
    ]
    if not said:
        return ""
    listed = "，".join(said) if language == "zh" else " and ".join(said)
    return in_language(language, f", and left out {listed}", f"，未添加：{listed}")
