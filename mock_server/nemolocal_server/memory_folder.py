"""The folder of what keeps nothing: gone when it ends, also where it was killed.

A server, or a command with files of its own, holds a lock on a database in its folder, which the
operating system gives back when the process ends. So the next one can tell what a killed one has
left from what is in use, and from what is somebody else's: that database says that it is ours.
"""

import contextlib
import functools
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .data_folder import make_parts
from .migrations import sign
from .proof import whose_connection

_PREFIX = "nemolocal-memory-"
_OWNER = "owner.sqlite3"


class MemoryFolder:
    """A folder for as long as this object holds it."""

    def __init__(self) -> None:
        self.path, self._lock = _begin()
        make_parts(self.path)

    def remove(self) -> None:
        """Take the folder away, and everything in it."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for the files of one command: gone when it ends, also where it was killed."""
    home, lock = _begin()
    folder = home / "files"
    folder.mkdir()
    try:
        yield folder
    finally:
        lock.close()
        shutil.rmtree(home, ignore_errors=True)


def _begin() -> tuple[Path, sqlite3.Connection]:
    """A new folder and the lock that says that it is in use."""
    sweep_once(Path(tempfile.gettempdir()))
    path = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    return path, _lock(path / _OWNER)


@functools.cache
def sweep_once(temporary: Path) -> None:
    """`sweep_killed`, once in the life of a process."""
    sweep_killed(temporary)


def sweep_killed(temporary: Path) -> None:
    """Take away the folders of servers that were killed; nothing that is in use or not ours."""
    for folder in killed(temporary):
        shutil.rmtree(folder, ignore_errors=True)


def killed(temporary: Path) -> Iterator[Path]:
    """The folders that servers have left that were killed; changes nothing."""
    for folder in temporary.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError, sqlite3.DatabaseError):
            is_folder = stat.S_ISDIR(_mode_of_own(folder))
            if is_folder and stat.S_ISREG(_mode_of_own(folder / _OWNER)) and not _is_held(folder):
                yield folder


def _is_held(folder: Path) -> bool:
    """Whether it is somebody's: a server's that runs, or not ours at all."""
    address = f"{(folder / _OWNER).as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=0)) as db:
        db.execute("BEGIN EXCLUSIVE")
        ours = whose_connection(db) == "ours"
        db.execute("ROLLBACK")
    return not ours


def _mode_of_own(path: Path) -> int:
    """What it is, links not followed; 0 where it is another user's."""
    found = path.lstat()
    mine = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return found.st_mode if mine else 0


def _lock(path: Path) -> sqlite3.Connection:
    # The server is built in one thread and may end in another.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # Nothing of it need outlive a power cut.
    for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "locking_mode=EXCLUSIVE"):
        db.execute(f"PRAGMA {pragma}")
    sign(db)
    db.execute("BEGIN EXCLUSIVE")
    return db
