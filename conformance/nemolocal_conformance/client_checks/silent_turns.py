"""Turns that end without text: read the state, never send the message again (CLI-3)."""

from collections.abc import Iterator
from itertools import pairwise

from ..traffic.client_log import ClientLog
from .client_check import ClientFinding, client_check, failed, inconclusive, passed
from .state_reads import MAX_STATE_READS, check_resend, check_state_read, leading_unchanged_reads

_APART = 30.0


@client_check("client.silent.state-read", "CLI-3", "SSE-5")
def silent_turn_is_followed_by_state_read(log: ClientLog) -> Iterator[ClientFinding]:
    """After a stream that ends without text, the client MUST read the state."""
    for turn in log.turns:
        if not turn.is_silent:
            continue
        yield check_state_read(log, turn)


@client_check("client.resend", "CLI-3", "SSE-7")
def answered_message_is_not_sent_again(log: ClientLog) -> Iterator[ClientFinding]:
    """A message whose stream ended, with or without text, MUST NOT be sent again."""
    for turn in log.turns:
        # A user may ask for the same twice; a program that does has not understood the text.
        answered = log.fixed_job and turn.is_complete and not turn.error_code
        if turn.is_silent or answered:
            yield check_resend(log, turn)


@client_check("client.state.rhythm", "CLI-3")
def state_is_not_asked_too_often(log: ClientLog) -> Iterator[ClientFinding]:
    """After a silent turn the state SHOULD be read every 30 s, 5 times at most."""
    for turn in log.turns:
        if not turn.is_silent:
            continue
        reads, _ = log.state_reads_after(turn)
        unchanged = leading_unchanged_reads(log, turn, reads)
        if unchanged is None:
            yield inconclusive("the state before the turn is not known", turn, *reads)
            continue
        polls = reads[: len(unchanged) + 1]
        gaps = [(b.entry.started - a.entry.ended, a, b) for a, b in pairwise(polls)]
        hasty = [(gap, a, b) for gap, a, b in gaps if log.time_scale.is_shorter(gap, _APART)]
        if hasty:
            gap, a, b = hasty[0]
            yield failed("a state read", "after 30 s", f"after {gap:.1f} s", turn, a, b)
        elif len(unchanged) > MAX_STATE_READS:
            yield failed(
                "state reads", f"{MAX_STATE_READS} at most", len(unchanged), turn, *unchanged
            )
        elif any(log.time_scale.is_shorter(gap, _APART) is None for gap, _, _ in gaps):
            yield inconclusive(log.time_scale.unknown_reason, turn, *polls)
        elif reads:
            yield passed(turn, *polls)
