"""The data folder: ours by proof, made for its owner alone, and cleaned of nothing but our files.

Every start cleans up. So a folder is believed to be ours by what its database says of itself, and
without such a database only if there is nothing to lose. No part of it may be a link or somebody
else's: a repository that brings a `.nemolocal` would lead us to the files of whoever starts a
server in it. What has no name of ours is left alone, wherever it lies.
"""

import os
import re
import shutil
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from .database_identity import identify_database

DATABASE_NAME = "nemolocal.sqlite3"
SNAPSHOT_FOLDER = "snapshots"
_FOLDERS = ("media", "renders", "footage", "work")
SUBFOLDERS = (*_FOLDERS, SNAPSHOT_FOLDER)
"""The folders in a data folder."""
_LOG = f"{DATABASE_NAME}-wal"
DATABASE_FILES = (DATABASE_NAME, _LOG, f"{DATABASE_NAME}-shm", f"{DATABASE_NAME}-journal")
"""A database and what SQLite keeps beside it."""

# What SQLite makes beside a database.
_LEAST_ROOM = 32 * 1024
_ID = r"[0-9a-f]{32}"
FILE_NAME_PATTERN = re.compile(rf"{_ID}\.[0-9a-z]{{2,5}}")
"""The names of files in every folder but `work`: an id and an extension."""
SNAPSHOT_NAME_PATTERN = re.compile(_ID)
_WORK_FILE = re.compile(rf"{FILE_NAME_PATTERN.pattern}|fixture-[a-z]+\.[0-9a-z]+")
_WORK_FOLDER = re.compile(rf"snapshot-{_ID}|render-[0-9a-z_]{{8}}")


class StoreError(Exception):
    """The data folder cannot be used; the message says why and what to do."""


class FolderInUse(StoreError):
    """Another server has the data folder."""


def open_data_folder(folder: Path) -> Path:
    """The folder, with all its parts, once it is certain that it is ours to work in.

    Raises `StoreError`, and has changed nothing then.
    """
    try:
        if _exists(folder):
            _check(folder)
        _make_folders(folder)
    except sqlite3.DatabaseError as error:
        raise store_error_for(folder, error) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"cannot use data folder {folder}: {reason}; choose another") from error
    return folder.resolve()


def require_data_folder(folder: Path) -> Path:
    """The folder, if there is one, and certainly ours; changes nothing. Raises `StoreError`."""
    try:
        if not folder.is_dir():
            raise StoreError(f"{folder} is no data folder: there is no such folder")
        _check(folder)
        if identify_database(folder / DATABASE_NAME) != "ours":
            raise StoreError(f"{folder} is no data folder: it has no `{DATABASE_NAME}`")
    except sqlite3.DatabaseError as error:
        raise store_error_for(folder, error) from error
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder} cannot be read: {error}") from error
    return folder.resolve()


def _make_folders(folder: Path) -> None:
    """Make what is missing of a data folder, readable by its owner only."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    make_subfolders(folder)
    if (folder / SNAPSHOT_FOLDER).is_dir():
        (folder / SNAPSHOT_FOLDER).chmod(0o700)
    # SQLite gives the files beside a database the mode that the database has.
    if not (folder / DATABASE_NAME).exists():
        os.close(os.open(folder / DATABASE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    for name in DATABASE_FILES:
        if (folder / name).exists():
            (folder / name).chmod(0o600)


def make_subfolders(folder: Path) -> None:
    """Make the folders that hold files."""
    for name in _FOLDERS:
        part = folder / name
        part.mkdir(mode=0o700, exist_ok=True)
        part.chmod(0o700)


def store_error_for(folder: Path, error: sqlite3.DatabaseError) -> StoreError:
    """Why a database is of no use, and the way out."""
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return FolderInUse(
            f"data folder {folder} is in use by another server: stop it, or choose another --data"
        )
    if is_disk_full(folder, error):
        return StoreError(
            f"the disk of data folder {folder} is full: free some space, or choose another --data"
        )
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CORRUPT,
    ):
        return StoreError(
            f"cannot use data folder {folder}: its `{DATABASE_NAME}` is damaged or no database "
            f"({error}); put it back from a copy, if there is one, or choose another --data"
        )
    return StoreError(f"cannot use data folder {folder}: {error}; choose another --data")


def is_disk_full(folder: Path, error: sqlite3.Error) -> bool:
    """Whether a database cannot be worked with for want of room, whatever SQLite says of it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):
        return code == sqlite3.SQLITE_FULL
    return folder.is_dir() and shutil.disk_usage(folder).free < _LEAST_ROOM


def checked_path(folder: Path, name: str) -> Path:
    """Where a file lies of which the database says the name; raises `StoreError` for any other.

    A database may come from anywhere, and what it says must not lead out of its folder.
    """
    if not FILE_NAME_PATTERN.fullmatch(name):
        raise StoreError(f"the database names a file that is none of ours: {name[:100]!r}")
    return folder / name


def find_files(folder: Path) -> Iterator[Path]:
    """The files in a folder that have names of ours; nothing else is ever touched."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if FILE_NAME_PATTERN.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    yield Path(entry.path)


def find_orphans(folder: Path, known: Iterable[str]) -> list[Path]:
    """The files of ours that stand for nothing any more, by their ids."""
    ids = set(known)
    return [path for path in find_files(folder) if path.stem not in ids]


def delete_orphans(folder: Path, known: Iterable[str]) -> None:
    """Take those away."""
    for path in find_orphans(folder, known):
        path.unlink()


def find_work_files(folder: Path) -> list[Path]:
    """What was being received or rendered when a server ended."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [
            Path(entry.path)
            for entry in entries
            if (entry.is_dir(follow_symlinks=False) and _WORK_FOLDER.fullmatch(entry.name))
            or (entry.is_file(follow_symlinks=False) and _WORK_FILE.fullmatch(entry.name))
        ]


def clear_work_folder(folder: Path) -> None:
    """Take that away."""
    for path in find_work_files(folder):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _check(folder: Path) -> None:
    """Refuse a folder that is not certainly ours."""
    _refuse_link(folder, folder, directory=True)
    for name in SUBFOLDERS:
        _refuse_link(folder, folder / name, directory=True)
    for name in DATABASE_FILES:
        _refuse_link(folder, folder / name, directory=False)
    if not os.access(folder, os.W_OK):
        raise StoreError(
            f"cannot use data folder {folder}: it cannot be written to; make it writable, or "
            "choose another --data"
        )
    whose = identify_database(folder / DATABASE_NAME)
    if whose == "foreign":
        raise StoreError(
            f"{folder} is no data folder: its `{DATABASE_NAME}` is the database of another "
            "program; "
            "choose another --data"
        )
    if whose == "nobody's":
        _require_empty(folder)
    for part in _parts_within(folder):
        _refuse_link(folder, part, directory=None)


def _require_empty(folder: Path) -> None:
    """Our folders are cleaned at every start: never those of somebody who gave a project's path."""
    if _looks_like_ours(folder):
        raise StoreError(
            f"{folder} has lost its database: `{DATABASE_NAME}` is gone or empty, and only it "
            "knows "
            "what the other files are. Put it back from a copy, if there is one; else save what "
            "you need of the folder and delete it; or choose another --data"
        )
    for name in SUBFOLDERS:
        if (folder / name).is_dir() and any((folder / name).iterdir()):
            raise StoreError(
                f"{folder} is no data folder: its `{name}` is not ours; choose another --data"
            )
    log = folder / _LOG
    if log.exists() and log.stat().st_size:
        raise StoreError(
            f"{folder} is no data folder: its `{_LOG}` is not ours; choose another --data"
        )


def _looks_like_ours(folder: Path) -> bool:
    """Whether there is what a data folder has besides its database.

    That is no proof: it is said, and nothing is done with such a folder.
    """
    if not all((folder / name).is_dir() for name in _FOLDERS):
        return False
    snapshots = any(_named(folder / SNAPSHOT_FOLDER, SNAPSHOT_NAME_PATTERN))
    return snapshots or any(any(find_files(folder / name)) for name in _FOLDERS)


def _parts_within(folder: Path) -> Iterator[Path]:
    """What has a name of ours, within the folders and the snapshots."""
    for name in _FOLDERS:
        yield from _named(folder / name, _WORK_FILE)
        yield from _named(folder / name, _WORK_FOLDER)
    for snapshot in _named(folder / SNAPSHOT_FOLDER, SNAPSHOT_NAME_PATTERN):
        yield snapshot
        if snapshot.is_dir() and not snapshot.is_symlink():
            yield from snapshot.iterdir()
            for name in _FOLDERS:
                yield from _named(snapshot / name, FILE_NAME_PATTERN)


def _named(folder: Path, names: re.Pattern[str]) -> Iterator[Path]:
    if folder.is_dir():
        for name in os.listdir(folder):
            if names.fullmatch(name):
                yield folder / name


def _refuse_link(folder: Path, part: Path, *, directory: bool | None) -> None:
    """A part must be a folder or a file, as it is meant to be, and belong to who runs this."""
    if not _exists(part):
        return
    found = part.lstat()
    named = "it" if part == folder else f"its `{part.relative_to(folder).as_posix()}`"
    if stat.S_ISLNK(found.st_mode) or _is_junction(part):
        raise StoreError(
            f"cannot use data folder {folder}: {named} is a link; give the folder itself, or "
            "choose another --data"
        )
    is_due = stat.S_ISDIR if directory else stat.S_ISREG
    if directory is not None and not is_due(found.st_mode):
        due = "folder" if directory else "file"
        raise StoreError(
            f"cannot use data folder {folder}: {named} is no {due}; choose another --data"
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


def _exists(path: Path) -> bool:
    """Whether there is anything, a link that leads nowhere too."""
    return os.path.lexists(path)


def _is_junction(path: Path) -> bool:
    """A link of Windows that is no symbolic one."""
    tag = getattr(path.lstat(), "st_reparse_tag", 0)
    return bool(tag) and tag == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
