"""What looks at the state after a turn have shown, and what may be done then (CLI-3, CLI-4)."""

from collections.abc import Sequence

from ..records.act import Act
from ..records.record import Record
from ..records.turn import Turn
from .rule import Finding, broken, held, unclear

LOOKS = 5
"""So many looks at an unchanged state, and the turn has failed (CLI-4)."""


def leading_unchanged(record: Record, turn: Turn, reads: Sequence[Act]) -> list[Act] | None:
    """The looks that came before the first one that showed a change; None where that is unknown."""
    unchanged: list[Act] = []
    for read in reads:
        changed = record.changed(turn, read) if read.ok else False
        if changed is None:
            return None
        if changed:
            break
        unchanged.append(read)
    return unchanged


def again_unseen(record: Record, turn: Turn) -> Finding:
    """Whether a message was sent again before the state had told what became of it."""
    reads, after = record.reads_after(turn)
    if after is None or after.endpoint != "chat" or after.message != turn.message:
        return held(turn)
    unchanged = leading_unchanged(record, turn, reads)
    if unchanged is None:
        return unclear("the state before the turn is not known", turn, after)
    seen = len(unchanged) < len(reads) or len(unchanged) >= LOOKS
    if seen:
        return held(turn, after)
    cost = after.entry.turn.cost if after.entry.turn else 0
    told = f"sent again after {len(reads)} looks at the state"
    return broken("the same message", "never again", told, turn, after, credits=cost)
