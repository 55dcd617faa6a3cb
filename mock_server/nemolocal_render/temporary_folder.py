"""Temporary folders that are removed when their process ends, or by the next process after a kill.

The owner locks a database in its folder, and the operating system releases the lock when the
process ends. So the next process can distinguish abandoned folders from used ones; the application
id of the database shows that the folder was created by this program.
"""

import contextlib
import functools
import os
import secrets
import shutil
import sqlite3
import stat
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

APPLICATION_ID = 0x4E656D6F
"""“Nemo”, the SQLite application id of all databases of this project."""

_PREFIX = "nemolocal-"
_OWNER = "owner.sqlite3"


class TemporaryFolder:
    """A folder that exists as long as this object, at most until its process ends.

    `kind` is a word in its name. If the process is killed, the next process that creates such a
    folder removes it.
    """

    def __init__(self, kind: str) -> None:
        delete_abandoned_once()
        name = f"{_PREFIX}{kind}-{secrets.token_hex(8)}"
        self.path = Path(tempfile.gettempdir()).resolve() / name
        try:
            self.path.mkdir(mode=0o700)
            lock = _lock(self.path / _OWNER)
            # Also if an exception, such as that of a signal, prevents the call of `remove`.
            self._remove = weakref.finalize(self, _remove, self.path, lock, os.getpid())
        except FileExistsError:
            raise
        except BaseException:  # of a signal too, as soon as the folder exists
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def remove(self) -> None:
        """Remove the folder and its content."""
        self._remove()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *exc_info: object) -> None:
        self.remove()


def delete_abandoned_once() -> None:
    """Call `delete_abandoned` once per process."""
    _sweep_once(Path(tempfile.gettempdir()))


@functools.cache
def _sweep_once(temporary: Path) -> None:
    delete_abandoned(temporary)


def delete_abandoned(temporary: Path) -> None:
    """Remove the folders that killed processes have left."""
    for folder in find_abandoned(temporary):
        remove_tree(folder)


def find_abandoned(temporary: Path) -> Iterator[Path]:
    """Yield the folders that killed processes have left."""
    for folder in temporary.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError, sqlite3.DatabaseError):
            is_folder = stat.S_ISDIR(_mode_of_own(folder))
            if is_folder and stat.S_ISREG(_mode_of_own(folder / _OWNER)) and _is_abandoned(folder):
                yield folder


def remove_tree(folder: Path) -> None:
    """Remove a folder, its database last: if this is killed, the next process continues."""
    _empty(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != _OWNER:
                path.unlink(missing_ok=True)


def _remove(folder: Path, lock: sqlite3.Connection, owner: int) -> None:
    # A forked child does not own the folder.
    if os.getpid() != owner:
        return
    try:
        _delete(folder, lock)
    except BaseException:  # of a signal: this is not called again
        _delete(folder, lock)
        raise


def _delete(folder: Path, lock: sqlite3.Connection) -> None:
    # The lock protects the folder until the end; some systems cannot remove open files.
    _empty(folder)
    lock.close()
    shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    """Whether the folder is of this program and its owner has ended; raises if it is locked."""
    address = f"{(folder / _OWNER).as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=0)) as db:
        db.execute("BEGIN EXCLUSIVE")
        (application,) = db.execute("PRAGMA application_id").fetchone()
        db.execute("ROLLBACK")
    return bool(application == APPLICATION_ID)


def _mode_of_own(path: Path) -> int:
    """Return the mode of a path without following links; 0 if another user owns it."""
    found = path.lstat()
    mine = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return found.st_mode if mine else 0


def _lock(path: Path) -> sqlite3.Connection:
    # The folder may be removed in another thread.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # It need not survive a power failure.
    for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "locking_mode=EXCLUSIVE"):
        db.execute(f"PRAGMA {pragma}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("BEGIN EXCLUSIVE")
    return db
