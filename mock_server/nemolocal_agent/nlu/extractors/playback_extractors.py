"""Extractors of splits, loops, slideshows and speed."""

import re

from ...intents import SELECT_ALL, Edit, Loop, SetSpeed, Slideshow, Split, TimelinePoint
from ..lexer.tokens import Slot, slot_pattern
from .attribute_extractors import choose_by_degree, extract_number, extract_share
from .clause import Clause
from .selector_extractors import extract_scope, extract_selectors

_MIDDLE = re.compile(r" (?:halfway|middle) ")
_TIME, _NUMBER = slot_pattern(Slot.TIME), slot_pattern(Slot.NUMBER)
_PERCENT = slot_pattern(Slot.PERCENT)
_AT_SHARE = re.compile(rf" (?:at|from) {slot_pattern(Slot.FRACTION, Slot.PERCENT)} ")
_AT_NUMBER = re.compile(rf" at {_NUMBER} ")
_ABSOLUTE = re.compile(rf" (?:to|at) {_PERCENT} ")
# The length of clips or parts is not a point to split at.
_LONG = re.compile(rf"(?<! at) {_TIME} (?:clip|part) $")
_INTO_PARTS = re.compile(rf" (?:to|in) {_NUMBER} (?:part|clip) $")
_TIMELAPSE = 4.0
_SLOWER, _FASTER = (0.5, 0.75, 0.5), (1.5, 1.25, 2.0)


def extract_split(clause: Clause) -> list[Edit] | None:
    """Split clips in two, or into equal parts."""
    times = tuple(TimelinePoint(time) for time in clause.values(Slot.TIME))
    if (times and _LONG.search(clause.line)) or extract_selectors(clause):
        return None
    if times and clause.has_any("per"):
        return None
    count = extract_number(clause)
    if times:
        return [Split(times)] if count in (None, len(times) + 1) else None
    part = extract_share(clause) if count is None else None
    if clause.has_any(Slot.PERCENT) and not _AT_SHARE.search(clause.line):
        return None  # a share of the picture, or no number of parts
    if part is not None and _AT_SHARE.search(clause.line):
        return [Split((TimelinePoint(share=part),))]
    if part is not None:
        return [Split(parts=round(1 / part))] if 0.01 <= part <= 0.5 else None
    if _MIDDLE.search(clause.line):
        return [Split((TimelinePoint(share=0.5),))]
    if count is not None and _AT_NUMBER.search(clause.line):
        return [Split((TimelinePoint(round(count * 1000)),))]
    if count is not None:
        return [Split(parts=int(count))] if 2 <= count <= 100 else None
    return [Split(parts=2)] if clause.has_any("double") else None


def extract_split_into_parts(clause: Clause) -> list[Edit] | None:
    """Split "into 3 parts", with a verb that mostly means to shorten."""
    return extract_split(clause) if _INTO_PARTS.search(clause.line) else None


def extract_loop(clause: Clause) -> list[Edit] | None:
    """Repeat a number of times, or up to a length."""
    if clause.has_any("play") and not clause.has_any(
        "times", "double", "triple", Slot.FACTOR, "loop"
    ):
        return None
    selector = (extract_selectors(clause) or [SELECT_ALL])[0]
    if (length := clause.first_value(Slot.TIME)) is not None:
        return [Loop(None, length, selector)]
    count = extract_number(clause)
    if count is None:
        count = clause.first_value(Slot.FACTOR) or (3 if clause.has_any("triple") else 2)
    return [Loop(int(count), None, selector)] if 1 < count <= 1000 else None


def extract_slideshow(clause: Clause) -> list[Edit] | None:
    """A slideshow of the images."""
    time = clause.first_value(Slot.TIME)
    if time is None:
        return [Slideshow()]
    start = next(token.start for token in clause.tokens if token.symbol == Slot.TIME)
    each = clause.has_any("per") or clause.original[:start].endswith(("张", "張", "页", "頁", "幅"))
    return [Slideshow(each_ms=time)] if each else [Slideshow(total_ms=time)]


def extract_speed(clause: Clause) -> list[Edit] | None:
    """Change the speed, by a factor, a share or a word."""
    selectors = extract_scope(clause, "bare", "to", "by", "for", "at", "all", "from-for")
    if (factor := _factor(clause)) is None or not 0.01 <= factor <= 100:
        return None
    return [SetSpeed(round(factor, 4), one) for one in selectors]


def _factor(clause: Clause) -> float | None:
    slower = clause.has_any(
        "slowdown", "slower", "slow", "slowmo", "slowly", "lower", "less", "down"
    )
    faster = clause.has_any("speedup", "faster", "fast", "raise", "more", "up")
    if clause.has_any("remove"):
        return 1.0
    if clause.has_any("timelapse") and not slower:
        return float(clause.first_value(Slot.FACTOR) or _TIMELAPSE)
    if times := _times(clause):
        return 1 / times if slower and times > 1 else times
    if part := extract_share(clause):
        return _by_share(clause, part, slower, faster)
    if clause.has_any("normal"):
        return 1.0
    if slower == faster:
        return None
    return choose_by_degree(clause, *(_SLOWER if slower else _FASTER))


def _times(clause: Clause) -> float | None:
    """How many times as fast or slow."""
    count = clause.first_value(Slot.FACTOR)
    if count is None:
        count = extract_number(clause)
    if count is None and clause.has_any("double", "triple"):
        count = 2.0 if clause.has_any("double") else 3.0
    return None if count is None else float(count)


def _by_share(clause: Clause, part: float, slower: bool, faster: bool) -> float:
    """`50% faster` is relative; `at 150% speed` and `half as fast` are absolute."""
    if clause.first_value(Slot.PERCENT) is None:
        return 1 + part if faster and not slower and clause.has_any("by") else part
    if _ABSOLUTE.search(clause.line) or not (slower or faster):
        return part
    return 1 - part if slower else 1 + part
