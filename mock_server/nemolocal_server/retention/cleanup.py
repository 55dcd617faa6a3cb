"""Cleans a data folder that no server uses: `plan_cleanup`, then `run_cleanup`.

It deletes old sessions, files without a session, and files that a killed server was receiving or
rendering. Snapshots stay.
"""

import contextlib
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ..data.data_folder import (
    clear_returned_parts,
    clear_work_folder,
    find_returned_parts,
    find_work_files,
)
from ..data.deletion import DataDeleter
from ..data.sessions import AssetRepository
from ..data.store import Store
from .retention_policy import DiskUsage, allocated_size, measure_disk_usage

_UNUSED = """
SELECT id, task_name, used FROM sessions WHERE used < :moment
    AND id NOT IN (SELECT session_id FROM renders WHERE status IN ('pending', 'processing'))
ORDER BY used, rowid
"""


class UnusedSession(msgspec.Struct, frozen=True):
    """A session, its last use (seconds since the epoch), and the bytes of its files."""

    id: str
    task_name: str
    used: float
    size: int = 0


class CleanupPlan(msgspec.Struct, frozen=True):
    """What can be deleted from a data folder, and how many bytes that frees."""

    folder: Path
    sessions: tuple[UnusedSession, ...]
    orphans: tuple[str, ...]
    unfinished: tuple[str, ...]
    freed: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to delete."""
        return not (self.sessions or self.orphans or self.unfinished)


def plan_cleanup(folder: Path, max_age: float | None) -> CleanupPlan:
    """Find what can be deleted; sessions only if `max_age`, in seconds, is given.

    Changes nothing. Raises `StoreError` if the folder is not ours or in use.
    """
    with contextlib.closing(Store(folder, preview=True)) as store:
        usage = measure_disk_usage(store.folder)
        deleter = _deleter(store)
        sessions = [
            (session, [*deleter.session_files([session.id])]) for session in _unused(store, max_age)
        ]
        orphans = tuple(deleter.find_orphan_files())
        work = store.work
        left = (*find_work_files(work), *find_returned_parts(work))
        unfinished = tuple(path.relative_to(work.parent).as_posix() for path in left)
        names = {*orphans, *unfinished, *(name for _, files in sessions for name in files)}
        names |= {n for n in usage.names if n.startswith(tuple(f"{u}/" for u in unfinished))}
        return CleanupPlan(
            store.folder,
            tuple(
                msgspec.structs.replace(session, size=_size(files, usage))
                for session, files in sessions
            ),
            orphans,
            unfinished,
            _freed_without(names, usage),
        )


def run_cleanup(plan: CleanupPlan) -> int:
    """Delete what was found; return the number of bytes that this frees.

    Files are deleted first: on a full disk that makes room for the changes of the database.
    Raises `StoreError` or a storage error.
    """
    before = measure_disk_usage(plan.folder).total
    sessions = [session.id for session in plan.sessions]
    with contextlib.closing(Store(plan.folder, preview=True)) as store:
        for name in (*plan.orphans, *_deleter(store).session_files(sessions)):
            (plan.folder / name).unlink(missing_ok=True)
        clear_work_folder(store.work)
        clear_returned_parts(store.work)
    if sessions:
        with contextlib.closing(Store(plan.folder)) as store:
            _deleter(store).delete_sessions(sessions)
            # A full disk has no room for that; the unused pages will be used again.
            with contextlib.suppress(sqlite3.OperationalError):
                store.vacuum()
    return max(before - measure_disk_usage(plan.folder).total, 0)


def _deleter(store: Store) -> DataDeleter:
    return DataDeleter(store, AssetRepository(store, store.wall_clock))


def _unused(store: Store, max_age: float | None) -> list[UnusedSession]:
    if max_age is None:
        return []
    return store.fetch_all(UnusedSession, _UNUSED, moment=store.wall_clock.time() - max_age)


def _size(names: Iterable[str], usage: DiskUsage) -> int:
    """Bytes of the files with these names; a file with several names counts once."""
    inodes = {usage.names[name] for name in names if name in usage.names}
    return sum(usage.files[inode].size for inode in inodes)


def _freed_without(names: set[str], usage: DiskUsage) -> int:
    """How many bytes are freed by deleting these names."""
    deleted = Counter(usage.names[name] for name in names & usage.names.keys())
    return sum(
        usage.files[inode].size
        for inode, count in deleted.items()
        if count >= usage.files[inode].links
    )


def folder_size(folder: Path) -> int:
    """Bytes of all files in a folder, as `du` counts them."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += allocated_size(os.lstat(Path(parent, name)))
    return total
