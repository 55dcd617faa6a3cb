"""Commands about lengths: what stays and what goes."""

import re

from ...intents import (
    ALL,
    Edit,
    Keep,
    Moment,
    Remove,
    RemoveClip,
    Span,
    StartOver,
    Which,
)
from ...intents.reach import END, START
from .clause import Clause
from .selection import read_clips, read_range
from .spans import Stretch, read_stretch

_LIMITS = frozenset(("trim", "cut", "set", "long", "lower", "max", "take", "stop", "to"))
_PARTS = (
    "first",
    "last",
    "from-start",
    "from-end",
    "after",
    "before",
    "middle",
    "half",
)
_BARE = re.compile(r" to (N\d+) (?:~ |video |it )*$")
_KEPT = re.compile(r" to (?:~|(?:[A-Z]\d+ )?(?:first|last|middle) )")
_WHOLE = re.compile(r" all (?:of )?(?:video|clip)(?= )")
_EDGE = re.compile(r" (?:start|stop|end|last) ")


def read_cut(clause: Clause) -> list[Edit] | None:
    """Keep or remove a stretch of the timeline or of clips, or remove clips."""
    if clause.has("ends", "removeends"):
        return _off_both_ends(clause)
    if clause.has("per"):
        return None
    if clause.has("remove") and (row := read_range(clause)):
        return [RemoveClip(one) for one in row] if not clause.has("T", "except") else None
    clause.line = _WHOLE.sub(" video ", clause.line)
    line = clause.line
    stretch = read_stretch(clause)
    clips = read_clips(clause)
    stretch = stretch or _bare_number(clause)
    if stretch is None:
        return _whole(clause, clips)
    if stretch.how == "all":
        return None
    stretches = [_shortened(clause, stretch)]
    while (another := read_stretch(clause, "bare", "all", "to", "at")) is not None:
        stretches.append(another)
    return _cut(clause, line, stretches, clips or [ALL])


def _cut(
    clause: Clause, line: str, stretches: list[Stretch], clips: list[Which]
) -> list[Edit] | None:
    how, span = stretches[0]
    keeps = _keeps(clause, stretches[0], line)
    if keeps and len(stretches) > 1:
        return _between_kept([one.span for one in stretches], clips)
    if keeps is None or span.end in (START, Moment(share=0.0)):
        return None
    if not keeps:
        gone = [_off_the_end(one) if one.how == "by" else one.span for one in stretches]
        return [Remove(one, which) for one in gone for which in clips]
    if how == "at" and not clause.has("start"):
        span = Span(START, span.start)
    return None if span == Span() else [Keep(span, which) for which in clips]


def _between_kept(spans: list[Span], clips: list[Which]) -> list[Edit] | None:
    """To keep the beginning and the end is to remove what is between them."""
    begins = [span for span in spans if span.start == START]
    ends = [span for span in spans if span.end == END]
    if len(begins) != 1 or len(ends) != 1 or len(spans) != 2:
        return None
    return [Remove(Span(begins[0].end, ends[0].start), which) for which in clips]


def _whole(clause: Clause, clips: list[Which]) -> list[Edit] | None:
    """Whole clips go, or everything."""
    if not clause.has("remove"):
        return None
    if clips:
        return None if clause.has("except") else [RemoveClip(one) for one in clips]
    if not clause.has("all", "everything") or clause.has("except", "keep", "X", "H"):
        return None
    if clause.has("photo"):
        return None
    return [RemoveClip(ALL)] if clause.has("upload", "clip") else [StartOver()]


def _off_both_ends(clause: Clause) -> list[Edit] | None:
    time = clause.first("T")
    if time is None or not clause.has("remove", "cut", "trim", "removeends"):
        return None
    return [
        Remove(Span(START, Moment(time))),
        Remove(Span(Moment(time, before_end=True), END)),
    ]


def _bare_number(clause: Clause) -> Stretch | None:
    """`the third to 5`: seconds, where nothing else can be meant."""
    if match := _BARE.search(clause.line):
        return Stretch("to", Span(START, Moment(round(clause.value(match[1]) * 1000))))
    return None


def _shortened(clause: Clause, stretch: Stretch) -> Stretch:
    """`10 seconds shorter` is by so much, not to so much."""
    if stretch.how in ("bare", "for") and " ~ short " in clause.line:
        return Stretch("by", stretch.span)
    return stretch


def _off_the_end(stretch: Stretch) -> Span:
    length = stretch.span.end
    return Span(Moment(length.ms, before_end=True, share=length.share), END)


def _keeps(clause: Clause, stretch: Stretch, line: str) -> bool | None:
    """Whether the stretch stays: True, or goes: False; None where the words do not tell."""
    how, span = stretch
    if clause.has("remove"):
        return clause.has("except") or (None if how == "to" else False)
    if clause.has("keep", "only"):
        return True
    if how == "by":
        return False if clause.has("trim", "cut", "lower", "short") else None
    if how == "after" and clause.has("from") and clause.has("video") and "later" in line:
        return True if clause.words.isdisjoint(_LIMITS) else None
    if how in ("to", "bare", "for"):
        plain_cut = how == "bare" and clause.has("cut") and not clause.has("set", "to", "long")
        return None if plain_cut or span.end == END or clause.words.isdisjoint(_LIMITS) else True
    if how in ("at", "from", "after") and not clause.has("cut") and _EDGE.search(line):
        return True if clause.has("start") or how == "at" else None
    return _trims(clause, how, line)


def _trims(clause: Clause, how: str, line: str) -> bool | None:
    """What trimming and cutting mean: to a part keeps it, a part alone goes."""
    if not clause.has("trim", "cut"):
        picked = ("first", "last", "between", "middle", "half", "after", "before")
        return True if clause.has("take", "give") and how in picked else None
    if _KEPT.search(line):
        return True
    if how in _PARTS:
        return False
    if how == "between":
        return clause.has("trim")
    return True if how == "from" or clause.has("trim") else None
