"""Exports as they are stored: who they belong to, how far they are, what came of them."""

import contextlib
from typing import Any

import msgspec

from nemolocal_contract.clock import Clock
from nemolocal_contract.responses import RenderState

from ..data.sessions import touch_session
from ..data.storage_errors import STORAGE_ERRORS
from ..data.store import Store

_COLUMNS = "token_id, id, session_id, status, progress, draft, output, file_id, result, error"


class ExportRecord(msgspec.Struct, frozen=True):
    """A render; `draft`, `output` and `result` are JSON, `progress` is percent."""

    token_id: int
    id: str
    session_id: str
    status: RenderState
    progress: int
    draft: str
    output: str
    file_id: str
    result: str | None = None
    error: str | None = None


class ExportRepository:
    """The exports of a store. Their status only goes forward, their progress only up (REN-5)."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def find(self, token_id: int, render_id: str) -> ExportRecord | None:
        """The render with this id of this token."""
        return self._store.fetch_one(
            ExportRecord,
            f"SELECT {_COLUMNS} FROM renders WHERE token_id = :token AND id = :id",
            token=token_id,
            id=render_id,
        )

    def unfinished(self) -> list[ExportRecord]:
        """What is pending or processing, in the order in which it came."""
        return self._store.fetch_all(
            ExportRecord,
            f"""SELECT {_COLUMNS} FROM renders WHERE status IN ('pending', 'processing')
                ORDER BY rowid""",
        )

    def newest_completed(self, session_id: str) -> ExportRecord | None:
        """The last finished render of a session."""
        return self._store.fetch_one(
            ExportRecord,
            f"""SELECT {_COLUMNS} FROM renders WHERE session_id = :session
                AND status = 'completed' ORDER BY completed DESC, rowid DESC LIMIT 1""",
            session=session_id,
        )

    def add(self, export: ExportRecord) -> None:
        """Keep a new render."""
        names = ", ".join(f":{name}" for name in ExportRecord.__struct_fields__)
        self._store.execute(
            f"INSERT INTO renders ({_COLUMNS}, created) VALUES ({names}, :created)",
            **msgspec.structs.asdict(export),
            created=self._clock.time(),
        )
        touch_session(self._store, export.session_id)

    def mark_processing(self, export: ExportRecord) -> None:
        """It is being rendered now."""
        self._update(export, "status = 'processing'")

    def set_progress(self, export: ExportRecord, percent: int) -> None:
        """It has come so far; one taken up after a restart begins anew, without falling back.

        What cannot be written down is no reason for a render to end: it will have come further.
        """
        with contextlib.suppress(*STORAGE_ERRORS):
            self._update(export, "progress = max(progress, :percent)", percent=min(percent, 99))

    def complete(self, export: ExportRecord, result: str) -> None:
        """The file is there; `result` is JSON."""
        self._end(export, "status = 'completed', progress = 100, result = :result", result=result)

    def fail(self, export: ExportRecord, error: str) -> None:
        """There will be no file, for this reason."""
        self._end(export, "status = 'failed', error = :error", error=error)

    def _end(self, export: ExportRecord, assignments: str, **values: Any) -> None:
        self._update(export, f"{assignments}, completed = :now", now=self._clock.time(), **values)

    def _update(self, export: ExportRecord, assignments: str, **values: Any) -> None:
        self._store.execute(
            f"""UPDATE renders SET {assignments} WHERE token_id = :token AND id = :id
                AND status IN ('pending', 'processing')""",
            token=export.token_id,
            id=export.id,
            **values,
        )
