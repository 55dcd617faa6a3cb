"""Errors of the disk and the operating system: what they mean and what to do.

Neither the request nor the server is at fault then, and what failed may be tried again.
"""

import errno
import sqlite3
from pathlib import Path

from .data_folder import DATABASE_NAME, is_disk_full

STORAGE_ERRORS = (OSError, sqlite3.OperationalError)
"""The errors that a failed write raises."""

_AGAIN = "then send the request again"
_FULL = f"the disk is full: free some space, {_AGAIN}"
_FILES = f"too many files are open: raise the limit (ulimit -n) or close connections, {_AGAIN}"
_READ_ONLY = f"the data folder is read-only: make it writable, {_AGAIN}"
_GONE = "the data folder is gone: it was deleted or moved while the server ran. Restart the server"
_LOST = (
    "the database of the data folder is gone: it was deleted or moved while the server ran. Stop "
    "the server; then restore the database, or choose another data folder"
)
_LARGE = (
    f"a file exceeds the size that this process may write: raise the limit (ulimit -f), {_AGAIN}"
)
_LOCKED = f"another program has the database locked: end that program, {_AGAIN}"
_BROKEN = (
    f"the data folder cannot be read or written (input/output error): check its disk, {_AGAIN}"
)

_BY_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.EROFS: _READ_ONLY,
    errno.EIO: _BROKEN,
    errno.EFBIG: _LARGE,
}
# By the low eight bits, the primary error code.
_BY_SQLITE = {
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_IOERR: _BROKEN,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_CANTOPEN: _FILES,
}


def explain_storage_error(error: BaseException | None, folder: Path) -> str | None:
    """What is wrong with the data folder and what to do; None if that is not the reason."""
    while error is not None:
        if isinstance(error, STORAGE_ERRORS):
            # Other reasons would only be consequences of that.
            if not folder.is_dir():
                return _GONE
            if isinstance(error, FileNotFoundError) and _is_database(error.filename):
                return _LOST
            if (reason := _reason(error, folder)) is not None:
                return reason
        error = error.__cause__
    return None


def _is_database(path: object) -> bool:
    return isinstance(path, str | Path) and Path(path).name == DATABASE_NAME


def is_transient(error: BaseException) -> bool:
    """Whether what failed may work later: it is not a mistake in a statement."""
    return getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR


def _reason(error: OSError | sqlite3.OperationalError, folder: Path) -> str | None:
    if isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno or 0)
    if is_disk_full(folder, error):
        return _FULL
    return _BY_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
