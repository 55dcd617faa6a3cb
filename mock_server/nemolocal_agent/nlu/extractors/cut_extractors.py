"""Commands about lengths: what stays and what goes."""

import re

from ...intents import (
    SELECT_ALL,
    Edit,
    KeepSpan,
    RemoveClip,
    RemoveSpan,
    Selector,
    StartOver,
    TimelinePoint,
    TimelineSpan,
)
from ...intents.selectors import TIMELINE_END, TIMELINE_START
from ..lexer.tokens import ANY_SLOT, Slot, slot_pattern
from .clause import Clause
from .selector_extractors import extract_clip_range, extract_selectors
from .span_extractors import SpanMatch, extract_span

_LIMIT_WORDS = frozenset(("trim", "cut", "set", "long", "lower", "max", "take", "stop", "to"))
_PART_FORMS = (
    "first",
    "last",
    "from-start",
    "from-end",
    "after",
    "before",
    "middle",
    "half",
)
_BARE = re.compile(rf" to ({slot_pattern(Slot.NUMBER)}) (?:~ |video |it )*$")
_KEPT = re.compile(rf" to (?:~|(?:{ANY_SLOT} )?(?:first|last|middle) )")
_WHOLE = re.compile(r" all (?:of )?(?:video|clip)(?= )")
_EDGE = re.compile(r" (?:start|stop|end|last) ")


def extract_cut(clause: Clause) -> list[Edit] | None:
    """Keep or remove a stretch of the timeline or of clips, or remove clips."""
    if clause.has_any("ends", "removeends"):
        return _remove_both_ends(clause)
    if clause.has_any("per"):
        return None
    if clause.has_any("remove") and (row := extract_clip_range(clause)):
        return [RemoveClip(one) for one in row] if not clause.has_any(Slot.TIME, "except") else None
    clause.line = _WHOLE.sub(" video ", clause.line)
    line = clause.line
    stretch = extract_span(clause)
    clips = extract_selectors(clause)
    stretch = stretch or _span_of_bare_number(clause)
    if stretch is None:
        return _remove_whole_clips(clause, clips)
    if stretch.form == "all":
        return None
    stretches = [_as_shortening(clause, stretch)]
    while (another := extract_span(clause, "bare", "all", "to", "at")) is not None:
        stretches.append(another)
    return _cut_spans(clause, line, stretches, clips or [SELECT_ALL])


def _cut_spans(
    clause: Clause, line: str, stretches: list[SpanMatch], clips: list[Selector]
) -> list[Edit] | None:
    how, span = stretches[0]
    keeps = _is_kept(clause, stretches[0], line)
    if keeps and len(stretches) > 1:
        return _remove_between([one.span for one in stretches], clips)
    if keeps is None or span.end in (TIMELINE_START, TimelinePoint(share=0.0)):
        return None
    if not keeps:
        gone = [_span_at_end(one) if one.form == "by" else one.span for one in stretches]
        return [RemoveSpan(one, which) for one in gone for which in clips]
    if how == "at" and not clause.has_any("start"):
        span = TimelineSpan(TIMELINE_START, span.start)
    return None if span == TimelineSpan() else [KeepSpan(span, which) for which in clips]


def _remove_between(spans: list[TimelineSpan], clips: list[Selector]) -> list[Edit] | None:
    """To keep the beginning and the end is to remove what is between them."""
    begins = [span for span in spans if span.start == TIMELINE_START]
    ends = [span for span in spans if span.end == TIMELINE_END]
    if len(begins) != 1 or len(ends) != 1 or len(spans) != 2:
        return None
    return [RemoveSpan(TimelineSpan(begins[0].end, ends[0].start), which) for which in clips]


def _remove_whole_clips(clause: Clause, clips: list[Selector]) -> list[Edit] | None:
    """Whole clips go, or everything."""
    if not clause.has_any("remove"):
        return None
    if clips:
        return None if clause.has_any("except") else [RemoveClip(one) for one in clips]
    if not clause.has_any("all", "everything") or clause.has_any(
        "except", "keep", Slot.UNKNOWN_WORD, Slot.QUOTED_TEXT
    ):
        return None
    if clause.has_any("photo"):
        return None
    return [RemoveClip(SELECT_ALL)] if clause.has_any("upload", "clip") else [StartOver()]


def _remove_both_ends(clause: Clause) -> list[Edit] | None:
    time = clause.first_value(Slot.TIME)
    if time is None or not clause.has_any("remove", "cut", "trim", "removeends"):
        return None
    return [
        RemoveSpan(TimelineSpan(TIMELINE_START, TimelinePoint(time))),
        RemoveSpan(TimelineSpan(TimelinePoint(time, before_end=True), TIMELINE_END)),
    ]


def _span_of_bare_number(clause: Clause) -> SpanMatch | None:
    """`the third to 5`: seconds, where nothing else can be meant."""
    if match := _BARE.search(clause.line):
        return SpanMatch(
            "to", TimelineSpan(TIMELINE_START, TimelinePoint(round(clause.value(match[1]) * 1000)))
        )
    return None


def _as_shortening(clause: Clause, stretch: SpanMatch) -> SpanMatch:
    """`10 seconds shorter` is by so much, not to so much."""
    if stretch.form in ("bare", "for") and " ~ short " in clause.line:
        return SpanMatch("by", stretch.span)
    return stretch


def _span_at_end(stretch: SpanMatch) -> TimelineSpan:
    length = stretch.span.end
    return TimelineSpan(TimelinePoint(length.ms, before_end=True, share=length.share), TIMELINE_END)


def _is_kept(clause: Clause, stretch: SpanMatch, line: str) -> bool | None:
    """Whether the stretch stays: True, or goes: False; None where the words do not tell."""
    how, span = stretch
    if clause.has_any("remove"):
        return clause.has_any("except") or (None if how == "to" else False)
    if clause.has_any("keep", "only"):
        return True
    if how == "by":
        return False if clause.has_any("trim", "cut", "lower", "short") else None
    if how == "after" and clause.has_any("from") and clause.has_any("video") and "later" in line:
        return True if clause.symbols.isdisjoint(_LIMIT_WORDS) else None
    if how in ("to", "bare", "for"):
        plain_cut = (
            how == "bare" and clause.has_any("cut") and not clause.has_any("set", "to", "long")
        )
        return (
            None
            if plain_cut or span.end == TIMELINE_END or clause.symbols.isdisjoint(_LIMIT_WORDS)
            else True
        )
    if how in ("at", "from", "after") and not clause.has_any("cut") and _EDGE.search(line):
        return True if clause.has_any("start") or how == "at" else None
    return _is_kept_by_trim(clause, how, line)


def _is_kept_by_trim(clause: Clause, how: str, line: str) -> bool | None:
    """What trimming and cutting mean: to a part keeps it, a part alone goes."""
    if not clause.has_any("trim", "cut"):
        picked = ("first", "last", "between", "middle", "half", "after", "before")
        return True if clause.has_any("take", "give") and how in picked else None
    if _KEPT.search(line):
        return True
    if how in _PART_FORMS:
        return False
    if how == "between":
        return clause.has_any("trim")
    return True if how == "from" or clause.has_any("trim") else None
