"""Turns in the store: their rows, how their edits end, and the credits that they hold."""

from collections.abc import Sequence

import msgspec

from nemolocal_agent import Edit, is_editing, is_generation

from ..context import ServerContext
from ..data.sessions import SessionRecord, touch_session
from ..data.tokens import TokenRecord
from .silent_turns import EditOutcome

_GENERATION, _EDITING, _SCRIPTED = "generation", "editing", "scripted reply"
# An open hold belongs to a turn that never ended (CRD-2), or to an edit that is applied late.
_ORPHANED_HOLDS = """
SELECT id FROM ledger WHERE kind = 'hold' AND id NOT IN
    (SELECT hold_id FROM ledger WHERE hold_id IS NOT NULL
     UNION SELECT hold_id FROM turns JOIN edits USING (session_id, number)
     WHERE waiting AND hold_id IS NOT NULL)
"""


class LateEdit(msgspec.Struct, frozen=True):
    """An edit whose stream has closed and which is still to be applied."""

    session_id: str
    number: int
    message: str
    late: float
    scripted: str | None


class TurnRepository:
    """One row for each turn, and one more for each turn that edits; `holds` are their credits."""

    def __init__(self, context: ServerContext) -> None:
        self.holds = CreditHolds(context)
        self._store = context.store
        self._ledger = context.ledger
        self._clock = context.clock

    def next_number(self, session_id: str) -> int:
        """Return the number of the session's next turn, from 1."""
        turns: int = self._store.fetch_value(
            "SELECT count(*) FROM turns WHERE session_id = :id", id=session_id
        )
        return turns + 1

    def next_ordinal(self, token_id: int) -> int:
        """Return the number of the token's next edit that the policy decides, from 1."""
        edits: int = self._store.fetch_value(
            """SELECT count(*) FROM edits JOIN sessions ON sessions.id = edits.session_id
               WHERE sessions.token_id = :token AND drawn""",
            token=token_id,
        )
        return edits + 1

    def insert(
        self,
        session_id: str,
        number: int,
        message: str,
        hold_id: int | None,
        *,
        has_text: bool,
        outcome: EditOutcome | None,
        scripted: str | None = None,
    ) -> None:
        """Insert a running turn; `outcome` is None if the turn edits nothing.

        `scripted` is the change of a scripted reply or of a language model, for an edit that is
        applied late.
        """
        self._store.execute(
            """INSERT INTO turns (session_id, number, message, status, silent, hold_id, started)
               VALUES (:session, :number, :message, 'running', :silent, :hold, :now)""",
            session=session_id,
            number=number,
            message=self._store.known_tokens.redact(message),
            silent=not has_text,
            hold=hold_id,
            now=self._clock.time(),
        )
        touch_session(self._store, session_id)
        if outcome is not None:
            self._insert_edit(session_id, number, outcome, scripted)

    def replan(
        self,
        session_id: str,
        number: int,
        hold_id: int | None,
        *,
        has_text: bool,
        outcome: EditOutcome | None,
        scripted: str | None = None,
    ) -> None:
        """Store what a running turn does that did not know when it began: as `insert`."""
        self._store.execute(
            """UPDATE turns SET silent = :silent, hold_id = :hold
               WHERE session_id = :session AND number = :number""",
            silent=not has_text,
            hold=hold_id,
            session=session_id,
            number=number,
        )
        if outcome is not None:
            self._insert_edit(session_id, number, outcome, scripted)

    def _insert_edit(
        self, session_id: str, number: int, outcome: EditOutcome, scripted: str | None
    ) -> None:
        self._store.execute(
            """INSERT INTO edits (session_id, number, truth, late, drawn, scripted)
               VALUES (:session, :number, :truth, :late, :drawn, :scripted)""",
            session=session_id,
            number=number,
            truth=outcome.applied_state if outcome.silent else None,
            late=outcome.late_seconds,
            drawn=outcome.from_policy,
            scripted=scripted and self._store.known_tokens.redact(scripted),
        )

    def succeed(self, session_id: str, number: int, *, is_edit: bool, is_late: bool) -> None:
        """Finish a turn and charge the hold of its edit; a late one waits no longer."""
        with self._store.transaction():
            if is_edit:
                self.holds.settle(session_id, number)
            self._finish(session_id, number, "done", is_late=is_late)

    def fail(self, session_id: str, number: int, *, is_late: bool) -> None:
        """Finish a turn and release its hold; a late edit waits no longer."""
        with self._store.transaction():
            self.holds.release(session_id, number, "turn failed")
            self._finish(session_id, number, "failed", is_late=is_late)

    def _finish(self, session_id: str, number: int, status: str, *, is_late: bool) -> None:
        if is_late:
            self.set_waiting(session_id, number, False)
        self._store.execute(
            """UPDATE turns SET status = :status, ended = :now
               WHERE session_id = :session AND number = :number""",
            status=status,
            now=self._clock.time(),
            session=session_id,
            number=number,
        )

    def set_waiting(self, session_id: str, number: int, waiting: bool) -> None:
        """Mark an edit to be applied after its stream has closed; it survives a restart."""
        self._store.execute(
            "UPDATE edits SET waiting = :waiting WHERE session_id = :session AND number = :number",
            session=session_id,
            number=number,
            waiting=waiting,
        )

    def recover(self) -> list[LateEdit]:
        """Fail the turns that a killed process left running; return the late edits to resume."""
        with self._store.transaction():
            for hold_id in self._store.fetch_column(_ORPHANED_HOLDS):
                self._ledger.release(hold_id, "server stopped during the turn")
            self._store.execute(
                """UPDATE turns SET status = 'failed', ended = :now WHERE status = 'running' AND
                   (session_id, number) NOT IN (SELECT session_id, number FROM edits WHERE waiting)
                """,
                now=self._clock.time(),
            )
        return self._store.fetch_all(
            LateEdit,
            """SELECT session_id, number, message, late, scripted FROM turns
               JOIN edits USING (session_id, number) WHERE waiting ORDER BY turns.rowid""",
        )


class _Hold(msgspec.Struct, frozen=True):
    """The hold of a running turn; `id` is its row in the ledger."""

    number: int
    id: int
    token_id: int
    amount: int
    reason: str

    @property
    def is_for_editing(self) -> bool:
        return self.reason.endswith(_EDITING)


class CreditHolds:
    """What turns hold and pay: a price for each clip, and editing once a session (CRD-2, CRD-3).

    Of several concurrent edits of a session each holds the editing price until one has succeeded.
    That one pays and the others are released: an edit is not free because another one failed.
    A hold is found by session and turn number, since it may be replaced by a smaller one.
    """

    def __init__(self, context: ServerContext) -> None:
        self._store = context.store
        self._ledger = context.ledger
        self._tariff = context.settings.tariff

    def take(self, token: TokenRecord, session: SessionRecord, edits: Sequence[Edit]) -> int | None:
        """Hold what a new turn with these edits may cost; 2001 if credits are missing (CRD-4)."""
        clips = sum(map(is_generation, edits))
        return self._take(token, session, clips, editing=any(map(is_editing, edits)))

    def take_editing(self, token: TokenRecord, session: SessionRecord) -> int | None:
        """Hold the price of an edit for a turn whose edits are not known yet; 2001 as `take`."""
        return self._take(token, session, 0, editing=True)

    def _take(
        self, token: TokenRecord, session: SessionRecord, clips: int, *, editing: bool
    ) -> int | None:
        editing = editing and not self._is_editing_paid(session.id)
        cost = clips * self._tariff.generation + editing * self._tariff.editing
        reason = " and ".join([_GENERATION] * bool(clips) + [_EDITING] * editing)
        return self._ledger.hold(token, cost, reason)

    def take_amount(self, token: TokenRecord, amount: int) -> int | None:
        """Hold the price that a scripted reply gives; it does not pay for editing (CRD-3)."""
        return self._ledger.hold(token, amount, _SCRIPTED)

    def settle(self, session_id: str, number: int) -> None:
        """Charge the hold of a turn that has succeeded.

        If it pays for editing, the other running turns of the session hold their clips only.
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
        """Give back the hold of a turn that has failed."""
        hold_id: int | None = self._store.fetch_value(
            "SELECT hold_id FROM turns WHERE session_id = :session AND number = :number",
            session=session_id,
            number=number,
        )
        self._ledger.release(hold_id, reason)

    def _is_editing_paid(self, session_id: str) -> bool:
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
