"""The sources of parts on a worker: of each as much as its parts have needed so far."""

import asyncio
import contextlib
import logging
import os
import stat
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import NamedTuple

from nemolocal_render.probing.packet_index import ByteRange, merge_ranges

from .part_tasks import TaskFile, digest_range
from .worker_transfers import WorkerTransfers

_log = logging.getLogger(__name__)

_BLOCK = 512


class SourceCopy(NamedTuple):
    """A source on this machine, and the bytes that were fetched for it now.

    `is_whole`: all of it is there, with the right SHA-256. Else it has only what a part should
    need, or lies on a shared disk.
    """

    path: Path
    is_whole: bool
    fetched: int


class SourceCache:
    """Fetches sources into `folder`, and keeps them until they take more than `most` bytes.

    `media` is the media folder of the server, if this machine sees it: nothing is fetched then.
    """

    def __init__(
        self, transfers: WorkerTransfers, folder: Path, most: int, media: Path | None = None
    ) -> None:
        self._transfers = transfers
        self._folder = folder
        self._most = most
        self._media = media
        self._locks: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._in_use: defaultdict[Path, int] = defaultdict(int)
        self._present: dict[Path, list[ByteRange]] = {}

    @contextlib.asynccontextmanager
    async def source(self, file: TaskFile, *, whole: bool = False) -> AsyncIterator[SourceCopy]:
        """Have a source here, with at least its ranges; it stays while it is used.

        With `whole` all of it is fetched. Raises TransferFailed and OSError.
        """
        path = self._folder / file.sha256
        is_whole = whole or not file.ranges or path.exists()
        if not whole and (shared := self._shared(file)) is not None:
            yield SourceCopy(shared, False, 0)
            return
        if not is_whole:
            path = path.with_suffix(".ranges")
        self._in_use[path] += 1
        try:
            async with self._locks[path]:
                fetched = await (self._fetch(file, path) if is_whole else self._add(file, path))
            if fetched is not None:
                os.utime(path)
                yield SourceCopy(path, is_whole, fetched)
                return
        finally:
            self._in_use[path] -= 1
        _log.warning("ranges of a source are not what was announced: all of it is fetched")
        async with self.source(file, whole=True) as copy:
            yield copy

    def _shared(self, file: TaskFile) -> Path | None:
        """Return a source on the shared disk, if one of its name and size is there."""
        if self._media is None or not file.shared:
            return None
        path = self._media / file.shared
        try:
            found = path.lstat()
        except OSError:
            return None
        return path if stat.S_ISREG(found.st_mode) and found.st_size == file.size else None

    async def _fetch(self, file: TaskFile, path: Path) -> int:
        if path.exists():
            return 0
        self._make_room(file.size)
        return await self._transfers.fetch(file, path)

    async def _add(self, file: TaskFile, path: Path) -> int | None:
        """Fetch the ranges that are missing in a sparse copy; return their bytes.

        None if a range has another SHA-256 than announced: the copy is deleted then.
        """
        wanted = [(each.begin, each.end) for each in file.ranges]
        present = self._present.get(path, [])
        missing = subtract_ranges(wanted, present)
        self._make_room(sum(end - begin for begin, end in missing))
        if not path.exists():
            with path.open("xb") as new:
                new.truncate(file.size)
        for begin, end in missing:
            await self._transfers.fetch_range(file, begin, end, path)
        if not await asyncio.to_thread(_are_right, file, path):
            self._delete(path)
            return None
        self._present[path] = merge_ranges([*present, *missing], gap=0)
        return sum(end - begin for begin, end in missing)

    def _make_room(self, needed: int) -> None:
        """Delete the sources that were used longest ago and are not used now."""
        kept = sorted(
            (path for path in self._folder.iterdir() if path in self._in_use),
            key=lambda path: path.stat().st_mtime,
        )
        sizes = {path: path.stat().st_blocks * _BLOCK for path in kept}
        total = needed + sum(sizes.values())
        for path in kept:
            if total <= self._most:
                return
            if not self._in_use[path]:
                total -= sizes[path]
                self._delete(path)

    def _delete(self, path: Path) -> None:
        self._present.pop(path, None)
        path.unlink(missing_ok=True)


def subtract_ranges(wanted: Iterable[ByteRange], present: Iterable[ByteRange]) -> list[ByteRange]:
    """Return what of the wanted ranges is not in those that are present."""
    missing = []
    there = sorted(present)
    for begin, end in wanted:
        for first, last in there:
            if begin < last and first < end:
                if begin < first:
                    missing.append((begin, first))
                begin = max(begin, last)
        if begin < end:
            missing.append((begin, end))
    return missing


def _are_right(file: TaskFile, path: Path) -> bool:
    with path.open("rb") as copy:
        return all(digest_range(copy, each.begin, each.end) == each.sha256 for each in file.ranges)
