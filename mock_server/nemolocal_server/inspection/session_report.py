"""Sessions as the control API shows them: turns with their truth, media, renders, credits."""

from typing import Any, Literal

import msgspec

from nemolocal_contract.control_api import (
    AssetDetail,
    LedgerRow,
    RenderSummary,
    SessionDetail,
    SessionSummary,
    TurnDetail,
)
from nemolocal_contract.journal import Entry, TurnEditState
from nemolocal_contract.responses import ResponseCode, decode_json
from nemolocal_contract.turn_events import SseParser, Text, ToolCall, ToolResult, decode_turn_events
from nemolocal_render.media import MediaInfo
from nemolocal_render.probing.media_previews import tile_count

from ..data.sessions import CDN_PATH
from ..data.store import Store
from ..errors import ContractError
from ..journal.journal_repository import JournalQuery, JournalRepository
from .draft_history import DraftHistory

_MAX_LEDGER, _MAX_SESSIONS, _MAX_RENDERS = 500, 500, 500
_SESSIONS = """
SELECT s.id, s.token_id, tokens.user_id, s.task_name, s.language, s.created, s.used,
    (SELECT max(version) FROM drafts WHERE session_id = s.id) AS version,
    (SELECT count(*) FROM turns WHERE session_id = s.id) AS turns,
    (SELECT count(*) FROM turns WHERE session_id = s.id AND silent
        AND number IN (SELECT number FROM edits WHERE session_id = s.id)) AS silent,
    (SELECT count(*) FROM assets WHERE session_id = s.id) AS assets,
    coalesce(r.renders, 0) AS renders,
    (SELECT count(*) FROM turns WHERE session_id = s.id AND status = 'running')
        + coalesce(r.running, 0) AS running
FROM sessions s JOIN tokens ON tokens.id = s.token_id
LEFT JOIN (SELECT session_id, count(*) AS renders,
        sum(status IN ('pending', 'processing')) AS running FROM renders GROUP BY session_id) r
    ON r.session_id = s.id
"""
_TURNS = """
SELECT t.number, t.message, t.status, t.silent, t.started, t.ended, e.truth,
    e.number IS NOT NULL AS is_edit, coalesce(hold.frozen, 0) AS held, answer.kind AS answer,
    (SELECT group_concat(version) FROM (SELECT version FROM drafts d
        WHERE d.session_id = t.session_id AND d.turn = t.number ORDER BY version)) AS versions,
    coalesce(before.message = t.message, 0) AS resend
FROM turns t
LEFT JOIN edits e ON e.session_id = t.session_id AND e.number = t.number
LEFT JOIN ledger hold ON hold.id = t.hold_id
LEFT JOIN ledger answer ON answer.hold_id = t.hold_id
LEFT JOIN turns before ON before.session_id = t.session_id AND before.number = t.number - 1
WHERE t.session_id = :session ORDER BY t.number
"""
_ASSETS = """
SELECT id, session_id, origin, filename, hash, info FROM assets
WHERE session_id = :session ORDER BY rowid
"""
_LEDGER = f"""
SELECT * FROM (
    SELECT id, kind, available, frozen, reason, created, coalesce(hold_id, id) AS hold,
        sum(available) OVER (ORDER BY id) AS balance
    FROM ledger WHERE token_id = :token ORDER BY id DESC LIMIT {_MAX_LEDGER}
) ORDER BY id
"""
_RENDER_COLUMNS = "id, file_id, token_id, session_id, status, progress, error, created, completed"
_VERSION = """(SELECT max(version) FROM drafts d
    WHERE d.session_id = renders.session_id AND d.draft = renders.draft) AS version"""


class _TurnRow(msgspec.Struct, frozen=True):
    number: int
    message: str
    status: Literal["running", "done", "failed"]
    silent: bool
    started: float
    ended: float | None
    truth: str | None
    is_edit: bool
    held: int
    answer: str | None
    versions: str | None
    resend: bool


class _RenderRow(msgspec.Struct, frozen=True):
    id: str
    file_id: str
    token_id: int
    session_id: str
    status: Literal["pending", "processing", "completed", "failed"]
    progress: int
    error: str | None
    created: float
    completed: float | None
    version: int | None = None


class SessionReport:
    """Reads the sessions of all tokens for the control API."""

    def __init__(self, store: Store, journal: JournalRepository, drafts: DraftHistory) -> None:
        self._store = store
        self._journal = journal
        self._drafts = drafts

    def list_sessions(self) -> tuple[SessionSummary, ...]:
        """Return the 500 most recently used sessions, the latest first."""
        query = f"{_SESSIONS} ORDER BY s.used DESC, s.rowid DESC LIMIT {_MAX_SESSIONS}"
        return tuple(self._store.fetch_all(SessionSummary, query))

    def summary(self, session_id: str) -> SessionSummary:
        """Return a session; 404 if there is none with this id."""
        found = self._store.fetch_one(
            SessionSummary, f"{_SESSIONS} WHERE s.id = :session", session=session_id
        )
        if found is None:
            raise ContractError(ResponseCode.NOT_FOUND, f"session not found: {session_id!r}")
        return found

    def read(self, session_id: str, base_url: str) -> SessionDetail:
        """Return everything that happened in a session; 404 if there is none with this id."""
        session = self.summary(session_id)
        turns = self._turns(session_id)
        return SessionDetail(
            session=session,
            turns=turns,
            versions=self._drafts.list_versions(session_id),
            assets=self.list_assets(session_id, base_url),
            renders=self.renders_of_session(session_id, base_url),
            ledger=self._ledger(session),
        )

    def list_renders(self, base_url: str) -> tuple[RenderSummary, ...]:
        """Return the newest 500 renders, the newest first; their versions are not looked up."""
        query = f"SELECT {_RENDER_COLUMNS} FROM renders ORDER BY rowid DESC LIMIT {_MAX_RENDERS}"
        rows = self._store.fetch_all(_RenderRow, query)
        return tuple(render_summary(row, base_url) for row in rows)

    def renders_of_session(self, session_id: str, base_url: str) -> tuple[RenderSummary, ...]:
        """Return the renders of a session, the newest first."""
        rows = self._store.fetch_all(
            _RenderRow,
            f"""SELECT {_RENDER_COLUMNS}, {_VERSION} FROM renders
                WHERE session_id = :session ORDER BY rowid DESC""",
            session=session_id,
        )
        return tuple(render_summary(row, base_url) for row in rows)

    def find_render(self, file_id: str, base_url: str) -> RenderSummary:
        """Return the render with a file id; 404 if there is none."""
        row = self._store.fetch_one(
            _RenderRow,
            f"SELECT {_RENDER_COLUMNS}, {_VERSION} FROM renders WHERE file_id = :file",
            file=file_id,
        )
        if row is None:
            raise ContractError(ResponseCode.NOT_FOUND, f"render not found: {file_id!r}")
        return render_summary(row, base_url)

    def list_assets(self, session_id: str, base_url: str) -> tuple[AssetDetail, ...]:
        """Return the media files of a session in the order in which they were added."""
        rows = self._store.fetch_all(dict[str, Any], _ASSETS, session=session_id)
        return tuple(_asset(row, base_url) for row in rows)

    def _turns(self, session_id: str) -> tuple[TurnDetail, ...]:
        rows = self._store.fetch_all(_TurnRow, _TURNS, session=session_id)
        entries = {
            entry.turn.number: entry
            for entry in self._journal.read_entries(
                JournalQuery(session=session_id, endpoint="chat")
            )
            if entry.turn is not None
        }
        # A value may have been used as a token only after the message was stored.
        redact = self._store.known_tokens.redact_all
        return tuple(_turn(row, entries.get(row.number), redact(row.message)) for row in rows)

    def _ledger(self, session: SessionSummary) -> tuple[LedgerRow, ...]:
        holds = {
            row["hold"]: row["number"]
            for row in self._store.fetch_all(
                dict[str, int],
                """SELECT number, hold_id AS hold FROM turns
                   WHERE session_id = :session AND hold_id IS NOT NULL""",
                session=session.id,
            )
        }
        rows = self._store.fetch_all(dict[str, Any], _LEDGER, token=session.token_id)
        return tuple(LedgerRow(turn=holds.get(row.pop("hold")), **row) for row in map(dict, rows))


def _turn(row: _TurnRow, entry: Entry | None, message: str) -> TurnDetail:
    told = entry.turn if entry is not None else None
    return TurnDetail(
        number=row.number,
        message=message,
        status=row.status,
        silent=row.silent,
        truth=told.truth if told is not None else _truth(row),
        started=row.started,
        ended=row.ended,
        versions=tuple(map(int, row.versions.split(","))) if row.versions else (),
        held=row.held,
        cost=0 if row.answer == "release" else row.held,
        resend=row.resend,
        entry=None if entry is None else entry.id,
        events=() if entry is None else _events(entry.response_body),
    )


def _truth(row: _TurnRow) -> TurnEditState:
    """Return the truth of a turn without a journal entry: its end is not known."""
    if not row.is_edit:
        return "talk"
    if row.versions:
        return "late" if row.truth == "late" else "applied"
    return "pending" if row.status == "running" else "not_applied"


def _events(body: str) -> tuple[dict[str, Any], ...]:
    """Return the texts, tool calls and tool results of a stream, without heartbeats."""
    parser = SseParser()
    frames = [*parser.feed(body.encode()), *parser.finish()]
    events = [event for frame in frames for event in decode_turn_events(frame)]
    return tuple(found for event in events if (found := _event(event)) is not None)


def _event(event: object) -> dict[str, Any] | None:
    match event:
        case Text(text):
            return {"kind": "text", "text": text}
        case ToolCall(_, name, args):
            return {"kind": "tool_call", "name": name, "args": args}
        case ToolResult(_, name, response):
            return {"kind": "tool_result", "name": name, "response": response}
    return None


def _asset(row: dict[str, Any], base_url: str) -> AssetDetail:
    info = decode_json(row["info"], type=MediaInfo)
    return AssetDetail(
        id=row["id"],
        origin=row["origin"],
        filename=row["filename"],
        kind=info.kind,
        duration=info.duration,
        width=info.width,
        height=info.height,
        fps=info.fps,
        has_audio=info.has_audio,
        tiles=tile_count(info.duration),
        hash=row["hash"],
        url=f"{base_url}{CDN_PATH}/media/{row['id']}.{info.extension}",
    )


def render_summary(row: _RenderRow, base_url: str) -> RenderSummary:
    """Return a render as the control API lists it."""
    is_completed = row.status == "completed"
    return RenderSummary(
        **msgspec.structs.asdict(row),
        url=f"{base_url}{CDN_PATH}/renders/{row.file_id}.mp4" if is_completed else None,
    )
