"""Temporary folders: gone when their owner ends, and at the next start where it was killed.

The owner holds a lock on a database in its folder, which the operating system gives back when the
process ends. So the next one can tell what a killed one has left from what is in use, and from what
is somebody else's: that database says that it is ours.
"""

import contextlib
import functools
import os
import shutil
import sqlite3
import stat
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

APPLICATION_ID = 0x4E656D6F
"""“Nemo”, in the header of each database of ours."""

_PREFIX = "nemolocal-"
_OWNER = "owner.sqlite3"


class TemporaryFolder:
    """A folder for as long as this object holds it, at most until its process ends.

    `kind` is a word in its name, for who looks at what lies there. Where the process is killed, the
    next one that makes such a folder removes it.
    """

    def __init__(self, kind: str) -> None:
        delete_abandoned_once()
        self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{kind}-")).resolve()
        try:
            lock = _lock(self.path / _OWNER)
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise
        # Also where an exception, such as that of a signal, leaves nobody to call `remove`.
        self._remove = weakref.finalize(self, _remove, self.path, lock, os.getpid())

    def remove(self) -> None:
        """Remove the folder, and everything in it."""
        self._remove()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()


def delete_abandoned_once() -> None:
    """`delete_abandoned`, once in the life of a process."""
    _sweep_once(Path(tempfile.gettempdir()))


@functools.cache
def _sweep_once(temporary: Path) -> None:
    delete_abandoned(temporary)


def delete_abandoned(temporary: Path) -> None:
    """Remove what killed processes have left; nothing that is in use or not ours."""
    for folder in find_abandoned(temporary):
        remove_tree(folder)


def find_abandoned(temporary: Path) -> Iterator[Path]:
    """The folders that killed processes have left; changes nothing."""
    for folder in temporary.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError, sqlite3.DatabaseError):
            is_folder = stat.S_ISDIR(_mode_of_own(folder))
            if is_folder and stat.S_ISREG(_mode_of_own(folder / _OWNER)) and _is_abandoned(folder):
                yield folder


def remove_tree(folder: Path) -> None:
    """Remove a folder; the proof that it is ours goes last, for who is killed in between."""
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
    # A child that was forked does not own what its parent has.
    if os.getpid() != owner:
        return
    try:
        _delete(folder, lock)
    except BaseException:  # of a signal: nobody comes back to this
        _delete(folder, lock)
        raise


def _delete(folder: Path, lock: sqlite3.Connection) -> None:
    # Nobody sweeps what is locked, and some systems remove no file that is open.
    _empty(folder)
    lock.close()
    shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    """Whether the folder is ours and its owner has ended; raises where somebody has it."""
    address = f"{(folder / _OWNER).as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=0)) as db:
        db.execute("BEGIN EXCLUSIVE")
        (application,) = db.execute("PRAGMA application_id").fetchone()
        db.execute("ROLLBACK")
    return bool(application == APPLICATION_ID)


def _mode_of_own(path: Path) -> int:
    """What it is, links not followed; 0 where it is another user's."""
    found = path.lstat()
    mine = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return found.st_mode if mine else 0


def _lock(path: Path) -> sqlite3.Connection:
    # The folder is made in one thread and may be removed in another.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # Nothing of it need outlive a power cut.
    for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "locking_mode=EXCLUSIVE"):
        db.execute(f"PRAGMA {pragma}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("BEGIN EXCLUSIVE")
    return db
