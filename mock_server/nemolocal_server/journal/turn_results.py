"""What became of a turn: known only after its stream ended, so asked when the journal is read."""

from typing import Literal

import msgspec

from nemolocal_contract.journal import Entry, TurnEditState, TurnEntry

from ..data.store import Store


class TurnResult(msgspec.Struct, frozen=True):
    """What the store knows of a turn: when its draft was saved, and the credits that it held."""

    message: str
    silent: bool
    status: Literal["running", "done", "failed"]
    applied: float | None
    held: int
    answer: str | None
    resend: bool

    @property
    def cost(self) -> int:
        """The credits that the turn takes; 0 where they were given back."""
        return 0 if self.answer == "release" else self.held


# The draft's own versions say whether a turn is in it, whatever the turn says of itself.
_TURN = """
SELECT t.message, t.silent, t.status, coalesce(hold.frozen, 0) AS held, answer.kind AS answer,
    (SELECT min(created) FROM drafts d
     WHERE d.session_id = t.session_id AND d.turn = t.number) AS applied,
    coalesce(before.message = t.message, 0) AS resend
FROM turns t
LEFT JOIN ledger hold ON hold.id = t.hold_id
LEFT JOIN ledger answer ON answer.hold_id = t.hold_id
LEFT JOIN turns before ON before.session_id = t.session_id AND before.number = t.number - 1
WHERE t.session_id = :session AND t.number = :number
"""


class TurnResults:
    """Reads what the store knows of turns by now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, session_id: str, number: int) -> TurnResult | None:
        """What became of a turn; None where it is forgotten."""
        return self._store.fetch_one(TurnResult, _TURN, session=session_id, number=number)

    def complete_entry(self, entry: Entry) -> Entry:
        """The entry with what became of its turn, and the rules that this touches."""
        if entry.turn is None or entry.session_id is None:
            return entry
        fate = self.find(entry.session_id, entry.turn.number)
        if fate is None:
            return entry
        rules = [*entry.rules]
        if fate.silent and entry.turn.edits:
            rules.append("SSE-5")
        if fate.resend or entry.ending != "complete":
            rules.append("SSE-7")
        # Stored without tokens of ours; what was sent as one since then goes here.
        message = self._store.known_tokens.redact_all(fate.message)
        turn = _complete_turn(
            entry.turn, msgspec.structs.replace(fate, message=message), entry.ended
        )
        return msgspec.structs.replace(entry, turn=turn, rules=tuple(rules))


def _complete_turn(turn: TurnEntry, fate: TurnResult, stream_ended: float) -> TurnEntry:
    return TurnEntry(
        number=turn.number,
        edits=turn.edits,
        message=fate.message,
        silent=fate.silent,
        truth=_edit_state(turn, fate, stream_ended),
        cost=fate.cost,
        resend=fate.resend,
    )


def _edit_state(turn: TurnEntry, fate: TurnResult, stream_ended: float) -> TurnEditState:
    if not turn.edits:
        return "talk"
    if fate.applied is not None:
        return "applied" if fate.applied <= stream_ended else "late"
    return "pending" if fate.status == "running" else "not_applied"
