"""The results of turns. Some are known only after the stream, so the journal reads them later."""

from typing import Literal

import msgspec

from nemolocal_contract.journal import Entry, TurnEditState, TurnEntry

from ..data.store import Store


class TurnResult(msgspec.Struct, frozen=True):
    """A turn in the store; `applied` is when its draft was saved, `held` its hold in credits."""

    message: str
    silent: bool
    status: Literal["running", "done", "failed"]
    applied: float | None
    held: int
    answer: str | None
    resend: bool

    @property
    def cost(self) -> int:
        """The credits that the turn takes; 0 if its hold was released."""
        return 0 if self.answer == "release" else self.held


# Whether a turn was applied is read from the versions of the draft, not from the turn's status.
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
    """Reads the results of turns from the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, session_id: str, number: int) -> TurnResult | None:
        """The result of a turn; None if it was deleted."""
        return self._store.fetch_one(TurnResult, _TURN, session=session_id, number=number)

    def complete_entry(self, entry: Entry) -> Entry:
        """The entry with the result of its turn, and the rules that the result is about."""
        if entry.turn is None or entry.session_id is None:
            return entry
        result = self.find(entry.session_id, entry.turn.number)
        if result is None:
            return entry
        rules = [*entry.rules]
        if result.silent and entry.turn.edits:
            rules.append("SSE-5")
        if result.resend or entry.ending != "complete":
            rules.append("SSE-7")
        turn = TurnEntry(
            number=entry.turn.number,
            edits=entry.turn.edits,
            # Stored without our tokens; values that were sent as tokens since then are removed now.
            message=self._store.known_tokens.redact_all(result.message),
            silent=result.silent,
            truth=_edit_state(entry.turn, result, entry.ended),
            cost=result.cost,
            resend=result.resend,
            understood=entry.turn.understood,
            model=entry.turn.model,
        )
        return msgspec.structs.replace(entry, turn=turn, rules=tuple(rules))


def _edit_state(turn: TurnEntry, result: TurnResult, stream_ended: float) -> TurnEditState:
    is_known = turn.model is msgspec.UNSET or turn.model.outcome != "pending"
    if not turn.edits and is_known:
        return "talk"
    if result.applied is not None:
        return "applied" if result.applied <= stream_ended else "late"
    if result.status == "running":
        return "pending"
    # The client hung up before the model had answered, so nobody has noted what it asked for.
    return "not_applied" if is_known else "unknown"
