"""The data folder: checked before it is used, and cleaned of nothing but our own files.

Every start cleans up, so a folder must be ours for certain: its database says so, or there is
nothing in it to lose. No part of it may be a link or belong to another user: a repository that
contains a `.nemolocal` could otherwise lead the server to other files of its user. Files whose
names are not ours are never touched.
"""

import contextlib
import os
import re
import shutil
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from nemolocal_render.temporary_folder import APPLICATION_ID as APPLICATION_ID

DatabaseOwner = Literal["ours", "empty", "foreign"]

DATABASE_NAME = "nemolocal.sqlite3"
SNAPSHOT_FOLDER = "snapshots"
_FOLDERS = ("media", "renders", "footage", "work")
SUBFOLDERS = (*_FOLDERS, SNAPSHOT_FOLDER)
"""The folders in a data folder."""
_LOG = f"{DATABASE_NAME}-wal"
DATABASE_FILES = (DATABASE_NAME, _LOG, f"{DATABASE_NAME}-shm", f"{DATABASE_NAME}-journal")
"""A database and the files that SQLite creates beside it."""

# Bytes that SQLite needs for those.
_MIN_FREE = 32 * 1024
_ID = r"[0-9a-f]{32}"
FILE_NAME_PATTERN = re.compile(rf"{_ID}\.[0-9a-z]{{2,5}}")
"""The names of files in every folder but `work`: an id and an extension."""
SNAPSHOT_NAME_PATTERN = re.compile(_ID)
PARTS_FOLDER = "parts"
"""The folder in `work` with the parts that the workers of a render farm have returned."""
_WORK_FILE = re.compile(rf"{FILE_NAME_PATTERN.pattern}|fixture-[a-z]+\.[0-9a-z]+")
_WORK_FOLDER = re.compile(rf"snapshot-{_ID}|render-[0-9a-z_]{{8}}")
_DISK_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
# Columns by table in databases of releases that did not write the application id yet.
_EARLIER_SCHEMA = {
    "tokens": {"id", "fingerprint", "user_id", "client_id", "address", "scopes", "dialect_json"},
    "sessions": {"id", "token_id", "ordinal", "task_id", "task_name", "language"},
    "assets": {"id", "session_id", "origin", "filename", "hash", "info"},
    "drafts": {"session_id", "version", "draft", "turn"},
    "ledger": {"id", "token_id", "kind", "available", "frozen", "hold_id", "reason"},
    "renders": {"token_id", "id", "session_id", "status", "file_id"},
}


class StoreError(Exception):
    """The data folder cannot be used; the message says why and what to do."""


class FolderInUse(StoreError):
    """Another server uses the data folder."""


def open_data_folder(folder: Path) -> Path:
    """Check a folder and create what is missing of it; return its absolute path.

    Raises `StoreError` if the folder cannot be used; it is unchanged then.
    """
    try:
        if os.path.lexists(folder):  # also a link that leads nowhere
            _check(folder)
        _create(folder)
    except sqlite3.DatabaseError as error:
        raise store_error_for(folder, error) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"cannot use data folder {folder}: {reason}; choose another") from error
    return folder.resolve()


def require_data_folder(folder: Path) -> Path:
    """Check an existing data folder without changing it; return its absolute path.

    Raises `StoreError`.
    """
    try:
        if not folder.is_dir():
            raise StoreError(f"data folder not found: {folder}")
        _check(folder)
        if identify_database(folder / DATABASE_NAME) != "ours":
            raise StoreError(f"{folder} is not a data folder: it has no `{DATABASE_NAME}`")
    except sqlite3.DatabaseError as error:
        raise store_error_for(folder, error) from error
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {folder}: {error}") from error
    return folder.resolve()


def _create(folder: Path) -> None:
    """Create what is missing of a data folder, readable by its owner only."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    make_subfolders(folder)
    if (folder / SNAPSHOT_FOLDER).is_dir():
        (folder / SNAPSHOT_FOLDER).chmod(0o700)
    # SQLite gives the files beside a database the mode of the database.
    if not (folder / DATABASE_NAME).exists():
        os.close(os.open(folder / DATABASE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    for name in DATABASE_FILES:
        if (folder / name).exists():
            (folder / name).chmod(0o600)


def make_subfolders(folder: Path) -> None:
    """Create the folders for files."""
    for name in _FOLDERS:
        part = folder / name
        part.mkdir(mode=0o700, exist_ok=True)
        part.chmod(0o700)


def store_error_for(folder: Path, error: sqlite3.DatabaseError) -> StoreError:
    """Why the database of a folder cannot be used, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_BUSY:
        return FolderInUse(
            f"data folder {folder} is in use by another server: stop it, or choose another --data"
        )
    if is_disk_full(folder, error):
        return StoreError(
            f"the disk of data folder {folder} is full: free some space, or choose another --data"
        )
    if code & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return StoreError(
            f"cannot use data folder {folder}: its `{DATABASE_NAME}` is damaged or not a database "
            f"({error}); restore it from a copy if you have one, or choose another --data"
        )
    return StoreError(f"cannot use data folder {folder}: {error}; choose another --data")


def is_disk_full(folder: Path, error: sqlite3.Error) -> bool:
    """Whether a full disk is the reason, whatever error SQLite reports."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code not in _DISK_FULL:
        return code == sqlite3.SQLITE_FULL
    return folder.is_dir() and shutil.disk_usage(folder).free < _MIN_FREE


def identify_database(path: Path) -> DatabaseOwner:
    """Whose database this is, by its content; "empty" also if there is no file.

    Only SQLite may read it: if another part of this process has the file open, opening and closing
    it here would drop the locks of the whole process. Raises `sqlite3.DatabaseError` if it cannot
    be read: it is not a database, or locked.
    """
    if not path.exists() or not path.stat().st_size:
        return "empty"
    # A writable connection would move the log of a foreign database into it.
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        return _identify(address)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _DISK_FULL:
            raise
        # With `immutable`, SQLite creates no files, which a full disk has no room for.
        return _identify(f"{address}&immutable=1")


def _identify(address: str) -> DatabaseOwner:
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=0)) as db:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        if application == APPLICATION_ID:
            return "ours"
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        if application or (names and not _has_earlier_schema(db)):
            return "foreign"
        return "ours" if names else "empty"


def _has_earlier_schema(db: sqlite3.Connection) -> bool:
    for table, columns in _EARLIER_SCHEMA.items():
        found = db.execute("SELECT name FROM pragma_table_info(?)", (table,))
        if not columns <= {name for (name,) in found}:
            return False
    return True


def find_files(folder: Path) -> Iterator[Path]:
    """The files in a folder that have names of ours."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if FILE_NAME_PATTERN.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    yield Path(entry.path)


def find_orphans(folder: Path, known: Iterable[str]) -> list[Path]:
    """Our files whose ids are not among the known ones."""
    ids = set(known)
    return [path for path in find_files(folder) if path.stem not in ids]


def delete_orphans(folder: Path, known: Iterable[str]) -> None:
    """Delete our files whose ids are not among the known ones."""
    for path in find_orphans(folder, known):
        path.unlink()


def find_work_files(folder: Path) -> list[Path]:
    """The files and folders that a killed server was receiving or rendering."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [
            Path(entry.path)
            for entry in entries
            if (entry.is_dir(follow_symlinks=False) and _WORK_FOLDER.fullmatch(entry.name))
            or (entry.is_file(follow_symlinks=False) and _WORK_FILE.fullmatch(entry.name))
        ]


def find_returned_parts(folder: Path) -> list[Path]:
    """The parts of renders that the workers of a farm returned to a server that was killed."""
    parts = folder / PARTS_FOLDER
    if parts.is_symlink() or not parts.is_dir():
        return []
    with os.scandir(parts) as entries:
        return [
            Path(entry.path)
            for entry in entries
            if entry.is_file(follow_symlinks=False) and FILE_NAME_PATTERN.fullmatch(entry.name)
        ]


def clear_returned_parts(folder: Path) -> None:
    """Delete the parts that no render will ask for, since there is no farm any more."""
    for path in find_returned_parts(folder):
        path.unlink()
    with contextlib.suppress(OSError):  # it is not there, or has files that are not ours
        (folder / PARTS_FOLDER).rmdir()


def clear_work_folder(folder: Path) -> None:
    """Delete the files and folders that a killed server was receiving or rendering."""
    for path in find_work_files(folder):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _check(folder: Path) -> None:
    """Raise `StoreError` for a folder that is not certainly ours."""
    _check_part(folder, folder, directory=True)
    for name in SUBFOLDERS:
        _check_part(folder, folder / name, directory=True)
    for name in DATABASE_FILES:
        _check_part(folder, folder / name, directory=False)
    if not os.access(folder, os.W_OK):
        raise StoreError(
            f"cannot use data folder {folder}: it cannot be written to; make it writable, or "
            "choose another --data"
        )
    owner = identify_database(folder / DATABASE_NAME)
    if owner == "foreign":
        raise StoreError(
            f"{folder} is not a data folder: its `{DATABASE_NAME}` is the database of another "
            "program; choose another --data"
        )
    if owner == "empty":
        _require_empty(folder)
    for part in _find_parts(folder):
        _check_part(folder, part)


def _require_empty(folder: Path) -> None:
    """Raise `StoreError` if a folder without a database has files that a cleanup would delete."""
    if _looks_like_ours(folder):
        raise StoreError(
            f"{folder} has lost its database: `{DATABASE_NAME}` is missing or empty, and without "
            "it the other files are of no use. Restore it from a copy if you have one; else save "
            "what you need of the folder and delete it; or choose another --data"
        )
    for name in SUBFOLDERS:
        if (folder / name).is_dir() and any((folder / name).iterdir()):
            raise StoreError(
                f"{folder} is not a data folder: its `{name}` is not ours; choose another --data"
            )
    log = folder / _LOG
    if log.exists() and log.stat().st_size:
        raise StoreError(
            f"{folder} is not a data folder: its `{_LOG}` is not ours; choose another --data"
        )


def _looks_like_ours(folder: Path) -> bool:
    """Whether a folder has all of a data folder but the database: good enough for a message."""
    if not all((folder / name).is_dir() for name in _FOLDERS):
        return False
    snapshots = any(_find_named(folder / SNAPSHOT_FOLDER, SNAPSHOT_NAME_PATTERN))
    return snapshots or any(any(find_files(folder / name)) for name in _FOLDERS)


def _find_parts(folder: Path) -> Iterator[Path]:
    """Everything with a name of ours in the subfolders and the snapshots."""
    for name in _FOLDERS:
        yield from _find_named(folder / name, _WORK_FILE)
        yield from _find_named(folder / name, _WORK_FOLDER)
    for snapshot in _find_named(folder / SNAPSHOT_FOLDER, SNAPSHOT_NAME_PATTERN):
        yield snapshot
        if snapshot.is_dir() and not snapshot.is_symlink():
            yield from snapshot.iterdir()
            for name in _FOLDERS:
                yield from _find_named(snapshot / name, FILE_NAME_PATTERN)


def _find_named(folder: Path, names: re.Pattern[str]) -> Iterator[Path]:
    if folder.is_dir():
        for name in os.listdir(folder):
            if names.fullmatch(name):
                yield folder / name


def _check_part(folder: Path, part: Path, *, directory: bool | None = None) -> None:
    """Raise `StoreError` if a part is a link, of the wrong type, or belongs to another user."""
    if not os.path.lexists(part):
        return
    found = part.lstat()
    named = "it" if part == folder else f"its `{part.relative_to(folder).as_posix()}`"
    if stat.S_ISLNK(found.st_mode) or _is_junction(found):
        raise StoreError(
            f"cannot use data folder {folder}: {named} is a link; give the folder itself, or "
            "choose another --data"
        )
    has_type = stat.S_ISDIR if directory else stat.S_ISREG
    if directory is not None and not has_type(found.st_mode):
        expected = "folder" if directory else "file"
        raise StoreError(
            f"cannot use data folder {folder}: {named} is not a {expected}; choose another --data"
        )
    if directory is False and found.st_nlink > 1:
        raise StoreError(
            f"cannot use data folder {folder}: {named} is a hard link of another file, which would "
            "change with it; copy it, or choose another --data"
        )
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        raise StoreError(
            f"cannot use data folder {folder}: {named} belongs to another user "
            f"(id {found.st_uid}); choose another --data"
        )


def _is_junction(found: os.stat_result) -> bool:
    """Whether it is a junction, a link of Windows that is not a symbolic link."""
    tag = getattr(found, "st_reparse_tag", 0)
    return bool(tag) and tag == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
