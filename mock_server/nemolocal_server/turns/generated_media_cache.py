"""Generated footage, made once: the same recipe gives the same bytes, so they are kept.

It outlives sessions and resets, for nothing in it is anybody's. A file is a hard link to the one
that sessions have, or a copy where the file system has no links.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from nemolocal_contract.responses import encode_json
from nemolocal_render.media import MediaInfo

from ..data import data_folder

MAX_CACHED_FILES = 64
_INFO_SUFFIX = ".json"
_Make = Callable[[Path], Awaitable[MediaInfo]]


class GeneratedMediaCache:
    """The newest files that were made, each with what probing found in it beside it."""

    def __init__(self, folder: Path, work: Path) -> None:
        self._folder = folder
        self._work = work
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def fetch(self, recipe: tuple[object, ...], destination: Path, make: _Make) -> MediaInfo:
        """Bring the footage of a recipe to `destination`; `make` is called where there is none.

        The representation of a recipe says all that the footage depends on. Who asks for what is
        being made waits for it.
        """
        key = blake2b(repr(recipe).encode(), digest_size=16).hexdigest()
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            kept = self._folder / f"{key}{destination.suffix}"
            info = self._find(kept, destination)
            if info is None:
                info = await make(destination)
                # What cannot be kept is made again.
                with contextlib.suppress(OSError):
                    self._keep(destination, kept, info)
        return info

    def _find(self, kept: Path, destination: Path) -> MediaInfo | None:
        try:
            info = msgspec.json.decode(kept.with_suffix(_INFO_SUFFIX).read_bytes(), type=MediaInfo)
            _link(kept, destination)
        except (OSError, msgspec.DecodeError):
            return None
        return info

    def _keep(self, made: Path, kept: Path, info: MediaInfo) -> None:
        """The facts come last: without them a file is not there."""
        facts = self._work / f"{kept.stem}{_INFO_SUFFIX}"
        kept.unlink(missing_ok=True)
        _link(made, kept)
        facts.write_bytes(encode_json(info))
        facts.replace(kept.with_suffix(_INFO_SUFFIX))
        self._make_room()

    def _make_room(self) -> None:
        files = list(data_folder.find_files(self._folder))
        facts = [path for path in files if path.suffix == _INFO_SUFFIX]
        facts.sort(key=lambda path: path.stat().st_mtime_ns)
        gone = {path.stem for path in facts[:-MAX_CACHED_FILES]}
        for path in files:
            if path.stem in gone:
                path.unlink()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # no hard links here, or nothing to link
        shutil.copyfile(source, target)
