"""Housekeeping: deletes sessions that are too old, or the oldest if there is too much data.

It runs beside the requests and deletes a few sessions at a time. Sessions in which something runs,
the most recently used ones and snapshots stay.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nemolocal_contract.plurals import pluralize

from ..context import ServerContext
from ..data import data_folder
from ..data.deletion import DataDeleter
from ..data.storage_errors import STORAGE_ERRORS
from ..data.store import Store
from ..exports.export_service import ExportService
from ..journal.journal_repository import JournalRepository
from ..turns.turn_service import TurnService
from .retention_policy import (
    DiskUsage,
    SessionFiles,
    measure_disk_usage,
    select_sessions_to_delete,
)

log = logging.getLogger("nemolocal")

# Real seconds between two checks of a server without new files: sessions still get older.
_CHECK_SECONDS = 600.0
# After this many new files the disk usage is measured again.
_FILES_PER_CHECK = 100
# Sessions that are deleted at once; requests wait meanwhile.
_BATCH = 25
# The most recently used sessions stay however large they are: somebody works in them.
KEPT_SESSIONS = 10
# If there is too much, sessions are deleted down to this part of the limit.
_TARGET_FRACTION = 0.9
_UNUSED = "SELECT id FROM sessions WHERE used < :moment ORDER BY used, rowid"
_OLDEST_FIRST = "SELECT id FROM sessions ORDER BY used, rowid"
_ROWS = """
SELECT session_id AS id, sum(length(CAST(draft AS BLOB))) AS size FROM
    (SELECT session_id, draft FROM drafts UNION ALL SELECT session_id, draft FROM renders)
GROUP BY session_id
"""


class Housekeeping:
    """Enforces the retention of the settings; `start` needs a running event loop."""

    def __init__(
        self,
        context: ServerContext,
        journal: JournalRepository,
        turns: TurnService,
        exports: ExportService,
    ) -> None:
        self._context = context
        self._store = context.store
        self._retention = context.settings.effective_retention
        self._journal = journal
        self._turns = turns
        self._exports = exports
        self._deleter = DataDeleter(context.store, context.assets)
        self._loop: asyncio.AbstractEventLoop
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._used_bytes: int | None = None
        self._files_added = 0
        self._warned = False

    def start(self) -> None:
        """Check now, regularly, and when files were added."""
        self._loop = asyncio.get_running_loop()
        self._store.on_growth = self._on_growth
        if self._store.fetch_value("SELECT 1 FROM sessions LIMIT 1"):
            self._check()
        else:
            self._used_bytes = 0
            self._check_later()

    async def close(self) -> None:
        """Stop checking."""
        self._store.on_growth = lambda _: None
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
        """Files of this size were added."""
        limit, self._files_added = self._retention.max_bytes, self._files_added + 1
        if self._used_bytes is not None:
            self._used_bytes += size
        # This does not include the growth of the database, so measure now and then.
        if limit and (
            self._used_bytes is None
            or self._used_bytes > limit
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
            log.warning("cannot enforce the retention of the data folder now: %s", error)

    async def enforce_retention(self) -> None:
        """Delete what is too old, then the oldest while there is too much."""
        self._journal.delete_expired(self._context.clock.time())
        if self._retention.max_age:
            await self._delete_unused()
        while self._retention.max_bytes and await self._delete_excess():
            pass

    async def _delete_unused(self) -> None:
        moment = self._store.wall_clock.time() - self._retention.max_age
        unused: list[str] = self._store.fetch_column(_UNUSED, moment=moment)
        await self._delete(unused, f"unused for {self._retention.max_age / 86400:g} days")
        self._deleter.delete_expired_tokens(self._context.clock.time() - self._retention.max_age)

    async def _delete_excess(self) -> bool:
        """Delete the oldest sessions if there is too much; return whether to try again."""
        limit = self._retention.max_bytes
        usage = await self._measure()
        if usage.total > limit:
            _clear_generated_media(self._store.generated_media)
            usage = await self._measure()
        if usage.total <= limit:
            self._warned = False
            return False
        excess = usage.total - int(limit * _TARGET_FRACTION)
        sessions = select_sessions_to_delete(self._session_files(usage), usage.files, excess)
        deleted = await self._delete(sessions, f"more than {limit / 1e6:g} MB were there")
        # On a full disk this fails; it is tried again with the next deletion.
        with contextlib.suppress(*STORAGE_ERRORS):
            self._store.incremental_vacuum()
        usage = await self._measure()
        if usage.total > limit and not deleted and not self._warned:
            log.warning(
                "the data folder has %.0f MB, more than its limit of %.0f MB: what is left is in "
                "use or in snapshots",
                usage.total / 1e6,
                limit / 1e6,
            )
            self._warned = True
        # More may have been added meanwhile.
        return usage.total > limit and deleted > 0

    async def _measure(self) -> DiskUsage:
        usage = await asyncio.to_thread(measure_disk_usage, self._store.folder)
        self._used_bytes = usage.total
        return usage

    def _session_files(self, usage: DiskUsage) -> list[SessionFiles]:
        """The sessions that may be deleted with their disk usage, least recently used first."""
        sizes = {row["id"]: row["size"] for row in self._store.fetch_all(dict[str, Any], _ROWS)}
        files = _files_by_session(self._store)
        return [
            SessionFiles(
                session,
                tuple(usage.names[name] for name in files.get(session, ()) if name in usage.names),
                sizes.get(session, 0),
            )
            for session in self._store.fetch_column(_OLDEST_FIRST)[:-KEPT_SESSIONS]
            if session not in self._busy
        ]

    @property
    def _busy(self) -> set[str]:
        return self._turns.tasks.active_sessions | self._exports.tasks.active_sessions

    async def _delete(self, sessions: Sequence[str], reason: str) -> int:
        """Delete those of the sessions in which nothing runs, in batches; return how many."""
        count = 0
        for first in range(0, len(sessions), _BATCH):
            # Something may have started in a session since it was chosen.
            batch = [s for s in sessions[first : first + _BATCH] if s not in self._busy]
            self._journal.store_turn_results(batch)
            self._deleter.delete_sessions(batch)
            count += len(batch)
            await asyncio.sleep(0)
        if count:
            log.warning("deleted %s: %s", pluralize(count, "session"), reason)
        return count


def _clear_generated_media(folder: Path) -> None:
    """Delete the cache of generated clips, which can be generated again."""
    for path in list(data_folder.find_files(folder)):
        path.unlink(missing_ok=True)


def _files_by_session(store: Store) -> dict[str, list[str]]:
    """All files by session, relative to the data folder."""
    found: dict[str, list[str]] = {}
    rows = store.fetch_all(
        dict[str, Any],
        """SELECT session_id, 'media/' || id || '.' || json_extract(info, '$.extension') AS name
           FROM assets
           UNION ALL SELECT session_id, 'renders/' || file_id || '.mp4' FROM renders""",
    )
    for row in rows:
        found.setdefault(row["session_id"], []).append(row["name"])
    return found
