"""The words of one command as extractors match them: a line of symbols with numbered slots.

Also the part of the timeline that a clause names, and how it names it, and its clips or uploads.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ...intents import (
    SELECT_ALL,
    TIMELINE_END,
    TIMELINE_START,
    Selector,
    TimelinePoint,
    TimelineSpan,
    middle_span,
)
from ..lexer.tokens import ANY_SLOT, LexToken, Slot, TokenKind, slot_pattern

# "Take the logo off", "cut the first part out", "turn the sound off".
_SEPARABLE_VERBS = frozenset(("take", "cut", "trim", "split", "set", "edit", "move"))
_REMOVAL_PARTICLES = frozenset(("out", "off", "away"))
# The kinds of tokens that have a name and a value in the line of a clause.
_SLOT_KINDS = (TokenKind.SLOT, TokenKind.UNKNOWN)


class Clause:
    """Some tokens and the line that they make: ` remove first T2 of O3 clip `.

    In the line a slot is the letter of its `Slot` and the index of its token, `T2`: its name.
    """

    def __init__(self, tokens: Iterable[LexToken], original: str) -> None:
        separator = TokenKind.SEPARATOR
        self.tokens = [token for token in tokens if token.symbol and token.kind is not separator]
        self.original = original
        words = {word for token in self.tokens for word in token.symbol.split()}
        if not words.isdisjoint(_SEPARABLE_VERBS) and not words.isdisjoint(_REMOVAL_PARTICLES):
            words.add("remove")
        self.symbols = frozenset(words)
        self.reset_line()

    def reset_line(self) -> None:
        """Undo what an extractor consumed."""
        names = (
            f"{token.symbol}{n}" if token.kind in _SLOT_KINDS else token.symbol
            for n, token in enumerate(self.tokens)
        )
        self.line = f" {' '.join(names)} "
        slot = TokenKind.SLOT
        self._unread_indexes = {n for n, token in enumerate(self.tokens) if token.kind is slot}

    def value(self, slot_name: str) -> Any:
        """The value of the slot with this name, such as `T2`."""
        index = int(slot_name[1:])
        self._unread_indexes.discard(index)
        return self.tokens[index].value

    def values(self, slot: Slot) -> list[Any]:
        """The values of all slots of this type."""
        indexes = [
            index
            for index, token in enumerate(self.tokens)
            if token.kind in _SLOT_KINDS and token.symbol == slot
        ]
        self._unread_indexes.difference_update(indexes)
        return [self.tokens[index].value for index in indexes]

    def first_value(self, slot: Slot) -> Any:
        """The value of the first slot of this type; None if there is none."""
        return next(iter(self.values(slot)), None)

    def unread_slots(self) -> set[str]:
        """The slots whose values nobody has asked for; a number 1 does not count ("this one")."""
        left = (self.tokens[index] for index in self._unread_indexes)
        return {token.symbol for token in left if (token.symbol, token.value) != (Slot.NUMBER, 1.0)}

    def original_text(self, slot_name: str) -> str:
        """The user's own words for the slot with this name."""
        index = int(slot_name[1:])
        token = self.tokens[index]
        self._unread_indexes.discard(index)
        return self.original[token.start : token.end]

    def has_any(self, *words: str) -> bool:
        """Whether one of these words is in it."""
        return not self.symbols.isdisjoint(words)

    def consume(self, start: int, end: int) -> None:
        """Replace a part of the line that has been understood by `~`."""
        self.line = f"{self.line[:start].rstrip()} ~ {self.line[end:].lstrip()}"


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
_SPAN_PATTERNS: list[tuple[str, re.Pattern[str]]] = [
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
        ("around-middle", rf"middle (?:of )?(?P<length>{_TIME})"),
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
_HAS_SPAN_SYMBOL = re.compile(
    rf" (?:{_MEASURE_OR_NUMBER}|start|end|middle|halfway|all|throughout) "
)
_CLIP = r"(?:clip|video|photo|it|upload)"
_NAMES_OF_THINGS = (Slot.SCENE, Slot.COLOR)
_NAMING = slot_pattern(
    Slot.UNKNOWN_WORD, *_NAMES_OF_THINGS, Slot.MOOD, Slot.ASPECT_RATIO, Slot.POSITION
)
_QUOTED = slot_pattern(Slot.QUOTED_TEXT, Slot.UNKNOWN_WORD, *_NAMES_OF_THINGS)
_FILE = slot_pattern(Slot.FILE_NAME)
_NUMBER = slot_pattern(Slot.NUMBER)
_ORDINAL = slot_pattern(Slot.ORDINAL)
_NUMBER_OR_ORDINAL = slot_pattern(Slot.NUMBER, Slot.ORDINAL)
_SELECTOR_PATTERNS = [
    re.compile(pattern)
    for pattern in [
        rf" (?P<edge>first|last) (?P<count>{_NUMBER}) {_CLIP}(?= )",
        rf" (?:{_CLIP} )?(?:called )?(?P<file>{_FILE})(?: {_CLIP})?(?= )",
        rf" {_CLIP} (?:called |says )(?P<name>{_QUOTED})(?= )",
        rf" (?:clip|photo|video)(?: it)?(?: hash)? (?P<after>{_NUMBER_OR_ORDINAL})(?! times)(?= )",
        rf" (?P<before>{_ORDINAL})(?: (?:last|of|and))*(?: {_CLIP})*(?= )",
        rf" (?P<edge>first|last)(?: of)?(?: {_CLIP})+(?= )",
        r" (?:clip|photo) (?P<edge>first|last)(?= )",
        rf" (?P<named>{_NAMING}(?: {_NAMING})*)(?: of)? (?:clip|photo)(?= )",
        rf" (?P<nth>{_NUMBER}) hash (?:clip|photo)(?= )",
    ]
]
# "Clips 2 to 4", 第二到第四段.
_RANGE = re.compile(
    rf" (?:(?:clip|photo) ({_NUMBER})|({_ORDINAL})(?: clip)?) (?:through|until|to) (?:clip )?"
    rf"({_NUMBER_OR_ORDINAL})(?: clip)?(?= )"
)
_MAX_CLIPS = 20
_BARE = re.compile(r" (?P<edge>first|last)(?= )")


class SpanMatch(NamedTuple):
    """A span, and its form: `first`, `to`, `at` and so on decide what a command means."""

    form: str
    span: TimelineSpan


def extract_span(clause: Clause, *but: str) -> SpanMatch | None:
    """The span that the clause names; consumes it. `but` are the forms to skip."""
    if not _HAS_SPAN_SYMBOL.search(clause.line):
        return None
    for form, pattern in _SPAN_PATTERNS:
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
    if form == "around-middle":
        return middle_span(clause.value(groups["length"]))
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


_AT_TIMES = re.compile(rf" at {_TIME} (?:at|and|and at) {_TIME}(?= )")


def has_several_times(clause: Clause) -> bool:
    """Whether it says "at 2 s and at 4 s": the second is neither a length nor an end."""
    return _AT_TIMES.search(clause.line) is not None


def extract_selectors(clause: Clause, bare: bool = False) -> list[Selector]:
    """The clips that are named, in order; consumes them. Empty if none is named.

    `bare` includes a "first" or "last" without a noun: "swap the first and the last".
    """
    found: list[tuple[int, list[Selector]]] = []
    for pattern in (*_SELECTOR_PATTERNS, _BARE) if bare else _SELECTOR_PATTERNS:
        while match := pattern.search(clause.line):
            selectors = _selectors_of_match(clause, match)
            found.append((_match_position(match), selectors))
            clause.consume(*match.span())
    found.sort(key=lambda entry: entry[0])
    return [selectors for _, several in found for selectors in several]


def extract_clip_range(clause: Clause) -> list[Selector]:
    """The clips of a range: "clips 2 to 4"; empty if there is none."""
    match = _RANGE.search(clause.line)
    if match is None:
        return []
    low, high = (int(clause.value(slot)) for slot in (match[1] or match[2], match[3]))
    inside = 0 < low < high <= low + _MAX_CLIPS
    return [Selector(number=number) for number in range(low, high + 1)] if inside else []


def _match_position(match: re.Match[str]) -> int:
    slot = re.search(ANY_SLOT, match[0])
    return int(slot[0][1:]) * 4 if slot else match.start()


def _selectors_of_match(clause: Clause, match: re.Match[str]) -> list[Selector]:
    groups = {name: text for name, text in match.groupdict().items() if text}
    if "count" in groups:
        count = min(int(clause.value(groups["count"])), _MAX_CLIPS)
        numbers = range(1, count + 1) if groups["edge"] == "first" else range(-count, 0)
        return [Selector(number=number) for number in numbers]
    if "edge" in groups:
        return [Selector(number=1 if groups["edge"] == "first" else -1)]
    if "name" in groups and groups["name"][0] in _NAMES_OF_THINGS:
        return [Selector(name=clause.original_text(groups["name"]))]
    if "file" in groups or "name" in groups:
        return [Selector(name=str(clause.value(groups.get("file") or groups["name"])))]
    if "named" in groups:
        return [
            Selector(
                name=" ".join(
                    clause.original_text(slot_name) for slot_name in groups["named"].split()
                )
            )
        ]
    slot_name = groups.get("after") or groups.get("before") or groups["nth"]
    return [Selector(number=int(clause.value(slot_name)))]


def first_or_all(selectors: list[Selector]) -> Selector:
    """The first selector, or all clips."""
    return selectors[0] if selectors else SELECT_ALL


def extract_scope(clause: Clause, *but: str) -> list[Selector]:
    """What an effect applies to: clips, a span of them, or all. `but` as in `extract_span`."""
    match = extract_span(clause, *but)
    clips = extract_selectors(clause) or [SELECT_ALL]
    span = match.span if match else extract_named_part(clause)
    if span is None:
        return clips
    return [Selector(one.number, one.name, span) for one in clips]


_PART_PREPOSITIONS = r"(?: (?:at|in|on|of|for|to))+"
_NAMED_PART = re.compile(
    rf"(?:{_PART_PREPOSITIONS})?"
    r"(?: (?P<edge>start|end|intro|outro)| (?P<nth>first|last|middle) part"
    rf"|{_PART_PREPOSITIONS} (?P<mid>middle))(?: part)?(?= )"
)
_THIRDS = {
    "start": (0, 1), "intro": (0, 1), "first": (0, 1), "middle": (1, 2),
    "end": (2, 3), "outro": (2, 3), "last": (2, 3),
}  # fmt: skip


def extract_named_part(clause: Clause) -> TimelineSpan | None:
    """A part without a length, "in the middle", "the ending": a third; consumes it."""
    match = _NAMED_PART.search(clause.line)
    if match is None:
        return None
    clause.consume(*match.span())
    first, last = _THIRDS[match["edge"] or match["nth"] or match["mid"]]
    start = TimelinePoint(share=_round_share(first / 3)) if first else TIMELINE_START
    end = TimelinePoint(share=_round_share(last / 3)) if last < 3 else TIMELINE_END
    return TimelineSpan(start, end)
