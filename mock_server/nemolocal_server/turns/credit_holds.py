"""What turns hold and pay: each clip, and editing once a session (CRD-2, CRD-3).

Of several edits of a session at once each holds the fee until one has succeeded. That one pays it,
and the others get theirs back: none is free because another failed.
"""

from collections.abc import Sequence

import msgspec

from nemolocal_agent import Edit, is_editing, is_generation

from ..data.ledger import Ledger
from ..data.sessions import SessionRecord
from ..data.store import Store
from ..data.tokens import TokenRecord
from ..settings import Tariff

_GENERATION, _EDITING = "generation", "editing"


class _Hold(msgspec.Struct, frozen=True):
    """What a turn that runs holds; `id` is its row in the ledger."""

    number: int
    id: int
    token_id: int
    amount: int
    reason: str

    @property
    def is_for_editing(self) -> bool:
        return self.reason.endswith(_EDITING)


class CreditHolds:
    """The holds of all turns, each found by its session and number: it may be exchanged."""

    def __init__(self, store: Store, ledger: Ledger, tariff: Tariff) -> None:
        self._store = store
        self._ledger = ledger
        self._tariff = tariff

    def take(self, token: TokenRecord, session: SessionRecord, edits: Sequence[Edit]) -> int | None:
        """Freeze what a new turn with these edits may cost; 2001 where credits lack (CRD-4)."""
        clips = sum(map(is_generation, edits))
        editing = any(map(is_editing, edits)) and not self._is_edited(session.id)
        cost = clips * self._tariff.generation + editing * self._tariff.editing
        what = " and ".join([_GENERATION] * bool(clips) + [_EDITING] * editing)
        return self._ledger.hold(token, cost, what)

    def settle(self, session_id: str, number: int) -> None:
        """The turn has succeeded: take what it holds.

        Where that is for editing, what else runs in this session holds its clips only.
        """
        holds = self._running_holds(session_id)
        paid = next((hold for hold in holds if hold.number == number), None)
        if paid is None:
            return
        self._ledger.settle(paid.id, "done")
        if paid.is_for_editing:
            others = [hold for hold in holds if hold.is_for_editing and hold is not paid]
            self._release_editing(session_id, others)

    def release(self, session_id: str, number: int, reason: str) -> None:
        """The turn has failed: give back what it holds."""
        self._ledger.release(self._find_hold_id(session_id, number), reason)

    def _find_hold_id(self, session_id: str, number: int) -> int | None:
        hold_id: int | None = self._store.fetch_value(
            "SELECT hold_id FROM turns WHERE session_id = :session AND number = :number",
            session=session_id,
            number=number,
        )
        return hold_id

    def _is_edited(self, session_id: str) -> bool:
        """Has a turn of this session paid for editing?"""
        return bool(
            self._store.fetch_value(
                f"""SELECT 1 FROM turns JOIN ledger ON ledger.id = turns.hold_id
                    WHERE session_id = :id AND status = 'done' AND reason LIKE '%{_EDITING}'""",
                id=session_id,
            )
        )

    def _running_holds(self, session_id: str) -> list[_Hold]:
        return self._store.fetch_all(
            _Hold,
            """SELECT number, ledger.id, token_id, frozen AS amount, reason
               FROM turns JOIN ledger ON ledger.id = turns.hold_id
               WHERE session_id = :session AND status = 'running'""",
            session=session_id,
        )

    def _release_editing(self, session_id: str, holds: Sequence[_Hold]) -> None:
        for hold in holds:
            self._ledger.release(hold.id, "editing was paid by another turn")
            rest = max(0, hold.amount - self._tariff.editing)
            self._store.execute(
                """UPDATE turns SET hold_id = :hold
                   WHERE session_id = :session AND number = :number""",
                hold=self._ledger.hold_unchecked(hold.token_id, rest, _GENERATION),
                session=session_id,
                number=hold.number,
            )
