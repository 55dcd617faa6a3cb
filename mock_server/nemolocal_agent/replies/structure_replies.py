"""Replies about freeze frames, ramps, gaps, replaced clips, cards, timers and progress bars."""

from nemolocal_contract.describe.labels import COLOR_LABELS, Language, translate_label

from ..intents import (
    SELECT_ALL,
    TIMELINE_END,
    AddCard,
    AddCountdown,
    AddProgressBar,
    AddTimer,
    Boomerang,
    FreezeFrame,
    InsertGap,
    ReplaceClip,
    ReverseSound,
    Selector,
    SpeedRamp,
    TimelinePoint,
)
from .clip_replies import (
    format_clips,
    format_length,
    format_point,
    format_selector,
    in_language,
    quote,
)

_ROLES = {
    "intro": ("an intro card", "片头卡片"),
    "outro": ("an end card", "片尾卡片"),
    "card": ("a card", "卡片"),
    "credits": ("rolling credits", "滚动片尾字幕"),
}


def describe_freeze_frame(edit: FreezeFrame, language: Language) -> str:
    """A freeze frame: which, and how long."""
    length = format_length(edit.duration_ms, language)
    if edit.at == TIMELINE_END:
        frame = in_language(language, "the last frame", "最后一帧")
    else:
        at = format_point(edit.at, language)
        frame = in_language(language, f"the frame at {at}", f"{at}处的画面")
    if edit.selector != SELECT_ALL:
        clip = format_clips(edit.selector, language)
        frame = in_language(language, f"{frame} of {clip}", f"{clip}{frame}")
    return in_language(language, f"froze {frame} for {length}", f"把{frame}定格了{length}")


def describe_boomerang(edit: Boomerang, language: Language) -> str:
    """Forwards and backwards."""
    what = format_clips(edit.selector, language)
    return in_language(
        language, f"played {what} forwards and then backwards", f"让{what}正放后再倒放"
    )


def describe_speed_ramp(edit: SpeedRamp, language: Language) -> str:
    """From which speed to which."""
    what = format_clips(edit.selector, language)
    return in_language(
        language,
        f"ramped the speed of {what} from {edit.start:g}x to {edit.end:g}x",
        f"让{what}的速度从{edit.start:g}倍渐变到{edit.end:g}倍",
    )


def _place(at: TimelinePoint | None, selector: Selector, language: Language) -> str:
    """Where something was inserted; empty if the edit does not say."""
    if at == TIMELINE_END:
        return in_language(language, "at the end", "在结尾")
    if at == TimelinePoint():
        return in_language(language, "at the start", "在开头")
    if at is not None:
        point = format_point(at, language)
        return in_language(language, f"at {point}", f"在{point}处")
    if selector != SELECT_ALL:
        clip = format_selector(selector, language, "clip", ("", ""))
        return in_language(language, f"after {clip}", f"在{clip}之后")
    return ""


def describe_insert_gap(edit: InsertGap, language: Language) -> str:
    """A gap: how long and where."""
    length = format_length(edit.duration_ms, language)
    everywhere = in_language(language, "between all clips", "在所有片段之间")
    where = _place(edit.at, edit.selector, language) or everywhere
    return in_language(
        language, f"inserted {length} of black {where}", f"{where}插入了{length}黑屏"
    )


def describe_replace_clip(edit: ReplaceClip, language: Language) -> str:
    """Which clip, and its replacement."""
    clip = format_selector(edit.selector, language, "clip", ("the clip", "片段"))
    other = in_language(language, "the other upload", "另一个素材")
    name = other if edit.name is None else quote(edit.name, language)
    return in_language(language, f"replaced {clip} with {name}", f"把{clip}换成了{name}")


def describe_reverse_sound(edit: ReverseSound, language: Language) -> str:
    """Whose sound."""
    what = format_clips(edit.selector, language)
    return in_language(
        language,
        f"reversed the sound of {what} and kept the picture as it is",
        f"把{what}的声音倒放，画面不变",
    )


def describe_add_card(edit: AddCard, language: Language) -> str:
    """A card: what it says, how long and where it stands."""
    card = in_language(language, *_ROLES[edit.role])
    if edit.color != "black":
        color = translate_label(COLOR_LABELS, edit.color, language)
        card = in_language(language, f"{card} in {color}", f"{color}{card}")
    if edit.text:
        text = quote(edit.text, language)
        card = in_language(language, f"{card} that says {text}", f"写着{text}的{card}")
    elif edit.role == "intro":
        card = in_language(language, f"{card} with the name of the video", f"写着视频名称的{card}")
    usual = TimelinePoint() if edit.role == "intro" else TIMELINE_END
    at = edit.at or (None if edit.selector != SELECT_ALL else usual)
    where = _place(at, edit.selector, language)
    length = "" if edit.duration_ms is None else format_length(edit.duration_ms, language)
    timed = in_language(language, f" for {length}", f"（{length}）") if length else ""
    return in_language(language, f"added {card} {where}{timed}", f"{where}添加了{card}{timed}")


def describe_add_countdown(edit: AddCountdown, language: Language) -> str:
    """From which number, and where."""
    where = _place(edit.at, SELECT_ALL, language)
    return in_language(
        language,
        f"added a countdown from {edit.seconds} to 1 {where}",
        f"{where}添加了从{edit.seconds}到1的倒计时",
    )


def describe_add_timer(edit: AddTimer, language: Language) -> str:
    """A timer, up or down."""
    if edit.down:
        return in_language(
            language, "added a timer that shows the time left", "添加了剩余时间的倒计时"
        )
    return in_language(language, "added a running timer", "添加了计时器")


def describe_add_progress_bar(edit: AddProgressBar, language: Language) -> str:
    """The edge and the colour of a progress bar."""
    color = translate_label(COLOR_LABELS, edit.color, language)
    edge = in_language(language, edit.position, "顶部" if edit.position == "top" else "底部")
    return in_language(
        language, f"added a {color} progress bar at the {edge}", f"在{edge}添加了{color}进度条"
    )
