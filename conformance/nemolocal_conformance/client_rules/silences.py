"""Turns that end without a word: the state tells, the message is never sent again (CLI-3)."""

from collections.abc import Iterator
from itertools import pairwise

from ..records.record import Record
from .looks import LOOKS, again_unseen, leading_unchanged
from .rule import Finding, broken, client_check, held, unclear

_APART = 30.0


@client_check("client.silent.state-read", "CLI-3", "SSE-5")
def silent_turn_is_looked_into(record: Record) -> Iterator[Finding]:
    """A stream that ends without text MUST be followed by a look at the state."""
    for turn in record.turns:
        if not turn.silent:
            continue
        reads, after = record.reads_after(turn)
        if reads:
            yield held(turn, reads[0])
        else:
            told = after.what if after else "nothing more"
            shown = (after,) if after else ()
            yield broken("what came next", "a look at the state", told, turn, *shown, missing=True)


@client_check("client.resend", "CLI-3", "SSE-7")
def silent_message_is_not_sent_again(record: Record) -> Iterator[Finding]:
    """A message whose stream ended without text MUST NOT be sent again: it was worked on."""
    for turn in record.turns:
        if turn.silent:
            yield again_unseen(record, turn)


@client_check("client.state.rhythm", "CLI-3")
def state_is_not_asked_too_often(record: Record) -> Iterator[Finding]:
    """After a silent turn the state SHOULD be looked at 30 s apart, and 5 times at most."""
    for turn in record.turns:
        if not turn.silent:
            continue
        reads, _ = record.reads_after(turn)
        unchanged = leading_unchanged(record, turn, reads)
        if unchanged is None:
            yield unclear("the state before the turn is not known", turn, *reads)
            continue
        looks = reads[: len(unchanged) + 1]
        gaps = [(b.entry.started - a.entry.ended, a, b) for a, b in pairwise(looks)]
        hasty = [(gap, a, b) for gap, a, b in gaps if record.tempo.shorter(gap, _APART)]
        if hasty:
            gap, a, b = hasty[0]
            yield broken("a look at the state", "after 30 s", f"after {gap:.1f} s", turn, a, b)
        elif len(unchanged) > LOOKS:
            yield broken("looks", f"{LOOKS} at most", len(unchanged), turn, *unchanged)
        elif any(record.tempo.shorter(gap, _APART) is None for gap, _, _ in gaps):
            yield unclear(record.tempo.why, turn, *looks)
        elif reads:
            yield held(turn, *looks)
