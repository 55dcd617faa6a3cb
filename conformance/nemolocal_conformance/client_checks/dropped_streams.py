"""Connections that break during a turn: do not resend, wait, read the state (CLI-4, SSE-7)."""

from collections.abc import Iterator
from itertools import pairwise

from ..traffic.client_log import ClientLog
from ..traffic.client_turn import ClientTurn
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, inconclusive, passed
from .state_reads import MAX_STATE_READS, check_resend, check_state_read, leading_unchanged_reads

_FIRST, _NEXT = 30.0, 60.0
# A state read after this time is the user's, not the client's.
_BY_ITSELF = 150.0
_UNKNOWN_ENDINGS = "the archive does not tell how replies ended"
_UNKNOWN = "the state before the turn is not known"


@client_check("client.cut.state-read", "CLI-4", "SSE-4")
def cut_turn_is_followed_by_state_read(log: ClientLog) -> Iterator[ClientFinding]:
    """After a stream that was cut off, the client MUST read the state."""
    yield from _unknown_endings(log)
    yield from (check_state_read(log, turn) for turn in _cuts(log))


@client_check("client.cut.wait", "CLI-4")
def state_read_waits_after_a_cut(log: ClientLog) -> Iterator[ClientFinding]:
    """After a cut stream a client MUST wait 30 s before it reads the state."""
    yield from _unknown_endings(log)
    for turn in _cuts(log):
        reads, _ = log.state_reads_after(turn)
        if reads:
            yield _apart(log, turn.ended, _FIRST, turn, reads[0])


def _cuts_with_reads(
    log: ClientLog,
) -> Iterator[tuple[ClientTurn, tuple[RecordedCall, ...], list[RecordedCall] | None]]:
    """Yield each cut turn, its state reads, and those of them at the start that saw no change."""
    for turn in _cuts(log):
        reads, _ = log.state_reads_after(turn)
        yield turn, reads, leading_unchanged_reads(log, turn, reads)


@client_check("client.cut.rhythm", "CLI-4")
def next_state_read_waits_while_unchanged(log: ClientLog) -> Iterator[ClientFinding]:
    """After an unchanged state a client MUST wait 60 s before it reads it again."""
    yield from _unknown_endings(log)
    for turn, reads, unchanged in _cuts_with_reads(log):
        if unchanged is None:
            yield inconclusive(_UNKNOWN, turn, *reads)
            continue
        polls = reads[: len(unchanged) + 1][:MAX_STATE_READS]
        for before, poll in pairwise(polls):
            yield _apart(log, before.entry.ended, _NEXT, before, poll)


@client_check("client.cut.reads", "CLI-4")
def unchanged_state_is_read_five_times(log: ClientLog) -> Iterator[ClientFinding]:
    """A client MUST treat a turn as failed after 5 reads of an unchanged state, and not before."""
    yield from _unknown_endings(log)
    for turn, reads, unchanged in _cuts_with_reads(log):
        if unchanged is None:
            yield inconclusive(_UNKNOWN, turn, *reads)
        elif reads:
            count = _automatic_reads(log, unchanged)
            changed = len(unchanged) < len(reads)
            right = count == MAX_STATE_READS or (changed and count < MAX_STATE_READS)
            actual = f"{count}, unchanged"
            found = failed("state reads", MAX_STATE_READS, actual, turn, *reads, missing=True)
            yield passed(turn, *reads) if right else found


@client_check("client.cut.resend", "CLI-4", "SSE-7")
def cut_message_is_not_sent_again(log: ClientLog) -> Iterator[ClientFinding]:
    """A message whose stream was cut off MUST NOT be sent again: the work goes on and
    is charged.
    """
    yield from _unknown_endings(log)
    for turn in _cuts(log):
        yield check_resend(log, turn)


@client_check("client.hang-up.resend", "SSE-7")
def disconnected_message_is_not_sent_again(log: ClientLog) -> Iterator[ClientFinding]:
    """A client that hangs up MUST NOT send the message again: the work goes on and is charged."""
    for turn in log.turns:
        if turn.is_disconnected:
            yield check_resend(log, turn)


def _cuts(log: ClientLog) -> list[ClientTurn]:
    return [turn for turn in log.turns if turn.is_cut]


def _unknown_endings(log: ClientLog) -> Iterator[ClientFinding]:
    """Report turns whose ending was not recorded as inconclusive."""
    if not log.has_endings and log.turns and not _cuts(log):
        yield inconclusive(_UNKNOWN_ENDINGS, *log.turns)


def _apart(
    log: ClientLog,
    since: float,
    wanted: float,
    before: RecordedCall | ClientTurn,
    call: RecordedCall,
) -> ClientFinding:
    gap = call.entry.started - since
    shorter = log.time_scale.is_shorter(gap, wanted)
    if shorter is None:
        return inconclusive(log.time_scale.unknown_reason, before, call)
    if shorter:
        return failed(
            "the wait before a state read", f"{wanted:.0f} s", f"{gap:.1f} s", before, call
        )
    return passed(before, call)


def _automatic_reads(log: ClientLog, polls: list[RecordedCall]) -> int:
    """Count the state reads that followed each other automatically, without the user."""
    count = min(len(polls), 1)
    for before, poll in pairwise(polls):
        if not log.time_scale.is_within(poll.entry.started - before.entry.ended, _BY_ITSELF):
            break
        count += 1
    return count
