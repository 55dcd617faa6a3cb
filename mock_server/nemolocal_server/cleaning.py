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

from . import data_folder
from .assets import Assets
from .disk_use import measure, size_of
from .namespaces import Namespaces
from .retention import File, Holding, Inode
from .store import Store

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


class Findings(msgspec.Struct, frozen=True):
    """What may go from a folder, and how many bytes that frees."""

    folder: Path
    sessions: tuple[UnusedSession, ...]
    unowned: tuple[str, ...]
    unfinished: tuple[str, ...]
    freed: int

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.sessions or self.unowned or self.unfinished)


def look_over(folder: Path, max_age: float | None) -> Findings:
    """What may go; sessions only if `max_age` says after how many seconds. Changes nothing.

    Raises `StoreError` where the folder is not ours, or in use.
    """
    with contextlib.closing(Store(folder, preview=True)) as store:
        use = measure(store.folder)
        sessions = _unused(store, max_age)
        namespaces = _namespaces(store)
        holdings = [_holding(session, namespaces, use.names) for session in sessions]
        unowned = tuple(namespaces.unowned())
        unfinished = tuple(_unfinished(store.work))
        names = {name for holding in holdings for name in namespaces.files([holding.session])}
        names |= set(unowned) | set(unfinished)
        names |= {n for n in use.names if n.startswith(tuple(f"{u}/" for u in unfinished))}
        return Findings(
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


def remove(found: Findings) -> int:
    """Remove what was found; how many bytes that freed.

    Files go first: on a full disk that makes the room for the rest.
    Raises `StoreError`, or what the machine refuses.
    """
    before = measure(found.folder).total
    sessions = [session.id for session in found.sessions]
    with contextlib.closing(Store(found.folder, preview=True)) as store:
        for name in (*found.unowned, *_namespaces(store).files(sessions)):
            (found.folder / name).unlink(missing_ok=True)
        data_folder.empty_work(store.work)
    if sessions:
        with contextlib.closing(Store(found.folder)) as store:
            _namespaces(store).forget_sessions(sessions)
            # A full disk has no room for that; what is free in it will be used again.
            with contextlib.suppress(sqlite3.OperationalError):
                store.compact()
    return max(before - measure(found.folder).total, 0)


def _namespaces(store: Store) -> Namespaces:
    return Namespaces(store, Assets(store, store.wall))


def _unused(store: Store, max_age: float | None) -> list[UnusedSession]:
    if max_age is None:
        return []
    return store.all(UnusedSession, _UNUSED, moment=store.wall.time() - max_age)


def _holding(session: UnusedSession, namespaces: Namespaces, names: dict[str, Inode]) -> Holding:
    files = namespaces.files([session.id])
    return Holding(session.id, tuple(names[name] for name in files if name in names))


def _unfinished(work: Path) -> Iterator[str]:
    for path in data_folder.left_in_work(work):
        yield f"{work.name}/{path.name}"


def _freed_without(names: set[str], inodes: dict[str, Inode], files: dict[Inode, File]) -> int:
    """How many bytes are free when these names have gone."""
    gone: dict[Inode, int] = {}
    for name in names & inodes.keys():
        gone[inodes[name]] = gone.get(inodes[name], 0) + 1
    return sum(files[inode].size for inode, n in gone.items() if n >= files[inode].links)


def size_of_tree(folder: Path) -> int:
    """Bytes of all files in a folder."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += size_of(os.lstat(Path(parent, name)))
    return total
