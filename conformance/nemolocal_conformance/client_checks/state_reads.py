"""State reads after a turn: what they show, and when a message may be resent (CLI-3, CLI-4)."""

from collections.abc import Sequence

from ..traffic.client_log import ClientLog
from ..traffic.client_turn import ClientTurn
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, failed, inconclusive, passed

MAX_STATE_READS = 5
"""After so many reads of an unchanged state the turn has failed (CLI-4)."""


def leading_unchanged_reads(
    log: ClientLog, turn: ClientTurn, reads: Sequence[RecordedCall]
) -> list[RecordedCall] | None:
    """Return the reads before the first one that shows a change; None if that is unknown."""
    unchanged: list[RecordedCall] = []
    for read in reads:
        changed = log.has_draft_changed(turn, read) if read.is_ok else False
        if changed is None:
            return None
        if changed:
            break
        unchanged.append(read)
    return unchanged


def check_resend(log: ClientLog, turn: ClientTurn) -> ClientFinding:
    """Check whether a message was resent before a state read showed the result of the turn."""
    reads, after = log.state_reads_after(turn)
    if after is None or after.endpoint != "chat" or after.message != turn.message:
        return passed(turn)
    unchanged = leading_unchanged_reads(log, turn, reads)
    if unchanged is None:
        return inconclusive("the state before the turn is not known", turn, after)
    seen = len(unchanged) < len(reads) or len(unchanged) >= MAX_STATE_READS
    if seen:
        return passed(turn, after)
    cost = after.entry.turn.cost if after.entry.turn else 0
    actual = f"sent again after {len(reads)} looks at the state"
    return failed("the same message", "never again", actual, turn, after, credits=cost)
