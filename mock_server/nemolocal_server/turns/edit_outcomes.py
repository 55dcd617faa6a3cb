"""The outcomes of edits as they are stored: what was decided, and which late edits still wait."""

import msgspec

from ..data.store import Store
from .silent_turns import EditOutcome


class LateEdit(msgspec.Struct, frozen=True):
    """An edit whose stream has closed and which is still to be applied."""

    session_id: str
    number: int
    message: str
    late: float


class EditOutcomeRepository:
    """One row for each edit of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def next_ordinal(self, token_id: int) -> int:
        """What the token's next drawn edit counts as, from 1."""
        edits: int = self._store.fetch_value(
            """SELECT count(*) FROM edits JOIN sessions ON sessions.id = edits.session_id
               WHERE sessions.token_id = :token AND drawn""",
            token=token_id,
        )
        return edits + 1

    def add(self, session_id: str, number: int, outcome: EditOutcome) -> None:
        """Remember how this turn's edit ends."""
        self._store.execute(
            """INSERT INTO edits (session_id, number, truth, late, drawn)
               VALUES (:session, :number, :truth, :late, :drawn)""",
            session=session_id,
            number=number,
            truth=outcome.applied_state if outcome.silent else None,
            late=outcome.late_seconds,
            drawn=outcome.from_policy,
        )

    def set_waiting(self, session_id: str, number: int, waiting: bool) -> None:
        """The edit is to be applied when its stream has closed; a restart takes it up again."""
        self._store.execute(
            "UPDATE edits SET waiting = :waiting WHERE session_id = :session AND number = :number",
            session=session_id,
            number=number,
            waiting=waiting,
        )

    def late_edits(self) -> list[LateEdit]:
        """What still waits, in the order in which it was asked for."""
        return self._store.fetch_all(
            LateEdit,
            """SELECT session_id, number, message, late FROM turns
               JOIN edits USING (session_id, number) WHERE waiting ORDER BY turns.rowid""",
        )
