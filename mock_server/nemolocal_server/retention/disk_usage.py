"""What a data folder takes of its disk: every file of ours once, however many names it has."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..data import data_folder
from .retention_policy import FileUsage, Inode

_BLOCK = 512


class DiskUsage(msgspec.Struct, frozen=True):
    """The files by their inodes, and the inodes by their names in `media`, `renders`, `footage`."""

    files: dict[Inode, FileUsage]
    names: dict[str, Inode]

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())


def measure_disk_usage(folder: Path) -> DiskUsage:
    """What there is now; files that go meanwhile are left out."""
    files: dict[Inode, FileUsage] = {}
    names: dict[str, Inode] = {}
    for path in _files(folder):
        with contextlib.suppress(OSError):
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode):
                continue
            # Where a file system has no numbers, each name is a file.
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
