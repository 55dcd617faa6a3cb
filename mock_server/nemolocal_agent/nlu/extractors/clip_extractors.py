"""Commands about whole clips (their order, merging, uploads), and undo and redo."""

import re

from ...intents import (
    SELECT_ALL,
    AddMusic,
    Edit,
    Merge,
    MoveClip,
    PlaceUploads,
    Redo,
    RemoveClip,
    ReverseOrder,
    Selector,
    StartOver,
    SwapClips,
    Undo,
)
from ..lexer.tokens import Slot, TokenKind, slot_pattern
from .clause import Clause
from .selector_extractors import extract_selectors

_NUMBER = re.compile(rf" ({slot_pattern(Slot.NUMBER)})(?= )")


def extract_swap(clause: Clause) -> list[Edit] | None:
    """Swap two clips."""
    selectors = extract_selectors(clause, bare=True)
    if len(selectors) < 2:
        numbers = _NUMBER.findall(clause.line)
        selectors += [Selector(number=int(clause.value(slot))) for slot in numbers]
    return [SwapClips(selectors[0], selectors[1])] if len(selectors) == 2 else None


def extract_reverse_order(clause: Clause) -> list[Edit] | None:
    """Reverse the order of the clips."""
    if not clause.has_any("order") and (not clause.has_any("clip") or extract_selectors(clause)):
        return None  # clips that play backwards
    turned = clause.has_any("reverse", "backwards", "flip", "upsidedown")
    return [ReverseOrder()] if turned and not clause.has_any(Slot.COLOR, Slot.TIME) else None


_NTH = rf"(?:hash )?(?P<nth>{slot_pattern(Slot.NUMBER, Slot.ORDINAL)})"
_POSITION_WORDS = r"(?: (?:position|it|clip|photo|last))*(?= )"
_TARGET_PATTERNS = [
    (where, re.compile(pattern))
    for where, pattern in [
        ("before", rf" before (?:clip |photo )?{_NTH}{_POSITION_WORDS}"),
        ("after", rf" after (?:clip |photo )?{_NTH}{_POSITION_WORDS}"),
        ("start", rf" before first{_POSITION_WORDS}"),
        ("end", rf" after last{_POSITION_WORDS}"),
        ("start", r" (?:to |at |in |on )?start(?= )"),
        ("end", r" (?:to |at |in |on )?(?:end|back)(?= )"),
        ("start", rf" (?:to|at|in|as|be) (?:first|top){_POSITION_WORDS}"),
        ("end", rf" (?:to|at|in|as|be) last{_POSITION_WORDS}"),
        ("nth", rf" (?:to|at|in|as|be) (?:position )?{_NTH}{_POSITION_WORDS}"),
        ("nth", rf" position {_NTH}(?= )"),
        ("start", r" first(?: ~| it| clip)* $"),
        ("end", r" last(?: ~| it| clip)* $"),
    ]
]


def extract_move(clause: Clause) -> list[Edit] | None:
    """Move a clip to another position."""
    for where, pattern in _TARGET_PATTERNS:
        if match := pattern.search(clause.line):
            nth = int(clause.value(match["nth"])) if where in ("nth", "before", "after") else 0
            clause.consume(*match.span())
            selectors = extract_selectors(clause, bare=True)
            return (
                [MoveClip(selectors[0], _target_position(where, nth, selectors[0]))]
                if len(selectors) == 1
                else None
            )
    return None


def _target_position(where: str, nth: int, selector: Selector) -> int:
    """The position to move to, counted after the clip has left its old one."""
    if where in ("start", "end"):
        return 1 if where == "start" else -1
    moves_up = where != "nth" and selector.number is not None and 0 < selector.number < nth
    return nth + (where == "after") - moves_up


def extract_merge(clause: Clause) -> list[Edit] | None:
    """Merge all clips."""
    return [Merge()] if not clause.has_any(Slot.UNKNOWN_WORD, Slot.QUOTED_TEXT) else None


def extract_remove_clip(clause: Clause) -> list[Edit] | None:
    """Remove clips."""
    selectors = extract_selectors(clause)
    return [RemoveClip(one) for one in selectors] if selectors else None


_OTHER_SYMBOLS = (
    Slot.NUMBER,
    Slot.ORDINAL,
    Slot.TIME,
    Slot.PERCENT,
    Slot.FACTOR,
    Slot.FRACTION,
    Slot.DEGREES,
    Slot.POSITION,
    "first",
    "last",
    "position",
    "order",
)


def extract_place_uploads(clause: Clause) -> list[Edit] | None:
    """Place all uploads, or the named ones."""
    if any(token.kind == TokenKind.DISCOURSE for token in clause.tokens):
        return None
    made = clause.has_any("generate") and not clause.has_any("from", "out", "with", "upload")
    if (
        made
        or not clause.has_any("video", "clip", "photo", "upload", Slot.FILE_NAME)
        or clause.has_any(*_OTHER_SYMBOLS)
    ):
        return None
    selectors = [one for one in extract_selectors(clause) if one.name is not None]
    return [_edit_for_upload(one) for one in selectors or [SELECT_ALL]]


def _edit_for_upload(selector: Selector) -> Edit:
    """Place an upload; a sound becomes the music."""
    if selector.name and selector.name.lower().endswith((".mp3", ".wav", ".m4a", ".aac")):
        return AddMusic(name=selector.name)
    return PlaceUploads(selector)


def extract_history(clause: Clause) -> list[Edit] | None:
    """Undo and redo, with the number of steps; start over."""
    if clause.has_any("restart"):
        return [StartOver()]
    if clause.has_any("redo"):
        return [Redo(_steps(clause))]
    if clause.has_any("all", "everything"):
        return None  # that would be to start over: too much to guess
    return [Undo(_steps(clause))]


def _steps(clause: Clause) -> int:
    # The factor of "undo the 2x speed" is no number of steps.
    slots = (Slot.NUMBER,) if clause.has_any("speed") else (Slot.NUMBER, Slot.FACTOR)
    for slot in slots:
        if (count := clause.first_value(slot)) is not None:
            return max(1, min(int(count), 100))
    return 2 if clause.has_any("double") else 3 if clause.has_any("triple") else 1
