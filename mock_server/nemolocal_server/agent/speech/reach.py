"""Spans, moments and clips in words: `the second half`, `clip 2`, `最后4秒`."""

from nemolocal_contract.summary.words import Tongue, clipped, percent, seconds

from ..intents import Moment, Span, Which

_HALVES = {
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
_CLOSE = 0.001


def either(tongue: Tongue, english: str, chinese: str) -> str:
    """The one of two sentences that is in the tongue."""
    return chinese if tongue == "zh" else english


def quoted(text: str, tongue: Tongue) -> str:
    """A user's own words, or their beginning, in quotation marks."""
    return either(tongue, f'"{clipped(text)}"', f"“{clipped(text)}”")


def length_words(ms: float, tongue: Tongue) -> str:
    """`2.5s`, `2.5秒`."""
    return either(tongue, f"{seconds(ms)}s", f"{seconds(ms)}秒")


def span_words(span: Span, tongue: Tongue) -> str:
    """A stretch of time as one says it: `the first 10s`, `the middle third`."""
    start, end = _share(span.start), _share(span.end)
    if start is not None and end is not None:
        return _share_words(start, end, tongue)
    if span.end == Span().end and span.start.share is None:
        return _tail_words(span.start, tongue)
    if span.start == Span().start and span.end.share is None:
        return _head_words(span.end, tongue)
    begin, finish = moment_words(span.start, tongue), moment_words(span.end, tongue)
    if all(m.share is None and not m.before_end for m in (span.start, span.end)):
        between = f"{seconds(span.start.ms)}-{finish}"
    else:
        between = f"{begin}到{finish}的部分"
    return either(tongue, f"the part from {begin} to {finish}", between)


def _tail_words(start: Moment, tongue: Tongue) -> str:
    length = length_words(start.ms, tongue)
    if start.before_end:
        return either(tongue, f"the last {length}", f"最后{length}")
    return either(tongue, f"everything after {length}", f"{length}之后的部分")


def _head_words(end: Moment, tongue: Tongue) -> str:
    length = length_words(end.ms, tongue)
    if end.before_end:
        return either(tongue, f"everything but the last {length}", f"除最后{length}以外的部分")
    return either(tongue, f"the first {length}", f"前{length}")


def _share(moment: Moment) -> float | None:
    """Where a moment is as a share of the whole; None where that depends on the length."""
    share = moment.share
    if share is None:
        share = None if moment.ms else 0.0
    if share is None:
        return None
    return 1 - share if moment.before_end else share


def _share_words(start: float, end: float, tongue: Tongue) -> str:
    for (low, high), words in _HALVES.items():
        if abs(start - low) < _CLOSE and abs(end - high) < _CLOSE:
            return either(tongue, *words)
    if start <= 0 and end >= 1:
        return either(tongue, "all of it", "全部内容")
    if start <= 0:
        return either(tongue, f"the first {percent(end)}%", f"前{percent(end)}%")
    if end >= 1:
        return either(tongue, f"the last {percent(1 - start)}%", f"后{percent(1 - start)}%")
    low_, high_ = percent(start), percent(end)
    return either(tongue, f"the part from {low_}% to {high_}%", f"{low_}%到{high_}%的部分")


def moment_words(moment: Moment, tongue: Tongue) -> str:
    """A point of time: `5s`, `halfway`, `3s before the end`."""
    share = _share(moment)
    if moment.share is not None and share is not None:
        if abs(share - 1 / 2) < _CLOSE:
            return either(tongue, "the middle", "正中间")
        return f"{percent(share)}%"
    if not moment.before_end:
        return length_words(moment.ms, tongue)
    length = length_words(moment.ms, tongue)
    return either(tongue, f"{length} before the end", f"结尾前{length}")


_NOUNS = {
    "clip": ("clip", "片段"),
    "title": ("title", "标题"),
    "upload": ("upload", "素材"),
}


def which_words(which: Which, tongue: Tongue, noun: str, everything: tuple[str, str]) -> str:
    """Which clips are meant: `clip 2`, `the clip "beach"`, the first 3s, or `everything`."""
    english, chinese = _NOUNS[noun]
    names = []
    if which.number is not None:
        names.append(_numbered(which.number, tongue, english, chinese))
    if which.name is not None:
        name = quoted(which.name, tongue)
        names.append(either(tongue, f"the {english} {name}", f"{chinese}{name}"))
    if which.span is not None:
        names.append(span_words(which.span, tongue))
    if not names:
        return either(tongue, *everything)
    # Said from the small to the large in English, from the large to the small in Chinese.
    return "的".join(names) if tongue == "zh" else " of ".join(reversed(names))


def _numbered(number: int, tongue: Tongue, english: str, chinese: str) -> str:
    if number == -1:
        return either(tongue, f"the last {english}", f"最后一个{chinese}")
    if number < 0:
        place = f"{english} {-number} from the end"
        return either(tongue, place, f"倒数第{-number}个{chinese}")
    return either(tongue, f"{english} {number}", f"第{number}个{chinese}")


def clip_words(which: Which, tongue: Tongue) -> str:
    """Which clips are meant, or the video as a whole."""
    return which_words(which, tongue, "clip", ("the video", "视频"))
