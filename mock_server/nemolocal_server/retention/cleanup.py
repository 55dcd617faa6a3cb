"""Cleaning a data folder that no server uses: looked at first, then removed.

What may go: sessions that nobody has used for long, files that belong to no session, and what was
being received or rendered when a server was killed. Snapshots stay.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..data import data_folder
from ..data.deletion import DataDeleter
from ..data.sessions import AssetRepository
from ..data.store import Store
from .disk_usage import allocated_size, measure_disk_usage
from .retention_policy import FileUsage, Inode, SessionFiles

_UNUSED = """
SELECT id, task_name, used FROM sessions WHERE used < :moment
    AND id NOT IN (SELECT session_id FROM renders WHERE status IN ('pending', 'processing'))
ORDER BY used, rowid
"""


class UnusedSession(msgspec.Struct, frozen=True):
    """A session, when it was last used (seconds since the epoch), and the bytes of its files."""

    id: str
    task_name: str
    used: float
    size: int = 0


class CleanupPlan(msgspec.Struct, frozen=True):
    """What may go from a folder, and how many bytes that frees."""

    folder: Path
    sessions: tuple[UnusedSession, ...]
    orphans: tuple[str, ...]
    unfinished: tuple[str, ...]
    freed: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.sessions or self.orphans or self.unfinished)


def plan_cleanup(folder: Path, max_age: float | None) -> CleanupPlan:
    """What may go; sessions only if `max_age` says after how many seconds. Changes nothing.

    Raises `StoreError` where the folder is not ours, or in use.
    """
    with contextlib.closing(Store(folder, preview=True)) as store:
        use = measure_disk_usage(store.folder)
        sessions = _unused(store, max_age)
        namespaces = _deleter(store)
        holdings = [_session_files(session, namespaces, use.names) for session in sessions]
        unowned = tuple(namespaces.find_orphan_files())
        unfinished = tuple(_unfinished(store.work))
        names = {
            name for holding in holdings for name in namespaces.session_files([holding.session])
        }
        names |= set(unowned) | set(unfinished)
        names |= {n for n in use.names if n.startswith(tuple(f"{u}/" for u in unfinished))}
        return CleanupPlan(
            store.folder,
            tuple(
                msgspec.structs.replace(
                    session, size=sum(use.files[inode].size for inode in {*holding.inodes})
                )
                for session, holding in zip(sessions, holdings, strict=True)
            ),
            unowned,
            unfinished,
            _freed_without(names, use.names, use.files),
        )


def run_cleanup(found: CleanupPlan) -> int:
    """Remove what was found; how many bytes that freed.

    Files go first: on a full disk that makes the room for the rest.
    Raises `StoreError`, or what the machine refuses.
    """
    before = measure_disk_usage(found.folder).total
    sessions = [session.id for session in found.sessions]
    with contextlib.closing(Store(found.folder, preview=True)) as store:
        for name in (*found.orphans, *_deleter(store).session_files(sessions)):
            (found.folder / name).unlink(missing_ok=True)
        data_folder.clear_work_folder(store.work)
    if sessions:
        with contextlib.closing(Store(found.folder)) as store:
            _deleter(store).delete_sessions(sessions)
            # A full disk has no room for that; what is free in it will be used again.
            with contextlib.suppress(sqlite3.OperationalError):
                store.vacuum()
    return max(before - measure_disk_usage(found.folder).total, 0)


def _deleter(store: Store) -> DataDeleter:
    return DataDeleter(store, AssetRepository(store, store.wall_clock))


def _unused(store: Store, max_age: float | None) -> list[UnusedSession]:
    if max_age is None:
        return []
    return store.fetch_all(UnusedSession, _UNUSED, moment=store.wall_clock.time() - max_age)


def _session_files(
    session: UnusedSession, namespaces: DataDeleter, names: dict[str, Inode]
) -> SessionFiles:
    files = namespaces.session_files([session.id])
    return SessionFiles(session.id, tuple(names[name] for name in files if name in names))


def _unfinished(work: Path) -> Iterator[str]:
    for path in data_folder.find_work_files(work):
        yield f"{work.name}/{path.name}"


def _freed_without(names: set[str], inodes: dict[str, Inode], files: dict[Inode, FileUsage]) -> int:
    """How many bytes are free when these names have gone."""
    gone: dict[Inode, int] = {}
    for name in names & inodes.keys():
        gone[inodes[name]] = gone.get(inodes[name], 0) + 1
    return sum(files[inode].size for inode, n in gone.items() if n >= files[inode].links)


def folder_size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += allocated_size(os.lstat(Path(parent, name)))
    return total
