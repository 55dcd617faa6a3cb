"""State reads after a turn: what they show, and who repeated a message (CLI-3, CLI-4).

A client never sends a message again that was worked on. Its user may, having seen what became of
the turn. A repetition is the user's if

- the client is not a program with one fixed job,
- the client had found out what became of the turn: a state read showed a change, or five did not,
- and at least two seconds of real time passed after the request before it. No user reads a reply
  and repeats a message sooner; a client that repeats it by itself does so at once.

A journal cannot prove that there was a user, so such a repetition is inconclusive.
"""

from collections.abc import Sequence

from nemolocal_contract.plurals import pluralize
from nemolocal_contract.responses import ResponseCode

from ..traffic.client_log import ClientLog
from ..traffic.client_turn import ClientTurn
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, failed, inconclusive, passed

MAX_STATE_READS = 5
"""After so many reads of an unchanged state the turn has failed (CLI-4)."""
# The shortest time in which a user reads a reply and repeats a message, in real seconds.
_USER_PAUSE = 2.0
_USER_REPEAT = "the user may have repeated the message"


def check_state_read(log: ClientLog, turn: ClientTurn) -> ClientFinding:
    """Require that the client reads the state after a turn before anything else in its session."""
    reads, after = log.state_reads_after(turn)
    if reads:
        return passed(turn, reads[0])
    actual = after.label if after else "nothing more"
    shown = (after,) if after else ()
    return failed("the next call", "a state read", actual, turn, *shown, missing=True)


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
    """Check whether the client itself sent the message of a turn again."""
    reads, after = log.state_reads_after(turn)
    again = _next_message(log, turn) if log.fixed_job else after
    if again is None or again.endpoint != "chat" or again.message != turn.message:
        return passed(turn)
    if not log.fixed_job:
        unchanged = leading_unchanged_reads(log, turn, reads)
        if unchanged is None:
            return inconclusive("the state before the turn is not known", turn, again)
        known = len(unchanged) < len(reads) or len(unchanged) >= MAX_STATE_READS
        if known and _may_be_by_the_user(log, again):
            return inconclusive(_USER_REPEAT, turn, again)
    cost = again.entry.turn.cost if again.entry.turn else 0
    actual = f"sent again after {pluralize(len(reads), 'state read')}"
    return failed("the same message", "sent once", actual, turn, again, credits=cost)


def _next_message(log: ClientLog, turn: ClientTurn) -> RecordedCall | None:
    """Return the next message in any session; None if the session of the turn was lost before."""
    for call in log.all_calls[log.position(turn.call) + 1 :]:
        if call.code == ResponseCode.SESSION_NOT_FOUND and call.session_id == turn.session_id:
            return None
        if call.endpoint == "chat":
            return call
    return None


def _may_be_by_the_user(log: ClientLog, again: RecordedCall) -> bool:
    """Whether a user had the time to repeat a message; a clock that stands still does not tell."""
    earlier = log.all_calls[: log.position(again)]
    pause = again.entry.started - max(call.entry.ended for call in earlier)
    return log.time_scale.speed is None or pause >= _USER_PAUSE
