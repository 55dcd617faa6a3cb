"""Extractors of selectors: the clips, titles or uploads that a clause names."""

import re

from ...intents import SELECT_ALL, Selector
from ..lexer.tokens import ANY_SLOT, Slot, slot_pattern
from .clause import Clause
from .span_extractors import extract_span

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
_PATTERNS = [
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


def extract_selectors(clause: Clause, bare: bool = False) -> list[Selector]:
    """The clips that are named, in order; consumes them. Empty if none is named.

    `bare` includes a "first" or "last" without a noun: "swap the first and the last".
    """
    found: list[tuple[int, list[Selector]]] = []
    for pattern in (*_PATTERNS, _BARE) if bare else _PATTERNS:
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
    if match is None:
        return clips
    return [Selector(one.number, one.name, match.span) for one in clips]
