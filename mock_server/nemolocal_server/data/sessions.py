"""Sessions and the versions of their drafts (SES-1 to SES-3)."""

import contextlib
from collections import OrderedDict
from typing import Any

import msgspec

from nemolocal_agent import DraftVersion
from nemolocal_contract.clock import Clock
from nemolocal_contract.draft import Draft, draft_from_wire, draft_to_wire
from nemolocal_contract.responses import decode_json, encode_json

from .. import ids
from ..errors import session_not_found
from .storage_errors import STORAGE_ERRORS
from .store import Store
from .tokens import TokenRecord

# Drafts of hundreds of segments take a tenth of a megabyte each.
_CACHED_DRAFTS = 32
_COLUMNS = "id, token_id, ordinal, task_id, task_name, language, used"
_COUNT_ASSETS = "(SELECT count(*) FROM assets WHERE session_id = :id) AS assets"
# Seconds: who looks more often than that is remembered once.
_TOUCH_INTERVAL = 3600.0


class SessionRecord(msgspec.Struct, frozen=True):
    """An editing session; `ordinal` counts the sessions of its token from 1.

    `used` is when somebody last did something in it, or looked, to the hour and by the wall's time.
    """

    id: str
    token_id: int
    ordinal: int
    task_id: str
    task_name: str
    language: str
    used: float = 0.0


class SessionStamp(msgspec.Struct, frozen=True):
    """How far a session has come: its newest version, and how many assets it has.

    Both only rise: where they are the same, draft and media are.
    """

    version: int
    assets: int


class _VersionRow(msgspec.Struct, frozen=True):
    number: int
    draft: str
    turn: int | None
    undo_to: int | None
    redo_to: int | None
    assets: int = 0


class _DraftCache:
    """The drafts last read or written, by what is stored: a turn reads the same one many times.

    Drafts are frozen, so that one object may stand for all readings of a text.
    """

    def __init__(self) -> None:
        self._drafts: OrderedDict[str, Draft] = OrderedDict()

    def parse(self, text: str) -> Draft:
        draft = self._drafts.get(text)
        if draft is None:
            draft = draft_from_wire(decode_json(text))
            self.put(text, draft)
        else:
            self._drafts.move_to_end(text)
        return draft

    def put(self, text: str, draft: Draft) -> None:
        self._drafts[text] = draft
        if len(self._drafts) > _CACHED_DRAFTS:
            self._drafts.popitem(last=False)


class SessionRepository:
    """The sessions of all tokens, each seen by its own only."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._draft_cache = _DraftCache()

    def create(self, token: TokenRecord, task_name: str, language: str) -> SessionRecord:
        """A fresh session with an empty draft."""
        with self._store.transaction():
            # Older ones may have been forgotten, and chance is drawn by the ordinal.
            newest = self._store.fetch_value(
                "SELECT max(ordinal) FROM sessions WHERE token_id = :token", token=token.id
            )
            session = SessionRecord(
                ids.new_session_id(),
                token.id,
                (newest or 0) + 1,
                ids.new_task_id(),
                self._store.known_tokens.redact(task_name),
                self._store.known_tokens.redact(language),
                self._store.wall_clock.time(),
            )
            self._store.execute(
                f"""INSERT INTO sessions ({_COLUMNS}, created) VALUES
                    (:id, :token_id, :ordinal, :task_id, :task_name, :language, :used, :created)""",
                **msgspec.structs.asdict(session),
                created=self._clock.time(),
            )
            self.add_version(session.id, DraftVersion(1, Draft(tracks=(), duration_ms=0)))
        return session

    def find(self, token: TokenRecord, session_id: str) -> SessionRecord:
        """The session with this id if it is this token's; else 1002 (SES-3, GEN-7)."""
        session = self._store.fetch_one(
            SessionRecord,
            f"SELECT {_COLUMNS} FROM sessions WHERE id = :id AND token_id = :token",
            id=session_id,
            token=token.id,
        )
        if session is None:
            raise session_not_found(session_id)
        return session

    def touch(self, session: SessionRecord) -> None:
        """Somebody looks into a session: it is in use, and retention leaves it alone."""
        if self._store.wall_clock.time() - session.used > _TOUCH_INTERVAL:
            # What cannot be written down is no reason not to show it.
            with contextlib.suppress(*STORAGE_ERRORS):
                touch_session(self._store, session.id)

    def touch_all(self) -> None:
        """All that there is has been asked for just now."""
        self._store.execute(
            "UPDATE sessions SET used = max(used, :now)", now=self._store.wall_clock.time()
        )

    def get(self, session_id: str) -> SessionRecord | None:
        """A session by its id, whoever it belongs to: for holders of a claim token only."""
        return self._store.fetch_one(
            SessionRecord, f"SELECT {_COLUMNS} FROM sessions WHERE id = :id", id=session_id
        )

    def newest_draft(self, session_id: str) -> Draft:
        """The newest version of a session's draft."""
        return self.newest_version(session_id).draft

    def newest_draft_json(self, session_id: str) -> str:
        """The newest draft as JSON in its wire form."""
        text: str = self._store.fetch_value(
            "SELECT draft FROM drafts WHERE session_id = :id ORDER BY version DESC LIMIT 1",
            id=session_id,
        )
        return text

    def newest_version(self, session_id: str) -> DraftVersion:
        """The version that counts."""
        return self.newest_and_stamp(session_id)[0]

    def newest_and_stamp(self, session_id: str) -> tuple[DraftVersion, SessionStamp]:
        """The version that counts, and how far the session has come."""
        row = self._version_row(
            f", {_COUNT_ASSETS} FROM drafts WHERE session_id = :id ORDER BY version DESC LIMIT 1",
            id=session_id,
        )
        return self._version(row), SessionStamp(row.number, row.assets)

    def stamp(self, session_id: str) -> SessionStamp:
        """How far the session has come."""
        stamp = self._store.fetch_one(
            SessionStamp,
            f"""SELECT (SELECT max(version) FROM drafts WHERE session_id = :id) AS version,
                {_COUNT_ASSETS}""",
            id=session_id,
        )
        assert stamp is not None  # it has no table that could lack a row
        return stamp

    def get_version(self, session_id: str, number: int) -> DraftVersion:
        """A version that there is."""
        return self._version(
            self._version_row(
                "FROM drafts WHERE session_id = :id AND version = :version",
                id=session_id,
                version=number,
            )
        )

    def _version_row(self, source: str, **values: Any) -> _VersionRow:
        columns = "version AS number, draft, turn, undo_to, redo_to"
        row = self._store.fetch_one(_VersionRow, f"SELECT {columns} {source}", **values)
        assert row is not None  # no version is ever taken away
        return row

    def _version(self, row: _VersionRow) -> DraftVersion:
        draft = self._draft_cache.parse(row.draft)
        return DraftVersion(row.number, draft, row.turn, row.undo_to, row.redo_to)

    def add_version(self, session_id: str, version: DraftVersion) -> None:
        """The newest version from now on; earlier ones stay."""
        wire = draft_to_wire(version.draft)
        stored = self._store.known_tokens.redact_json(wire)
        text = encode_json(stored).decode()
        if stored == wire:
            self._draft_cache.put(text, version.draft)
        self._store.execute(
            """INSERT INTO drafts (session_id, version, draft, turn, created, undo_to, redo_to)
               VALUES (:id, :number, :draft, :turn, :created, :undo_to, :redo_to)""",
            id=session_id,
            number=version.number,
            draft=text,
            turn=version.turn,
            created=self._clock.time(),
            undo_to=version.undo_to,
            redo_to=version.redo_to,
        )


def touch_session(store: Store, session_id: str) -> None:
    """Somebody does something in a session."""
    store.execute(
        "UPDATE sessions SET used = max(used, :now) WHERE id = :id",
        id=session_id,
        now=store.wall_clock.time(),
    )
