"""Commands about pieces and speed: splitting, looping, slideshows, faster and slower."""

import re

from ...intents import ALL, Edit, Loop, Moment, SetSpeed, Slideshow, Split
from .clause import Clause
from .details import degree, number, share
from .selection import read_clips, read_reach

_MIDDLE = re.compile(r" (?:halfway|middle) ")
_AT_SHARE = re.compile(r" (?:at|from) [FP]\d+ ")
_AT_NUMBER = re.compile(r" at N\d+ ")
_ABSOLUTE = re.compile(r" (?:to|at) P\d+ ")
# Clips of so many seconds are no moments.
_LONG = re.compile(r"(?<! at) T\d+ (?:clip|part) $")
_INTO_PARTS = re.compile(r" (?:to|in) N\d+ (?:part|clip) $")
_TIMELAPSE = 4.0
_SLOWER, _FASTER = (0.5, 0.75, 0.5), (1.5, 1.25, 2.0)


def read_split(clause: Clause) -> list[Edit] | None:
    """Cut clips in two, or into equal parts."""
    times = tuple(Moment(time) for time in clause.all("T"))
    if (times and _LONG.search(clause.line)) or read_clips(clause):
        return None
    if times and clause.has("per"):
        return None
    count = number(clause)
    if times:
        return [Split(times)] if count in (None, len(times) + 1) else None
    part = share(clause) if count is None else None
    if clause.has("P") and not _AT_SHARE.search(clause.line):
        return None  # of the picture, or too much to be parts
    if part is not None and _AT_SHARE.search(clause.line):
        return [Split((Moment(share=part),))]
    if part is not None:
        return [Split(parts=round(1 / part))] if 0.01 <= part <= 0.5 else None
    if _MIDDLE.search(clause.line):
        return [Split((Moment(share=0.5),))]
    if count is not None and _AT_NUMBER.search(clause.line):
        return [Split((Moment(round(count * 1000)),))]
    if count is not None:
        return [Split(parts=int(count))] if 2 <= count <= 100 else None
    return [Split(parts=2)] if clause.has("double") else None


def read_parts(clause: Clause) -> list[Edit] | None:
    """Cut "into 3 parts", said with a word that mostly means to shorten."""
    return read_split(clause) if _INTO_PARTS.search(clause.line) else None


def read_loop(clause: Clause) -> list[Edit] | None:
    """Play it several times, or until it is so long."""
    if clause.has("play") and not clause.has("times", "double", "triple", "K", "loop"):
        return None
    which = (read_clips(clause) or [ALL])[0]
    if (length := clause.first("T")) is not None:
        return [Loop(None, length, which)]
    count = number(clause)
    if count is None:
        count = clause.first("K") or (3 if clause.has("triple") else 2)
    return [Loop(int(count), None, which)] if 1 < count <= 1000 else None


def read_slideshow(clause: Clause) -> list[Edit] | None:
    """A slideshow of the pictures."""
    time = clause.first("T")
    if time is None:
        return [Slideshow()]
    start = next(token.start for token in clause.tokens if token.canon == "T")
    each = clause.has("per") or clause.original[:start].endswith(("张", "張", "页", "頁", "幅"))
    return [Slideshow(each_ms=time)] if each else [Slideshow(total_ms=time)]


def read_speed(clause: Clause) -> list[Edit] | None:
    """Faster or slower, by a factor, a share or a word."""
    which = read_reach(clause, "bare", "to", "by", "for", "at", "all", "from-for")
    if (factor := _factor(clause)) is None or not 0.01 <= factor <= 100:
        return None
    return [SetSpeed(round(factor, 4), one) for one in which]


def _factor(clause: Clause) -> float | None:
    slower = clause.has("slowdown", "slower", "slow", "slowmo", "slowly", "lower", "less", "down")
    faster = clause.has("speedup", "faster", "fast", "raise", "more", "up")
    if clause.has("remove"):
        return 1.0
    if clause.has("timelapse") and not slower:
        return float(clause.first("K") or _TIMELAPSE)
    if times := _times(clause):
        return 1 / times if slower and times > 1 else times
    if part := share(clause):
        return _by_share(clause, part, slower, faster)
    if clause.has("normal"):
        return 1.0
    if slower == faster:
        return None
    return degree(clause, *(_SLOWER if slower else _FASTER))


def _times(clause: Clause) -> float | None:
    """How many times as fast or as slow."""
    count = clause.first("K")
    if count is None:
        count = number(clause)
    if count is None and clause.has("double", "triple"):
        count = 2.0 if clause.has("double") else 3.0
    return None if count is None else float(count)


def _by_share(clause: Clause, part: float, slower: bool, faster: bool) -> float:
    """`50% faster` is by so much, `at 150% speed` and `half as fast` are so much."""
    if clause.first("P") is None:
        return 1 + part if faster and not slower and clause.has("by") else part
    if _ABSOLUTE.search(clause.line) or not (slower or faster):
        return part
    return 1 - part if slower else 1 + part
