"""Connections that break in a turn: never again, wait, look at the state (CLI-4, SSE-7)."""

from collections.abc import Iterator
from itertools import pairwise

from ..records.act import Act
from ..records.record import Record
from ..records.turn import Turn
from .looks import LOOKS, again_unseen, leading_unchanged
from .rule import Finding, broken, client_check, held, unclear

_FIRST, _NEXT = 30.0, 60.0
# A look that comes later than this is the user's.
_BY_ITSELF = 150.0
_BLIND = "the archive does not tell how replies ended"
_UNKNOWN = "the state before the turn is not known"


@client_check("client.cut.state-read", "CLI-4", "SSE-4")
def cut_turn_is_looked_into(record: Record) -> Iterator[Finding]:
    """A stream that was cut is not at its end: the client MUST look at the state."""
    yield from _blind(record)
    for turn in _cuts(record):
        reads, after = record.reads_after(turn)
        if reads:
            yield held(turn, reads[0])
        else:
            told = after.what if after else "nothing more"
            shown = (after,) if after else ()
            yield broken("what came next", "a look at the state", told, turn, *shown, missing=True)


@client_check("client.cut.wait", "CLI-4")
def cut_turn_is_given_time(record: Record) -> Iterator[Finding]:
    """After a cut a client MUST wait 30 s before it looks at the state."""
    yield from _blind(record)
    for turn in _cuts(record):
        reads, _ = record.reads_after(turn)
        if reads:
            yield _apart(record, turn.ended, _FIRST, turn, reads[0])


@client_check("client.cut.rhythm", "CLI-4")
def unchanged_state_is_given_time(record: Record) -> Iterator[Finding]:
    """After a look at an unchanged state a client MUST wait 60 s before the next one."""
    yield from _blind(record)
    for turn in _cuts(record):
        reads, _ = record.reads_after(turn)
        unchanged = leading_unchanged(record, turn, reads)
        if unchanged is None:
            yield unclear(_UNKNOWN, turn, *reads)
            continue
        looks = reads[: len(unchanged) + 1][:LOOKS]
        for before, look in pairwise(looks):
            yield _apart(record, before.entry.ended, _NEXT, before, look)


@client_check("client.cut.reads", "CLI-4")
def unchanged_state_is_read_five_times(record: Record) -> Iterator[Finding]:
    """A client MUST take a turn for failed after 5 looks at an unchanged state, not before."""
    yield from _blind(record)
    for turn in _cuts(record):
        reads, _ = record.reads_after(turn)
        unchanged = leading_unchanged(record, turn, reads)
        if unchanged is None:
            yield unclear(_UNKNOWN, turn, *reads)
        elif reads:
            count = _by_itself(record, unchanged)
            changed = len(unchanged) < len(reads)
            right = count == LOOKS or (changed and count < LOOKS)
            told = f"{count} looks, unchanged"
            found = broken("looks", LOOKS, told, turn, *reads, missing=True)
            yield held(turn, *reads) if right else found


@client_check("client.cut.resend", "CLI-4", "SSE-7")
def cut_message_is_not_sent_again(record: Record) -> Iterator[Finding]:
    """A message whose stream was cut MUST NOT be sent again: the work goes on and is charged."""
    yield from _blind(record)
    for turn in _cuts(record):
        yield again_unseen(record, turn)


@client_check("client.hang-up.resend", "SSE-7")
def left_message_is_not_sent_again(record: Record) -> Iterator[Finding]:
    """Who hangs up MUST NOT send the message again: the work goes on and is charged."""
    for turn in record.turns:
        if turn.hung_up:
            yield again_unseen(record, turn)


def _cuts(record: Record) -> list[Turn]:
    return [turn for turn in record.turns if turn.cut]


def _blind(record: Record) -> Iterator[Finding]:
    """Nothing can be said of turns whose end nobody wrote down."""
    if not record.endings and record.turns and not _cuts(record):
        yield unclear(_BLIND, *record.turns)


def _apart(record: Record, since: float, wanted: float, before: Act | Turn, act: Act) -> Finding:
    gap = act.entry.started - since
    shorter = record.tempo.shorter(gap, wanted)
    if shorter is None:
        return unclear(record.tempo.why, before, act)
    if shorter:
        return broken("the wait", f"{wanted:.0f} s", f"{gap:.1f} s", before, act)
    return held(before, act)


def _by_itself(record: Record, looks: list[Act]) -> int:
    """How many looks followed each other as a client's do, without its user."""
    count = min(len(looks), 1)
    for before, look in pairwise(looks):
        if not record.tempo.soon(look.entry.started - before.entry.ended, _BY_ITSELF):
            break
        count += 1
    return count
