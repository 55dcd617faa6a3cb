"""How long a client reads a stream: through heartbeats, but with a limit (CLI-5)."""

from collections.abc import Iterator
from itertools import pairwise

from ..traffic.client_log import ClientLog
from ..traffic.client_turn import ClientTurn
from .client_check import ClientFinding, client_check, failed, inconclusive, passed

_HEARTBEATS_ONLY = 600.0
_TURN = 900.0
# From this duration on a turn shows whether the client has a limit.
_NEARLY = 0.9


@client_check("client.heartbeats.patience", "CLI-5", "SSE-3")
def client_waits_through_heartbeats(log: ClientLog) -> Iterator[ClientFinding]:
    """A client MUST keep listening while heartbeats come: for 10 minutes, 15 in total."""
    for turn in log.turns:
        if (
            not turn.is_disconnected
            or turn.error_code
            or (turn.timed_events and turn.timed_events[-1].has_content)
        ):
            continue
        if turn.call.entry.response_size and not turn.call.entry.chunks:
            yield inconclusive("the journal does not have the times of the events", turn)
            continue
        quiet = turn.duration - max(
            (sign.seconds for sign in turn.timed_events if sign.has_content), default=0.0
        )
        hasty = (
            log.time_scale.is_shorter(quiet, _HEARTBEATS_ONLY),
            log.time_scale.is_shorter(turn.duration, _TURN),
        )
        if False in hasty:
            yield passed(turn)
        elif None in hasty:
            yield inconclusive(log.time_scale.unknown_reason, turn)
        else:
            yield failed(
                "the client disconnected", "after 600 s of heartbeats", f"after {quiet:.0f} s", turn
            )


@client_check("client.stream.to-end", "SSE-4", "CLI-5")
def program_reads_streams_to_their_end(log: ClientLog) -> Iterator[ClientFinding]:
    """A client MUST read a stream until the server closes it: no event is a final one."""
    for turn in log.turns:
        if turn.is_complete and turn.timed_events:
            yield passed(turn)
        if not turn.is_disconnected or turn.error_code or not turn.timed_events:
            continue
        if not turn.timed_events[-1].has_content:
            continue  # a matter of patience
        if not log.fixed_job:
            yield inconclusive("the user may have cancelled the turn", turn)
        elif next(log.calls_after(turn.call), None) is None:
            yield inconclusive("the program may have been stopped", turn)
        elif (shorter := log.time_scale.is_shorter(turn.duration, _TURN)) is None:
            yield inconclusive(log.time_scale.unknown_reason, turn)
        elif shorter:
            actual = f"after {turn.duration:.0f} s"
            yield failed("the client disconnected", "at the end of the stream", actual, turn)
        else:
            yield passed(turn)


@client_check("client.heartbeats.limit", "CLI-5")
def client_gives_up_on_heartbeats_alone(log: ClientLog) -> Iterator[ClientFinding]:
    """A client MUST give up a turn after 10 minutes of only heartbeats."""
    for turn in log.turns:
        if not turn.timed_events:
            continue
        quiet = _longest_gap(turn)
        if log.time_scale.is_longer(quiet, _HEARTBEATS_ONLY):
            yield failed("the client listened", "for 600 s at most", f"{quiet:.0f} s", turn)
        elif quiet >= _HEARTBEATS_ONLY * _NEARLY:
            yield passed(turn)


@client_check("client.turn.limit", "CLI-5", "SSE-6")
def client_gives_up_a_long_turn(log: ClientLog) -> Iterator[ClientFinding]:
    """A client MUST NOT listen to a turn for more than 15 minutes."""
    for turn in log.turns:
        if log.time_scale.is_longer(turn.duration, _TURN):
            actual = f"{turn.duration:.0f} s"
            yield failed("the client listened", "for 900 s at most", actual, turn)
        elif turn.duration >= _TURN * _NEARLY:
            yield passed(turn)


def _longest_gap(turn: ClientTurn) -> float:
    """Return the longest time without content, in seconds, as far as the stream was recorded."""
    news = [0.0, *(sign.seconds for sign in turn.timed_events if sign.has_content)]
    last = turn.timed_events[-1].seconds
    return max(after - before for before, after in pairwise([*news, max(last, news[-1])]))
