"""The files that a client uploads: none of them is ever overwritten by an export.

A file is known by where it really lies and by what it is on its disk, so that links to it and its
other spellings are it, too.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec


class FileIdentity(msgspec.Struct, frozen=True):
    """A file: its real path, device and inode, and its size in bytes and time of change (ns)."""

    path: str
    device: int
    inode: int
    size: int
    changed: int


class InputFiles:
    """Files that were named to be uploaded."""

    def __init__(self, paths: Iterable[str | Path] = ()) -> None:
        self._known: set[FileIdentity] = set()
        for path in paths:
            self.add(path)

    def add(self, path: str | Path) -> None:
        """Remember a file; what is no file here, such as a URL, is none."""
        found = file_identity(path)
        if found is not None:
            self.add_identities([found])

    def add_identities(self, files: Iterable[FileIdentity]) -> None:
        """Remember files, as they were when they were uploaded."""
        self._known.update(files)

    def contains(self, path: Path) -> bool:
        """Whether what lies at `path` now is one of them."""
        found = file_identity(path)
        return found is not None and any(_is_same_file(known, found) for known in self._known)


def file_identity(path: str | Path) -> FileIdentity | None:
    """What lies at a path, links followed; None where nothing does."""
    try:
        status = os.stat(path)
        real = os.path.realpath(path)
    except (OSError, ValueError):
        return None
    return FileIdentity(real, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _is_same_file(known: FileIdentity, found: FileIdentity) -> bool:
    if known.path == found.path:
        return True
    if not found.inode or (known.device, known.inode) != (found.device, found.inode):
        return False
    # The inode of a file that is gone may be given to another one.
    unchanged = (known.size, known.changed) == (found.size, found.changed)
    return unchanged or _still_exists(known)


def _still_exists(known: FileIdentity) -> bool:
    now = file_identity(known.path)
    return now is not None and (now.device, now.inode) == (known.device, known.inode)
