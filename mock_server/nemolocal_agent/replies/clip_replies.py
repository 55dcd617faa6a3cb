"""Replies about clips, their order and speed, and undo and redo.

Also the words that all replies use: `the second half`, `clip 2`, `最后4秒`.
"""

from nemolocal_contract.describe.labels import Language
from nemolocal_contract.describe.text_formats import format_percent, format_seconds, truncate_text

from ..intents import (
    KeepSpan,
    Loop,
    MoveClip,
    PlaceUploads,
    Redo,
    RemoveClip,
    RemoveSpan,
    Selector,
    SetSpeed,
    Slideshow,
    Split,
    SwapClips,
    TimelinePoint,
    TimelineSpan,
    Undo,
)

_NAMED_SHARES = {
    (0.0, 1 / 2): ("the first half", "前半部分"),
    (1 / 2, 1.0): ("the second half", "后半部分"),
    (0.0, 1 / 3): ("the first third", "前三分之一"),
    (1 / 3, 2 / 3): ("the middle third", "中间三分之一"),
    (2 / 3, 1.0): ("the last third", "后三分之一"),
    (0.0, 2 / 3): ("the first two thirds", "前三分之二"),
    (1 / 3, 1.0): ("the last two thirds", "后三分之二"),
    (0.0, 1 / 4): ("the first quarter", "前四分之一"),
    (3 / 4, 1.0): ("the last quarter", "后四分之一"),
    (0.0, 3 / 4): ("the first three quarters", "前四分之三"),
    (1 / 4, 1.0): ("the last three quarters", "后四分之三"),
    (1 / 4, 3 / 4): ("the middle half", "中间一半"),
}
_TOLERANCE = 0.001
_NOUNS = {
    "clip": ("clip", "片段"),
    "title": ("title", "标题"),
    "upload": ("upload", "素材"),
}


def in_language(language: Language, english: str, chinese: str) -> str:
    """The English or the Chinese text."""
    return chinese if language == "zh" else english


def quote(text: str, language: Language) -> str:
    """The user's own words in quotation marks, truncated."""
    return in_language(language, f'"{truncate_text(text)}"', f"“{truncate_text(text)}”")


def format_length(ms: float, language: Language) -> str:
    """`2.5s`, `2.5秒`."""
    return in_language(language, f"{format_seconds(ms)}s", f"{format_seconds(ms)}秒")


def format_span(span: TimelineSpan, language: Language) -> str:
    """A span in words: `the first 10s`, `the middle third`."""
    if span.start.share is not None and span.start.ms:
        length = format_length(span.end.ms - span.start.ms, language)
        return in_language(language, f"the middle {length}", f"中间{length}")
    start, end = _share(span.start), _share(span.end)
    if start is not None and end is not None:
        return _format_share_span(start, end, language)
    if span.end == TimelineSpan().end and span.start.share is None:
        return _format_tail(span.start, language)
    if span.start == TimelineSpan().start and span.end.share is None:
        return _format_head(span.end, language)
    begin, finish = format_point(span.start, language), format_point(span.end, language)
    if all(m.share is None and not m.before_end for m in (span.start, span.end)):
        between = f"{format_seconds(span.start.ms)}-{finish}"
    else:
        between = f"{begin}到{finish}的部分"
    return in_language(language, f"the part from {begin} to {finish}", between)


def _format_tail(start: TimelinePoint, language: Language) -> str:
    length = format_length(start.ms, language)
    if start.before_end:
        return in_language(language, f"the last {length}", f"最后{length}")
    return in_language(language, f"everything after {length}", f"{length}之后的部分")


def _format_head(end: TimelinePoint, language: Language) -> str:
    length = format_length(end.ms, language)
    if end.before_end:
        return in_language(
            language, f"everything but the last {length}", f"除最后{length}以外的部分"
        )
    return in_language(language, f"the first {length}", f"前{length}")


def _share(point: TimelinePoint) -> float | None:
    """The position of a point as a share; None if it depends on the length."""
    share = point.share
    if share is None:
        share = None if point.ms else 0.0
    if share is None:
        return None
    return 1 - share if point.before_end else share


def _format_share_span(start: float, end: float, language: Language) -> str:
    for (low, high), words in _NAMED_SHARES.items():
        if abs(start - low) < _TOLERANCE and abs(end - high) < _TOLERANCE:
            return in_language(language, *words)
    if start <= 0 and end >= 1:
        return in_language(language, "all of it", "全部内容")
    if start <= 0:
        return in_language(
            language, f"the first {format_percent(end)}%", f"前{format_percent(end)}%"
        )
    if end >= 1:
        return in_language(
            language, f"the last {format_percent(1 - start)}%", f"后{format_percent(1 - start)}%"
        )
    low_, high_ = format_percent(start), format_percent(end)
    return in_language(language, f"the part from {low_}% to {high_}%", f"{low_}%到{high_}%的部分")


def format_point(point: TimelinePoint, language: Language) -> str:
    """A point in words: `5s`, `the middle`, `3s before the end`."""
    share = _share(point)
    if point.share is not None and share is not None:
        if abs(share - 1 / 2) < _TOLERANCE:
            return in_language(language, "the middle", "正中间")
        return f"{format_percent(share)}%"
    if not point.before_end:
        return format_length(point.ms, language)
    length = format_length(point.ms, language)
    return in_language(language, f"{length} before the end", f"结尾前{length}")


def format_selector(
    selector: Selector, language: Language, noun: str, everything: tuple[str, str]
) -> str:
    """The selection in words: `clip 2`, `the clip "beach"`, the first 3s, or `everything`."""
    english, chinese = _NOUNS[noun]
    names = []
    if selector.number is not None:
        names.append(_format_number(selector.number, language, english, chinese))
    if selector.name is not None:
        name = quote(selector.name, language)
        names.append(in_language(language, f"the {english} {name}", f"{chinese}{name}"))
    if selector.span is not None:
        names.append(format_span(selector.span, language))
    if not names:
        return in_language(language, *everything)
    # English goes from the part to the whole, Chinese from the whole to the part.
    return "的".join(names) if language == "zh" else " of ".join(reversed(names))


def _format_number(number: int, language: Language, english: str, chinese: str) -> str:
    if number == -1:
        return in_language(language, f"the last {english}", f"最后一个{chinese}")
    if number < 0:
        place = f"{english} {-number} from the end"
        return in_language(language, place, f"倒数第{-number}个{chinese}")
    return in_language(language, f"{english} {number}", f"第{number}个{chinese}")


def format_clips(selector: Selector, language: Language) -> str:
    """The selected clips in words, or the whole video."""
    return format_selector(selector, language, "clip", ("the video", "视频"))


def describe_place_uploads(edit: PlaceUploads, language: Language) -> str:
    """Uploads on the timeline."""
    what = format_selector(edit.selector, language, "upload", ("your footage", "素材"))
    return in_language(language, f"put {what} on the timeline", f"把{what}放到了时间线上")


def describe_keep_span(edit: KeepSpan, language: Language) -> str:
    """A trim."""
    span, whose = format_span(edit.span, language), format_clips(edit.selector, language)
    return in_language(
        language,
        f"kept {span} of {whose} and removed the rest",
        f"保留了{whose}的{span}，其余部分已移除",
    )


def describe_remove_span(edit: RemoveSpan, language: Language) -> str:
    """A removed span."""
    span, whose = format_span(edit.span, language), format_clips(edit.selector, language)
    return in_language(language, f"removed {span} of {whose}", f"移除了{whose}的{span}")


def describe_remove_clip(edit: RemoveClip, language: Language) -> str:
    """Removed clips."""
    what = format_selector(edit.selector, language, "clip", ("every clip", "所有片段"))
    return in_language(language, f"removed {what}", f"移除了{what}")


def describe_split(edit: Split, language: Language) -> str:
    """A split."""
    if edit.parts is not None:
        return in_language(
            language,
            f"split the video into {edit.parts} equal parts",
            f"把视频平均分成了{edit.parts}段",
        )
    if edit.every_ms is not None:
        length = format_length(edit.every_ms, language)
        return in_language(language, f"split the video every {length}", f"每隔{length}分割了视频")
    places = [format_point(point, language) for point in edit.at]
    if not places:
        return in_language(language, "split the video", "分割了视频")
    listed = ("、" if language == "zh" else ", ").join(places)
    return in_language(language, f"split the video at {listed}", f"在{listed}处分割了视频")


def describe_move_clip(edit: MoveClip, language: Language) -> str:
    """A moved clip."""
    what = format_selector(edit.selector, language, "clip", ("every clip", "所有片段"))
    if edit.to == -1:
        return in_language(language, f"moved {what} to the end", f"把{what}移到了最后")
    if edit.to == 1:
        return in_language(language, f"moved {what} to the beginning", f"把{what}移到了最前面")
    return in_language(language, f"moved {what} to place {edit.to}", f"把{what}移到了第{edit.to}位")


def describe_swap_clips(edit: SwapClips, language: Language) -> str:
    """Two swapped clips."""
    everything = ("every clip", "所有片段")
    one, other = (format_selector(w, language, "clip", everything) for w in (edit.one, edit.other))
    return in_language(language, f"swapped {one} and {other}", f"交换了{one}和{other}的位置")


def describe_loop(edit: Loop, language: Language) -> str:
    """A loop."""
    what = format_clips(edit.selector, language)
    if edit.duration_ms is not None:
        length = format_length(edit.duration_ms, language)
        return in_language(
            language, f"looped {what} until it lasts {length}", f"循环播放{what}，总长{length}"
        )
    times = edit.times or 2
    return in_language(language, f"looped {what} {times} times", f"让{what}循环播放{times}次")


def describe_slideshow(edit: Slideshow, language: Language) -> str:
    """A slideshow."""
    reply = in_language(language, "made a slideshow of your pictures", "用图片制作了幻灯片")
    if edit.each_ms is not None:
        length = format_length(edit.each_ms, language)
        return reply + in_language(language, f", {length} each", f"，每张{length}")
    if edit.total_ms is not None:
        length = format_length(edit.total_ms, language)
        return reply + in_language(language, f", {length} in all", f"，总长{length}")
    return reply


def describe_set_speed(edit: SetSpeed, language: Language) -> str:
    """A speed."""
    if edit.duration_ms is not None:
        whole, length = (
            format_clips(edit.selector, language),
            format_length(edit.duration_ms, language),
        )
        return in_language(
            language,
            f"changed the speed of {whole} so that it lasts {length}",
            f"调整了{whole}的速度，总长{length}",
        )
    what, factor = format_clips(edit.selector, language), f"{edit.factor:g}"
    return in_language(
        language, f"set the speed of {what} to {factor}x", f"把{what}的速度设为{factor}倍"
    )


def describe_undo(edit: Undo, language: Language) -> str:
    """An undo."""
    if edit.steps == 1:
        return in_language(language, "undid the last edit", "撤销了上一次修改")
    return in_language(
        language, f"undid the last {edit.steps} edits", f"撤销了最近{edit.steps}次修改"
    )


def describe_redo(edit: Redo, language: Language) -> str:
    """A redo."""
    if edit.steps == 1:
        return in_language(language, "did the edit again that was undone", "恢复了刚才撤销的修改")
    return in_language(
        language,
        f"did the {edit.steps} edits again that were undone",
        f"恢复了撤销的{edit.steps}次修改",
    )
