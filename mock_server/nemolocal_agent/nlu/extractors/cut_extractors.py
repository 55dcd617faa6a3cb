"""Extractors of cuts: what is kept and what is removed."""

import re

from ...intents import (
    SELECT_ALL,
    TIMELINE_END,
    TIMELINE_START,
    Edit,
    KeepSpan,
    RemoveClip,
    RemoveSpan,
    Selector,
    StartOver,
    TimelinePoint,
    TimelineSpan,
    last_span,
)
from ..lexer.tokens import ANY_SLOT, Slot, slot_pattern, symbol_set
from .clause import (
    Clause,
    SpanMatch,
    extract_clip_range,
    extract_named_part,
    extract_selectors,
    extract_span,
)

_LIMIT_WORDS = symbol_set("trim cut set long lower max take stop to")
_PART_FORMS = "first last from-start from-end after before middle half".split()
_BARE = re.compile(rf" to ({slot_pattern(Slot.NUMBER)}) (?:~ |video |it )*$")
_KEPT = re.compile(rf" to (?:~|(?:{ANY_SLOT} )?(?:first|last|middle) )")
_WHOLE = re.compile(r" all (?:of )?(?:video|clip)(?= )")
_EDGE = re.compile(r" (?:start|stop|end|last) ")
_BY_SHARE = re.compile(rf" by ({slot_pattern(Slot.PERCENT, Slot.FRACTION)})(?= )")
# "Trim -5 seconds".
_LESS = re.compile(rf" (?:trim|cut)(?: it| video)* less ({slot_pattern(Slot.TIME)}) ")
_MIDDLE_PART = re.compile(r" middle(?: part)?(?: (?:~|out|off|away|of|video|it))* $")


def extract_cut(clause: Clause) -> list[Edit] | None:
    """Keep or remove a span of the timeline or of clips, or remove clips."""
    if clause.has_any("ends", "removeends"):
        return _remove_both_ends(clause)
    if clause.has_any("per"):
        return None
    if clause.has_any("remove") and (row := extract_clip_range(clause)):
        return [RemoveClip(one) for one in row] if not clause.has_any(Slot.TIME, "except") else None
    clause.line = _WHOLE.sub(" video ", clause.line)
    if less := _LESS.search(clause.line):
        return [RemoveSpan(last_span(clause.value(less[1])))]
    line = clause.line
    match = extract_span(clause)
    selectors = extract_selectors(clause)
    match = match or _span_of_bare_number(clause)
    if match is None and not selectors:
        match = _span_of_share_or_middle(clause)
    if match is None:
        return _remove_whole_clips(clause, selectors)
    if match.form == "all" or (match.form == "from" and clause.has_any("beginning")):
        return None  # the beginning, which ends there, or all that begins there?
    if match.form == "bare" and clause.has_any("flaw", "silentpart"):
        return None  # "cut the 2 second mistakes" says how long they are, not where
    matches = [_as_shortening(clause, match)]
    while (another := extract_span(clause, "bare", "all", "to", "at")) is not None:
        matches.append(another)
    return _cut_spans(clause, line, matches, selectors or [SELECT_ALL])


def _cut_spans(
    clause: Clause, line: str, matches: list[SpanMatch], selectors: list[Selector]
) -> list[Edit] | None:
    form, span = matches[0]
    keeps = _is_kept(clause, matches[0], line)
    if keeps and len(matches) > 1:
        return _remove_between([one.span for one in matches], selectors)
    if keeps is None or span.end in (TIMELINE_START, TimelinePoint(share=0.0)):
        return None
    if not keeps:
        if form == "at":
            return None  # "delete the clip at 0:05" says where, but not how much
        gone = [_span_at_end(one) if one.form == "by" else one.span for one in matches]
        return [RemoveSpan(one, selector) for one in gone for selector in selectors]
    if form == "at" and clause.has_any("keep", "only"):
        return None  # "keep the lamp at 0:05"
    if form == "at" and not clause.has_any("start"):
        span = TimelineSpan(TIMELINE_START, span.start)
    return None if span == TimelineSpan() else [KeepSpan(span, selector) for selector in selectors]


def _remove_between(spans: list[TimelineSpan], selectors: list[Selector]) -> list[Edit] | None:
    """To keep the start and the end is to remove what is between them."""
    begins = [span for span in spans if span.start == TIMELINE_START]
    ends = [span for span in spans if span.end == TIMELINE_END]
    if len(begins) != 1 or len(ends) != 1 or len(spans) != 2:
        return None
    return [
        RemoveSpan(TimelineSpan(begins[0].end, ends[0].start), selector) for selector in selectors
    ]


def _remove_whole_clips(clause: Clause, selectors: list[Selector]) -> list[Edit] | None:
    """Remove whole clips, or everything."""
    if not clause.has_any("remove"):
        return None
    if selectors:
        return None if clause.has_any("except") else [RemoveClip(one) for one in selectors]
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
    """`the third to 5`: a number without a unit is seconds here."""
    if match := _BARE.search(clause.line):
        return SpanMatch(
            "to", TimelineSpan(TIMELINE_START, TimelinePoint(round(clause.value(match[1]) * 1000)))
        )
    return None


def _span_of_share_or_middle(clause: Clause) -> SpanMatch | None:
    """`Shorten it by 10%` takes it off the end; the middle is a third."""
    if match := _BY_SHARE.search(clause.line):
        share = TimelinePoint(share=clause.value(match[1]))
        clause.consume(*match.span())
        return SpanMatch("by", TimelineSpan(TIMELINE_START, share))
    if _MIDDLE_PART.search(clause.line):
        clause.line = clause.line.replace(" middle ", " middle part ", 1)
        part = extract_named_part(clause)
        return None if part is None else SpanMatch("middle", part)
    return None


def _as_shortening(clause: Clause, match: SpanMatch) -> SpanMatch:
    """`10 seconds shorter`: shortened by 10 seconds, not to 10 seconds."""
    if match.form in ("bare", "for") and " ~ short " in clause.line:
        return SpanMatch("by", match.span)
    return match


def _span_at_end(match: SpanMatch) -> TimelineSpan:
    length = match.span.end
    return TimelineSpan(TimelinePoint(length.ms, before_end=True, share=length.share), TIMELINE_END)


def _is_kept(clause: Clause, match: SpanMatch, line: str) -> bool | None:
    """Whether the span is kept (True) or removed (False); None if the words do not say."""
    form, span = match
    if clause.has_any("remove"):
        return clause.has_any("except") or (None if form == "to" else False)
    if clause.has_any("keep", "only"):
        return True
    if form == "by":
        return False if clause.has_any("trim", "cut", "lower", "short") else None
    if form == "after" and clause.has_any("from") and clause.has_any("video") and "later" in line:
        return True if clause.symbols.isdisjoint(_LIMIT_WORDS) else None
    if form in ("to", "bare", "for"):
        plain_cut = (
            form == "bare" and clause.has_any("cut") and not clause.has_any("set", "to", "long")
        )
        return (
            None
            if plain_cut or span.end == TIMELINE_END or clause.symbols.isdisjoint(_LIMIT_WORDS)
            else True
        )
    if form in ("at", "from", "after") and not clause.has_any("cut") and _EDGE.search(line):
        return True if clause.has_any("start") or form == "at" else None
    return _is_kept_by_trim(clause, form, line)


def _is_kept_by_trim(clause: Clause, form: str, line: str) -> bool | None:
    """The meaning of trim and cut: "to" a part keeps it, a part alone is removed."""
    if not clause.has_any("trim", "cut"):
        picked = (
            "first", "last", "between", "middle", "half", "after", "before", "from-start",
            "from-end",
        )  # fmt: skip
        return True if clause.has_any("take", "give") and form in picked else None
    if _KEPT.search(line):
        return True
    if form in _PART_FORMS:
        return False
    if form == "between":
        return clause.has_any("trim")
    return True if form == "from" or clause.has_any("trim") else None
