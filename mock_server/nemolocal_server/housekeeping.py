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

from . import data_folder
from .core import Core
from .disk_use import DiskUse, measure
from .exports import Exports
from .journal.records import Journal
from .machine_limits import STORAGE_ERRORS
from .namespaces import Namespaces
from .retention import Holding, sessions_to_forget
from .turns import Turns

log = logging.getLogger("nemolocal")

# Real seconds between two looks where nothing happens: only age goes on then.
_REGULARLY = 600.0
# Files after which it is measured again what there is.
_OFTEN = 100
# Sessions at a time: others wait as long as that takes.
_BATCH = 25
# However little there may be room for, somebody is working in these.
NEWEST = 10
# Where there is too much, room is made for some more.
_DOWN_TO = 0.9
_UNUSED = "SELECT id FROM sessions WHERE used < :moment ORDER BY used, rowid"
_OLDEST_FIRST = "SELECT id FROM sessions ORDER BY used, rowid"
_ROWS = """
SELECT session_id AS id, sum(length(CAST(draft AS BLOB))) AS size FROM
    (SELECT session_id, draft FROM drafts UNION ALL SELECT session_id, draft FROM renders)
GROUP BY session_id
"""


class Housekeeping:
    """Keeps a store within the retention of its settings; `start` needs a running event loop."""

    def __init__(self, core: Core, journal: Journal, turns: Turns, exports: Exports) -> None:
        self._core = core
        self._keeps = core.settings.keeps
        self._journal = journal
        self._turns = turns
        self._exports = exports
        self._namespaces = Namespaces(core.store, core.assets)
        self._loop: asyncio.AbstractEventLoop
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._held: int | None = None
        self._came = 0
        self._told = False

    def start(self) -> None:
        """Look now, regularly, and whenever files have come."""
        self._loop = asyncio.get_running_loop()
        self._core.store.on_growth = self._grew
        if self._core.store.value("SELECT 1 FROM sessions LIMIT 1"):
            self._look()
        else:  # nothing is there that could be too much
            self._held = 0
            self._look_later()

    async def close(self) -> None:
        """Look no more."""
        self._core.store.on_growth = lambda _: None
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _look(self) -> None:
        self._look_later()
        self._begin()

    def _look_later(self) -> None:
        self._timer = self._loop.call_later(_REGULARLY, self._look)

    def _grew(self, size: int) -> None:
        """Files of so many bytes have come."""
        most, self._came = self._keeps.max_bytes, self._came + 1
        if self._held is not None:
            self._held += size
        # What the database takes is known only when it is measured.
        if most and (self._held is None or self._held > most or self._came % _OFTEN == 0):
            self._begin()

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._tidy_if_possible())

    async def _tidy_if_possible(self) -> None:
        try:
            await self.tidy()
        except STORAGE_ERRORS as error:
            log.warning("the data folder cannot be tidied up now: %s", error)

    async def tidy(self) -> None:
        """Forget what is too old, then what is too much."""
        self._journal.forget_older(self._core.clock.time())
        if self._keeps.max_age:
            await self._forget_unused()
        while self._keeps.max_bytes and await self._forget_excess():
            pass

    async def _forget_unused(self) -> None:
        moment = self._core.store.wall.time() - self._keeps.max_age
        unused: list[str] = self._core.store.values(_UNUSED, moment=moment)
        await self._forget(unused, f"unused for {self._keeps.max_age / 86400:g} days")
        self._namespaces.forget_tokens(self._core.clock.time() - self._keeps.max_age)

    async def _forget_excess(self) -> bool:
        """Whether more came meanwhile than may be there, and it is worth another try."""
        store, most = self._core.store, self._keeps.max_bytes
        use = await asyncio.to_thread(measure, store.folder)
        if use.total > most:
            _empty_footage(store.footage)
            use = await asyncio.to_thread(measure, store.folder)
        self._held = use.total
        if use.total <= most:
            self._told = False
            return False
        wanted = use.total - int(most * _DOWN_TO)
        sessions = sessions_to_forget(self._holdings(use), use.files, wanted)
        forgotten = await self._forget(sessions, f"more than {most / 1e6:g} MB were there")
        self._shrink()
        self._held = (await asyncio.to_thread(measure, store.folder)).total
        if self._held > most and not forgotten and not self._told:
            log.warning(
                "the data folder has %.0f MB, more than its limit of %.0f MB: what is left is in "
                "use or in snapshots",
                self._held / 1e6,
                most / 1e6,
            )
            self._told = True
        return self._held > most and forgotten > 0

    def _holdings(self, use: DiskUse) -> list[Holding]:
        """What each session that may go has of the disk, unused for longest first."""
        store = self._core.store
        sizes = {row["id"]: row["size"] for row in store.all(dict[str, Any], _ROWS)}
        files = _files_by_session(self._core)
        return [
            Holding(
                session,
                tuple(use.names[name] for name in files.get(session, ()) if name in use.names),
                sizes.get(session, 0),
            )
            for session in store.values(_OLDEST_FIRST)[:-NEWEST]
            if session not in self._busy
        ]

    @property
    def _busy(self) -> set[str]:
        return self._turns.sessions | self._exports.sessions

    async def _forget(self, sessions: Sequence[str], reason: str) -> int:
        """Forget sessions for which nothing runs, some at a time; how many that were."""
        count = 0
        for first in range(0, len(sessions), _BATCH):
            # Whoever asks for one of them meanwhile has come too late.
            batch = [s for s in sessions[first : first + _BATCH] if s not in self._busy]
            self._journal.note_turns(batch)
            self._namespaces.forget_sessions(batch)
            count += len(batch)
            await asyncio.sleep(0)
        if count:
            log.warning("forgot %d session%s: %s", count, "" if count == 1 else "s", reason)
        return count

    def _shrink(self) -> None:
        """Give back to the disk what the database has no use for."""
        with contextlib.suppress(*STORAGE_ERRORS):
            self._core.store.shrink()


def _empty_footage(folder: Path) -> None:
    """Generated clips can be made again: what is kept of them for that goes first."""
    for path in list(data_folder.own_files(folder)):
        path.unlink(missing_ok=True)


def _files_by_session(core: Core) -> dict[str, list[str]]:
    """The names of all files by session, in the data folder."""
    found: dict[str, list[str]] = {}
    rows = core.store.all(
        dict[str, Any],
        """SELECT session_id, 'media/' || id || '.' || json_extract(info, '$.extension') AS name
           FROM assets
           UNION ALL SELECT session_id, 'renders/' || file_id || '.mp4' FROM renders""",
    )
    for row in rows:
        found.setdefault(row["session_id"], []).append(row["name"])
    return found
