"""Extractors of attributes: positions, colors, sizes, amounts."""

import re
from typing import cast

from nemolocal_contract.effects import Position

from ..lexer.tokens import Slot, slot_pattern
from .clause import Clause

_SIZES = {"small": 40, "big": 96, "huge": 140}
_MAX_SIZE = 1000
_OF_SCREEN = re.compile(rf" {slot_pattern(Slot.COLOR)} (?:frame|background) ")
_POINTS = re.compile(rf" (?:size|font)(?: to| of| at| set)* ({slot_pattern(Slot.NUMBER)}) ")
_PERCENT = re.compile(rf" ({slot_pattern(Slot.PERCENT)}) ")
_FRACTION = re.compile(rf" ({slot_pattern(Slot.FRACTION)}) ")
_NUMBER = re.compile(rf" ({slot_pattern(Slot.NUMBER)}) ")


def extract_position(clause: Clause) -> Position | None:
    """The position in the frame, named as a whole or by single words."""
    if (position := clause.first_value(Slot.POSITION)) is not None:
        return cast(Position, position)
    if clause.has_any("lowerthird"):
        return "bottom-left"
    row = "top" if clause.has_any("top") else "bottom" if clause.has_any("bottom") else None
    column = "left" if clause.has_any("left") else "right" if clause.has_any("right") else None
    if row or column:
        return cast(Position, f"{row or 'center'}-{column or 'center'}")
    return "center" if clause.has_any("middle") else None


def extract_color(clause: Clause) -> str | None:
    """The English name of the color, or #rrggbb; not that of "a black screen"."""
    if _OF_SCREEN.search(clause.line):
        return None
    return cast(str | None, clause.first_value(Slot.COLOR))


def extract_title_size(clause: Clause) -> int | None:
    """The font size in points; small, big and huge have fixed sizes."""
    points = clause.first_value(Slot.FONT_SIZE)
    if points is None and (named := _POINTS.search(clause.line)):
        points = clause.value(named[1])
    if points is not None:
        return int(max(1, min(round(points), _MAX_SIZE)))
    return next((points for word, points in _SIZES.items() if clause.has_any(word)), None)


def extract_title_scale(clause: Clause) -> float | None:
    """The factor of a title's size."""
    if clause.has_any("bigger") or (clause.has_any("big") and clause.has_any("more")):
        return 2.0 if clause.has_any("double") else 1.5
    if clause.has_any("smaller", "short", "compress"):
        return 0.67
    return None


def choose_by_degree(clause: Clause, default: float, bit: float, much: float) -> float:
    """One of three amounts, by the words for degree ("a bit", "a lot")."""
    if clause.has_any("bit"):
        return bit
    return much if clause.has_any("much") else default


def extract_share(clause: Clause) -> float | None:
    """The first percentage or fraction left in the line, so none of a consumed span."""
    found = _PERCENT.search(clause.line) or _FRACTION.search(clause.line)
    return None if found is None else cast(float, clause.value(found[1]))


def extract_number(clause: Clause) -> float | None:
    """The first number left in the line, so none of a consumed clip."""
    found = _NUMBER.search(clause.line)
    return None if found is None else cast(float, clause.value(found[1]))
