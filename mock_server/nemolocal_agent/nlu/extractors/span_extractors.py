"""Extractors of spans: the part of the timeline that a clause names, and how it names it."""

import re
from collections.abc import Callable
from typing import NamedTuple

from ...intents import TIMELINE_END, TIMELINE_START, TimelinePoint, TimelineSpan
from ..lexer.tokens import Slot, slot_pattern
from .clause import Clause

_TIME = slot_pattern(Slot.TIME)
_MEASURE = slot_pattern(Slot.TIME, Slot.PERCENT, Slot.FRACTION)
_MEASURE_OR_NUMBER = slot_pattern(Slot.TIME, Slot.PERCENT, Slot.FRACTION, Slot.NUMBER)
_SHARE = slot_pattern(Slot.PERCENT, Slot.FRACTION)
_POINT = (
    rf"(?:{_MEASURE} (?:before|from|to)(?: of)* end|{_MEASURE_OR_NUMBER}"
    r"|start|end|middle|halfway|last|first)"
)
_AT = r"(?:(?:at|from|of|off|on|in|to|by|out|away|~) )*"
_FROM = r"(?:from|at|after|start)"
# Between an end and a length: "at the end, cut 3 seconds".
_CUT_WORDS = r"(?: (?:~|it|video|remove|cut|trim|away|out|off|lower|by))+"
# "The first 2 clips" names no time.
_NO_COUNT = r"(?= )(?! (?:clip|photo|video|it|last) )"

# "Two seconds of the first clip" is not the first two seconds, "30% in the first half" no span.
_NO_CLIP = rf"(?! (?:clip|video|photo|upload|it|{_MEASURE_OR_NUMBER}) )"


class SpanMatch(NamedTuple):
    """A span, and its form: `first`, `to`, `at` and so on decide what a command means."""

    form: str
    span: TimelineSpan


_PATTERNS: list[tuple[str, re.Pattern[str]]] = [
    (form, re.compile(f" {pattern}(?= )"))
    for form, pattern in [
        ("between", rf"between (?P<start>{_POINT}) (?:and|to) (?P<end>{_POINT})"),
        ("between", rf"(?P<start>{_POINT}) (?:and|to) (?P<end>{_POINT}) between"),
        (
            "from-for",
            rf"{_FROM} (?:at )?(?P<start>{_MEASURE}) (?:and )?(?:for|long)"
            rf" (?P<length>{slot_pattern(Slot.TIME, Slot.NUMBER)})",
        ),
        ("for-at", rf"(?:for )?(?P<length>{_TIME}) (?:out )?(?:{_FROM} )+(?P<start>{_TIME})"),
        (
            "between",
            rf"(?<!clip )(?<!hash )(?<!photo )(?:(?:from|at|start) )?(?:at )?(?P<start>{_POINT})"
            rf"(?: later)? (?:trim |cut |keep )?(?:until|to|through)(?: at)? (?P<end>{_POINT})"
            r"(?: end(?= $))?",
        ),
        ("at", rf"(?:at|to) (?P<start>{_TIME})(?: at)?(?= (?:end|stop) $)"),
        (
            "half",
            rf"(?P<nth>{slot_pattern(Slot.ORDINAL)}) (?P<share>{slot_pattern(Slot.FRACTION)})",
        ),
        ("unknowable", rf"middle (?:of )?{_TIME}"),
        ("middle", rf"middle (?:of )?(?P<share>{_SHARE})"),
        ("from-start", rf"(?P<length>{_MEASURE}) {_AT}(?:start|first{_NO_CLIP})"),
        ("from-end", rf"(?P<length>{_MEASURE}) {_AT}(?:end|last{_NO_CLIP})"),
        (
            "first",
            rf"(?:for )?(?:first|start)(?: by| of| in| it)?"
            rf" (?P<length>{_MEASURE_OR_NUMBER}){_NO_COUNT}",
        ),
        (
            "last",
            rf"(?:for )?(?:last|end)(?: by| of| in| it)?"
            rf" (?P<length>{_MEASURE_OR_NUMBER}){_NO_COUNT}",
        ),
        (
            "first",
            rf"(?:start|earlier|first){_CUT_WORDS} (?P<length>{_MEASURE})(?! (?:later|at|when))",
        ),
        ("last", rf"(?:end|later|last){_CUT_WORDS} (?P<length>{_MEASURE})(?! (?:earlier|at|when))"),
        ("after", rf"after (?:at )?(?P<start>{_POINT})(?: at)?"),
        (
            "after",
            rf"(?:from )?(?P<start>{_MEASURE}|halfway|middle) (?:of )?(?:later|(?:to )?end)",
        ),
        ("before", rf"(?:before|until|earlier) (?:at )?(?P<end>{_POINT})"),
        ("before", rf"(?P<end>{_MEASURE}|halfway|middle) (?:of )?earlier"),
        ("for", rf"(?:for|long) (?P<length>{_MEASURE})"),
        ("all", r"(?:for |during |on )?(?:throughout|all (?:video|clip|long))"),
        ("from", rf"from (?P<start>{_MEASURE}|middle|halfway)"),
        ("at", rf"at (?P<start>{_POINT})"),
        ("at", rf"(?P<start>{_MEASURE}) (?:at|when)(?: of)?"),
        ("by", rf"by (?P<length>{_TIME})"),
        ("to", rf"(?:to|max|under) (?P<length>{_MEASURE})"),
        ("bare", rf"(?P<length>{_TIME})"),
    ]
]


def extract_span(clause: Clause, *but: str) -> SpanMatch | None:
    """The span that the clause names; consumes it. `but` are the forms to skip."""
    if not _HAS_SPAN_SYMBOL.search(clause.line):
        return None
    for form, pattern in _PATTERNS:
        if form in but:
            continue
        match = pattern.search(clause.line)
        if match is None:
            continue
        if (span := _span(clause, form, match)) is None:
            return None  # from 10 s to 5 s
        clause.consume(*match.span())
        return SpanMatch(form, span)
    return None


_HAS_SPAN_SYMBOL = re.compile(
    rf" (?:{_MEASURE_OR_NUMBER}|start|end|middle|halfway|all|throughout) "
)


def _span(clause: Clause, form: str, match: re.Match[str]) -> TimelineSpan | None:
    groups = match.groupdict()
    if form == "half":
        return _nth_share(clause.value(groups["nth"]), clause.value(groups["share"]))
    if form == "middle":
        share = clause.value(groups["share"])
        return TimelineSpan(
            TimelinePoint(share=_round_share((1 - share) / 2)),
            TimelinePoint(share=_round_share((1 + share) / 2)),
        )
    if form == "all":
        return TimelineSpan()
    if form == "unknowable":
        return None
    start = _point(clause, groups["start"]) if groups.get("start") else TIMELINE_START
    end = _point(clause, groups["end"]) if groups.get("end") else TIMELINE_END
    if form in ("from-for", "for-at"):
        length = _length(clause, groups["length"])
        return TimelineSpan(start, TimelinePoint(start.ms + length.ms))
    if groups.get("length"):
        length = _length(clause, groups["length"])
        if form in ("last", "from-end"):
            return TimelineSpan(_before_end(length), TIMELINE_END)
        return TimelineSpan(TIMELINE_START, length)
    return TimelineSpan(start, end) if form == "at" or _is_in_order(start, end) else None


def _nth_share(nth: float, share: float) -> TimelineSpan | None:
    """The second half, the third quarter."""
    if nth < 1 or nth * share > 1.001:
        return None
    end = TIMELINE_END if nth * share > 0.999 else TimelinePoint(share=_round_share(nth * share))
    return TimelineSpan(TimelinePoint(share=_round_share((nth - 1) * share)), end)


def _round_share(share: float) -> float:
    return round(share, 9)


def _length(clause: Clause, slot_name: str) -> TimelinePoint:
    value = clause.value(slot_name)
    if slot_name[0] in (Slot.PERCENT, Slot.FRACTION):
        return TimelinePoint(share=value)
    return TimelinePoint(round(value * 1000) if slot_name[0] == Slot.NUMBER else value)


def _before_end(length: TimelinePoint) -> TimelinePoint:
    return TimelinePoint(length.ms, before_end=True, share=length.share)


def _point(clause: Clause, words: str) -> TimelinePoint:
    named: dict[str, Callable[[], TimelinePoint]] = {
        "start": TimelinePoint, "first": TimelinePoint, "end": lambda: TIMELINE_END,
        "last": lambda: TIMELINE_END,
        "middle": lambda: TimelinePoint(share=0.5), "halfway": lambda: TimelinePoint(share=0.5),
    }  # fmt: skip
    if words in named:
        return named[words]()
    slot_name, *rest = words.split()
    return _before_end(_length(clause, slot_name)) if rest else _length(clause, slot_name)


def _is_in_order(start: TimelinePoint, end: TimelinePoint) -> bool:
    """Whether the start is before the end, as far as this is known without the length."""
    if start == end:
        return False
    if start.before_end == end.before_end and (start.share is None) == (end.share is None):
        one = (start.ms, start.share or 0) < (end.ms, end.share or 0)
        return one != start.before_end
    return True
