"""How much a data folder may keep, how much disk it uses, and which sessions are deleted first."""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ..data import data_folder
from ..setting_ranges import CENTURY, DAY, check_range

_MIN_BYTES, _MAX_BYTES = 1024 * 1024, 10**15
_BLOCK = 512


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When sessions are deleted with their files; 0 for no limit.

    - `max_age`: when a session was not used for this many seconds.
    - `max_bytes`: when the data folder has more; the least recently used are deleted first.
    """

    max_age: float = 0.0
    max_bytes: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for a field out of its range."""
        check_range("retention.max_age", self.max_age, 0, CENTURY)
        if self.max_bytes:
            check_range("retention.max_bytes", self.max_bytes, _MIN_BYTES, _MAX_BYTES)


TEMPORARY_RETENTION = Retention(max_age=30 * DAY, max_bytes=10 * 10**9)
"""For data folders that the user did not name: 30 days and 10 GB."""
UNLIMITED_RETENTION = Retention()

Inode = tuple[int, int]
"""A file whatever its names: device and inode number."""


class FileUsage(msgspec.Struct, frozen=True):
    """The bytes of a file on the disk, and its number of names (hard links)."""

    size: int
    links: int


class SessionFiles(msgspec.Struct, frozen=True):
    """A session and its files, one inode per name."""

    session: str
    inodes: tuple[Inode, ...]
    size: int = 0
    """Bytes of its rows in the database."""


def select_sessions_to_delete(
    oldest_first: Sequence[SessionFiles], files: Mapping[Inode, FileUsage], excess: int
) -> list[str]:
    """The sessions to delete to free `excess` bytes, least recently used first.

    A file is freed with its last name: not if a snapshot or a remaining session has it too. A
    session that frees no file is deleted only if files alone are not enough, but with rows they
    are.
    """
    if excess <= 0:
        return []
    enough, chosen = _choose(oldest_first, files, excess, rows=False)
    if not enough:
        enough, by_rows = _choose(oldest_first, files, excess, rows=True)
        chosen = by_rows if enough else chosen
    return chosen


def _choose(
    sessions: Sequence[SessionFiles], files: Mapping[Inode, FileUsage], excess: int, *, rows: bool
) -> tuple[bool, list[str]]:
    """Whether enough is freed, and which sessions contribute to that."""
    freed_by = _freed_by_index(sessions, files)
    freed, last = 0, -1
    for index, session in enumerate(sessions):
        size = sum(files[inode].size for inode in freed_by.get(index, ()))
        size += session.size if rows else 0
        if size:
            freed, last = freed + size, index
        if freed >= excess:
            break
    deleted = {inode for index, inodes in freed_by.items() if index <= last for inode in inodes}
    chosen = [
        session.session
        for session in sessions[: last + 1]
        if rows or not deleted.isdisjoint(session.inodes)
    ]
    return freed >= excess, chosen


def _freed_by_index(
    sessions: Iterable[SessionFiles], files: Mapping[Inode, FileUsage]
) -> dict[int, list[Inode]]:
    """The files that are freed when the session at each index is deleted after all before it."""
    names: dict[Inode, int] = {}
    found: dict[int, list[Inode]] = {}
    for index, session in enumerate(sessions):
        for inode in session.inodes:
            if inode not in files:
                continue
            names[inode] = names.get(inode, 0) + 1
            if names[inode] == files[inode].links:
                found.setdefault(index, []).append(inode)
    return found


class DiskUsage(msgspec.Struct, frozen=True):
    """Files by inode, and inodes by name in `media`, `renders`, `footage` and so on."""

    files: dict[Inode, FileUsage]
    names: dict[str, Inode]

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())


def measure_disk_usage(folder: Path) -> DiskUsage:
    """Measure our files in a data folder; a file with several names counts once."""
    files: dict[Inode, FileUsage] = {}
    names: dict[str, Inode] = {}
    for path in _files(folder):
        # A file may be deleted meanwhile.
        with contextlib.suppress(OSError):
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode):
                continue
            # On a file system without inode numbers each name counts as a file.
            inode = (found.st_dev, found.st_ino or hash(path))
            files[inode] = FileUsage(allocated_size(found), max(found.st_nlink, 1))
            names[path.relative_to(folder).as_posix()] = inode
    return DiskUsage(files, names)


def allocated_size(found: os.stat_result) -> int:
    """Bytes on the disk, as `du` counts them."""
    blocks = getattr(found, "st_blocks", None)
    return found.st_size if blocks is None else blocks * _BLOCK


def _files(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in data_folder.DATABASE_FILES)
    for part in data_folder.SUBFOLDERS:
        for parent, _, names in os.walk(folder / part):
            yield from (Path(parent, name) for name in names)
