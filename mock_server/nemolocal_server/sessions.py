"""Sessions and the versions of their drafts (SES-1 to SES-3)."""

from typing import Any

import msgspec

from nemolocal_contract.clock import Clock
from nemolocal_contract.draft import Draft, draft_from_wire, draft_to_wire
from nemolocal_contract.envelope import decode_json, encode_json

from . import ids
from .errors import session_not_found
from .store import Store
from .tokens import Token

_COLUMNS = "id, token_id, ordinal, task_id, task_name, language"


class Session(msgspec.Struct, frozen=True):
    """An editing session; `ordinal` counts the sessions of its token from 1."""

    id: str
    token_id: int
    ordinal: int
    task_id: str
    task_name: str
    language: str


class Sessions:
    """The sessions of all tokens, each seen by its own only."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def open(self, token: Token, task_name: str, language: str) -> Session:
        """A fresh session with an empty draft."""
        with self._store.transaction():
            count = self._store.value(
                "SELECT count(*) FROM sessions WHERE token_id = :token", token=token.id
            )
            session = Session(
                ids.new_session_id(), token.id, count + 1, ids.new_task_id(), task_name, language
            )
            self._store.execute(
                f"""INSERT INTO sessions ({_COLUMNS}, created) VALUES
                    (:id, :token_id, :ordinal, :task_id, :task_name, :language, :created)""",
                **msgspec.structs.asdict(session),
                created=self._clock.time(),
            )
            self.save_draft(session.id, Draft(tracks=(), duration_ms=0))
        return session

    def find(self, token: Token, session_id: str) -> Session:
        """The session with this id if it is this token's; else 1002 (SES-3, GEN-7)."""
        session = self._store.one(
            Session,
            f"SELECT {_COLUMNS} FROM sessions WHERE id = :id AND token_id = :token",
            id=session_id,
            token=token.id,
        )
        if session is None:
            raise session_not_found(session_id)
        return session

    def get(self, session_id: str) -> Session | None:
        """A session by its id, whoever it belongs to: for holders of a claim token only."""
        return self._store.one(
            Session, f"SELECT {_COLUMNS} FROM sessions WHERE id = :id", id=session_id
        )

    def draft(self, session_id: str) -> Draft:
        """The newest version of a session's draft."""
        return draft_from_wire(self.draft_wire(session_id))

    def draft_wire(self, session_id: str) -> dict[str, Any]:
        """The newest draft in its wire form."""
        text = self._store.value(
            "SELECT draft FROM drafts WHERE session_id = :id ORDER BY version DESC LIMIT 1",
            id=session_id,
        )
        draft: dict[str, Any] = decode_json(text)
        return draft

    def save_draft(self, session_id: str, draft: Draft, turn: int | None = None) -> None:
        """Add a version, the work of that turn; earlier ones stay."""
        self._store.execute(
            """INSERT INTO drafts (session_id, version, draft, turn, created) SELECT
               :id, coalesce(max(version), 0) + 1, :draft, :turn, :created FROM drafts
               WHERE session_id = :id""",
            id=session_id,
            draft=encode_json(draft_to_wire(draft)).decode(),
            turn=turn,
            created=self._clock.time(),
        )
