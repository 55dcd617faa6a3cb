"""How long a client listens: heartbeats are patience, not failure, and not for ever (CLI-5)."""

from collections.abc import Iterator
from itertools import pairwise

from ..records.record import Record
from ..records.turn import Turn
from .rule import Finding, broken, client_check, held, unclear

_HEARTBEATS_ONLY = 600.0
_TURN = 900.0
# A limit was at stake from here on.
_NEARLY = 0.9


@client_check("client.heartbeats.patience", "CLI-5", "SSE-3")
def heartbeats_are_waited_out(record: Record) -> Iterator[Finding]:
    """A client MUST go on listening while heartbeats come: for 10 minutes, 15 in all."""
    for turn in record.turns:
        if not turn.hung_up or turn.failure or (turn.signs and turn.signs[-1].news):
            continue
        if turn.act.entry.response_size and not turn.signs:
            yield unclear("the journal does not tell when the stream said what", turn)
            continue
        quiet = turn.listened - max((sign.at for sign in turn.signs if sign.news), default=0.0)
        hasty = (
            record.tempo.shorter(quiet, _HEARTBEATS_ONLY),
            record.tempo.shorter(turn.listened, _TURN),
        )
        if False in hasty:
            yield held(turn)
        elif None in hasty:
            yield unclear(record.tempo.why, turn)
        else:
            yield broken("it hung up", "after 600 s of heartbeats", f"after {quiet:.0f} s", turn)


@client_check("client.heartbeats.limit", "CLI-5")
def heartbeats_alone_are_given_up(record: Record) -> Iterator[Finding]:
    """A client MUST give a turn up after 10 minutes of nothing but heartbeats."""
    for turn in record.turns:
        if not turn.signs:
            continue
        quiet = _longest_quiet(turn)
        if record.tempo.longer(quiet, _HEARTBEATS_ONLY):
            yield broken("it listened on", "for 600 s at most", f"{quiet:.0f} s", turn)
        elif quiet >= _HEARTBEATS_ONLY * _NEARLY:
            yield held(turn)


@client_check("client.turn.limit", "CLI-5", "SSE-6")
def turn_is_given_up_in_time(record: Record) -> Iterator[Finding]:
    """A client MUST listen to no turn for longer than 15 minutes."""
    for turn in record.turns:
        if record.tempo.longer(turn.listened, _TURN):
            told = f"{turn.listened:.0f} s"
            yield broken("it listened on", "for 900 s at most", told, turn)
        elif turn.listened >= _TURN * _NEARLY:
            yield held(turn)


def _longest_quiet(turn: Turn) -> float:
    """The longest time without news, in seconds, as far as the stream is kept."""
    news = [0.0, *(sign.at for sign in turn.signs if sign.news)]
    last = turn.signs[-1].at
    return max(after - before for before, after in pairwise([*news, max(last, news[-1])]))
