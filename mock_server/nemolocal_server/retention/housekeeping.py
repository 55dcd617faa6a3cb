"""Housekeeping: sessions that nobody uses go when they are too old, or when too much is there.

It runs beside the requests and takes a few sessions at a time. What runs is left alone, and so are
snapshots and the sessions that were used last.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..context import ServerContext
from ..data import data_folder
from ..data.deletion import DataDeleter
from ..data.storage_errors import STORAGE_ERRORS
from ..exports.export_service import ExportService
from ..journal.journal_repository import JournalRepository
from ..turns.turn_service import TurnService
from .disk_usage import DiskUsage, measure_disk_usage
from .retention_policy import SessionFiles, select_sessions_to_delete

log = logging.getLogger("nemolocal")

# Real seconds between two looks where nothing happens: only age goes on then.
_CHECK_SECONDS = 600.0
# Files after which it is measured again what there is.
_FILES_PER_CHECK = 100
# Sessions at a time: others wait as long as that takes.
_BATCH = 25
# However little there may be room for, somebody is working in these.
KEPT_SESSIONS = 10
# Where there is too much, room is made for some more.
_TARGET_FRACTION = 0.9
_UNUSED = "SELECT id FROM sessions WHERE used < :moment ORDER BY used, rowid"
_OLDEST_FIRST = "SELECT id FROM sessions ORDER BY used, rowid"
_ROWS = """
SELECT session_id AS id, sum(length(CAST(draft AS BLOB))) AS size FROM
    (SELECT session_id, draft FROM drafts UNION ALL SELECT session_id, draft FROM renders)
GROUP BY session_id
"""


class Housekeeping:
    """Keeps a store within the retention of its settings; `start` needs a running event loop."""

    def __init__(
        self,
        core: ServerContext,
        journal: JournalRepository,
        turns: TurnService,
        exports: ExportService,
    ) -> None:
        self._core = core
        self._retention = core.settings.effective_retention
        self._journal = journal
        self._turns = turns
        self._exports = exports
        self._deleter = DataDeleter(core.store, core.assets)
        self._loop: asyncio.AbstractEventLoop
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._used_bytes: int | None = None
        self._files_added = 0
        self._warned = False

    def start(self) -> None:
        """Look now, regularly, and whenever files have come."""
        self._loop = asyncio.get_running_loop()
        self._core.store.on_growth = self._on_growth
        if self._core.store.fetch_value("SELECT 1 FROM sessions LIMIT 1"):
            self._check()
        else:  # nothing is there that could be too much
            self._used_bytes = 0
            self._check_later()

    async def close(self) -> None:
        """Look no more."""
        self._core.store.on_growth = lambda _: None
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _check(self) -> None:
        self._check_later()
        self._begin()

    def _check_later(self) -> None:
        self._timer = self._loop.call_later(_CHECK_SECONDS, self._check)

    def _on_growth(self, size: int) -> None:
        """Files of so many bytes have come."""
        most, self._files_added = self._retention.max_bytes, self._files_added + 1
        if self._used_bytes is not None:
            self._used_bytes += size
        # What the database takes is known only when it is measured.
        if most and (
            self._used_bytes is None
            or self._used_bytes > most
            or self._files_added % _FILES_PER_CHECK == 0
        ):
            self._begin()

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._try_to_enforce())

    async def _try_to_enforce(self) -> None:
        try:
            await self.enforce_retention()
        except STORAGE_ERRORS as error:
            log.warning("the data folder cannot be tidied up now: %s", error)

    async def enforce_retention(self) -> None:
        """Forget what is too old, then what is too much."""
        self._journal.delete_expired(self._core.clock.time())
        if self._retention.max_age:
            await self._delete_unused()
        while self._retention.max_bytes and await self._delete_excess():
            pass

    async def _delete_unused(self) -> None:
        moment = self._core.store.wall_clock.time() - self._retention.max_age
        unused: list[str] = self._core.store.fetch_column(_UNUSED, moment=moment)
        await self._delete(unused, f"unused for {self._retention.max_age / 86400:g} days")
        self._deleter.delete_expired_tokens(self._core.clock.time() - self._retention.max_age)

    async def _delete_excess(self) -> bool:
        """Whether more came meanwhile than may be there, and it is worth another try."""
        store, most = self._core.store, self._retention.max_bytes
        use = await asyncio.to_thread(measure_disk_usage, store.folder)
        if use.total > most:
            _clear_generated_media(store.generated_media)
            use = await asyncio.to_thread(measure_disk_usage, store.folder)
        self._used_bytes = use.total
        if use.total <= most:
            self._warned = False
            return False
        wanted = use.total - int(most * _TARGET_FRACTION)
        sessions = select_sessions_to_delete(self._session_files(use), use.files, wanted)
        forgotten = await self._delete(sessions, f"more than {most / 1e6:g} MB were there")
        self._shrink()
        self._used_bytes = (await asyncio.to_thread(measure_disk_usage, store.folder)).total
        if self._used_bytes > most and not forgotten and not self._warned:
            log.warning(
                "the data folder has %.0f MB, more than its limit of %.0f MB: what is left is in "
                "use or in snapshots",
                self._used_bytes / 1e6,
                most / 1e6,
            )
            self._warned = True
        return self._used_bytes > most and forgotten > 0

    def _session_files(self, use: DiskUsage) -> list[SessionFiles]:
        """What each session that may go has of the disk, unused for longest first."""
        store = self._core.store
        sizes = {row["id"]: row["size"] for row in store.fetch_all(dict[str, Any], _ROWS)}
        files = _files_by_session(self._core)
        return [
            SessionFiles(
                session,
                tuple(use.names[name] for name in files.get(session, ()) if name in use.names),
                sizes.get(session, 0),
            )
            for session in store.fetch_column(_OLDEST_FIRST)[:-KEPT_SESSIONS]
            if session not in self._busy
        ]

    @property
    def _busy(self) -> set[str]:
        return self._turns.active_sessions | self._exports.active_sessions

    async def _delete(self, sessions: Sequence[str], reason: str) -> int:
        """Forget sessions for which nothing runs, some at a time; how many that were."""
        count = 0
        for first in range(0, len(sessions), _BATCH):
            # Whoever asks for one of them meanwhile has come too late.
            batch = [s for s in sessions[first : first + _BATCH] if s not in self._busy]
            self._journal.store_turn_results(batch)
            self._deleter.delete_sessions(batch)
            count += len(batch)
            await asyncio.sleep(0)
        if count:
            log.warning("forgot %d session%s: %s", count, "" if count == 1 else "s", reason)
        return count

    def _shrink(self) -> None:
        """Give back to the disk what the database has no use for."""
        with contextlib.suppress(*STORAGE_ERRORS):
            self._core.store.incremental_vacuum()


def _clear_generated_media(folder: Path) -> None:
    """Generated clips can be made again: what is kept of them for that goes first."""
    for path in list(data_folder.find_files(folder)):
        path.unlink(missing_ok=True)


def _files_by_session(core: ServerContext) -> dict[str, list[str]]:
    """The names of all files by session, in the data folder."""
    found: dict[str, list[str]] = {}
    rows = core.store.fetch_all(
        dict[str, Any],
        """SELECT session_id, 'media/' || id || '.' || json_extract(info, '$.extension') AS name
           FROM assets
           UNION ALL SELECT session_id, 'renders/' || file_id || '.mp4' FROM renders""",
    )
    for row in rows:
        found.setdefault(row["session_id"], []).append(row["name"])
    return found
