"""Commands about what was done before."""

from ...intents import Edit, Redo, StartOver, Undo
from .clause import Clause


def extract_history(clause: Clause) -> list[Edit] | None:
    """Undo and redo, with how many steps; start over."""
    if clause.has_any("restart"):
        return [StartOver()]
    if clause.has_any("redo"):
        return [Redo(_steps(clause))]
    if clause.has_any("all", "everything"):
        return None  # that is to start over, and too much to be guessed at
    return [Undo(_steps(clause))]


def _steps(clause: Clause) -> int:
    for letter in "N" if clause.has_any("speed") else "NK":
        if (count := clause.first_value(letter)) is not None:
            return max(1, min(int(count), 100))
    return 2 if clause.has_any("double") else 3 if clause.has_any("triple") else 1
