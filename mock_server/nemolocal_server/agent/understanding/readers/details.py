"""How, where and how much: places, colours, degrees, directions."""

import re
from typing import cast

from nemolocal_contract.effects import Position

from .clause import Clause

_SIZES = {"small": 40, "big": 96, "huge": 140}
_LARGEST = 1000
_POINTS = re.compile(r" (?:size|font)(?: to| of| at| set)* (N\d+) ")
_PERCENT, _FRACTION = re.compile(r" (P\d+) "), re.compile(r" (F\d+) ")
_NUMBER = re.compile(r" (N\d+) ")


def position(clause: Clause) -> Position | None:
    """Where in the picture: the named place, or the one that single words make."""
    if (place := clause.first("A")) is not None:
        return cast(Position, place)
    if clause.has("lowerthird"):
        return "bottom-left"
    row = "top" if clause.has("top") else "bottom" if clause.has("bottom") else None
    column = "left" if clause.has("left") else "right" if clause.has("right") else None
    if row or column:
        return cast(Position, f"{row or 'center'}-{column or 'center'}")
    return "center" if clause.has("middle") else None


def color(clause: Clause) -> str | None:
    """The colour's English name, or #rrggbb."""
    return cast(str | None, clause.first("C"))


def size(clause: Clause) -> int | None:
    """The size of a title: its points, or what small, big and huge mean."""
    points = clause.first("Z")
    if points is None and (named := _POINTS.search(clause.line)):
        points = clause.value(named[1])
    if points is not None:
        return int(max(1, min(round(points), _LARGEST)))
    return next((points for word, points in _SIZES.items() if clause.has(word)), None)


def grow(clause: Clause) -> float | None:
    """A factor on a title's size."""
    if clause.has("bigger") or (clause.has("big") and clause.has("more")):
        return 2.0 if clause.has("double") else 1.5
    if clause.has("smaller", "short", "compress"):
        return 0.67
    return None


def degree(clause: Clause, usual: float, bit: float, much: float) -> float:
    """The amount that the words for degree mean."""
    if clause.has("bit"):
        return bit
    return much if clause.has("much") else usual


def share(clause: Clause) -> float | None:
    """The first percentage or fraction that is left in the line: none of a span that was read."""
    found = _PERCENT.search(clause.line) or _FRACTION.search(clause.line)
    return None if found is None else cast(float, clause.value(found[1]))


def number(clause: Clause) -> float | None:
    """The first number that is left in the line: none that names a clip which has been read."""
    found = _NUMBER.search(clause.line)
    return None if found is None else cast(float, clause.value(found[1]))
