"""The parts that workers have returned, and the files that they may fetch.

The parts lie in a folder that is not emptied when the server starts: after a restart a render that
begins again finds them. So do the notes of which renders were begun with parts.
"""

import asyncio
import contextlib
import os
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from hashlib import file_digest, sha256
from pathlib import Path

from nemolocal_contract.clock import WallClock

_PART = re.compile(r"[0-9a-f]{32}")
_BEGUN = ".begun"
_DAY = 86_400.0


class PartRejected(Exception):
    """A file that is not what its sender says."""


class PartUnwanted(Exception):
    """A part of which all renders have ended."""


class PartStore:
    """Parts by their ids; `incoming` is the folder for files that are not complete yet."""

    def __init__(self, folder: Path, incoming: Path) -> None:
        self._folder = folder
        self._incoming = incoming
        self._files: dict[str, dict[str, Path]] = {}
        self._users: Counter[str] = Counter()
        self._ended: set[str] = set()
        self._digests: dict[tuple[Path, int, int], str] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._delete_old()
        self._begun_before = {path.stem for path in folder.glob(f"*{_BEGUN}")}

    def path(self, part: str) -> Path:
        """Return the path of a part, whether it is there or not."""
        if not _PART.fullmatch(part):
            raise PartRejected("it has no valid id")
        return self._folder / f"{part}.mp4"

    def has(self, part: str) -> bool:
        """Return whether a part is there."""
        return self.path(part).is_file()

    @contextlib.contextmanager
    def offered(self, part: str, files: Mapping[str, Path]) -> Iterator[None]:
        """Let workers fetch the files of a part, by name; afterwards delete the part."""
        self._files[part] = dict(files)
        self._users[part] += 1
        self._ended.discard(part)
        try:
            yield
        finally:
            self._users[part] -= 1
            if not self._users[part]:
                del self._users[part], self._files[part]
                self._ended.add(part)
                self.path(part).unlink(missing_ok=True)

    @contextlib.contextmanager
    def rendering(self, render: str) -> Iterator[None]:
        """Note until its end that a render is made of parts; a killed server leaves the note."""
        note = self._note(render)
        # On a full disk it fails for reasons that it can tell better.
        with contextlib.suppress(OSError):
            note.touch(mode=0o600)
        try:
            yield
        finally:
            note.unlink(missing_ok=True)
            self._begun_before.discard(render)

    def has_begun(self, render: str) -> bool:
        """Return whether an earlier process has begun a render with parts, and did not end it."""
        return render in self._begun_before

    def _note(self, render: str) -> Path:
        return self._folder / f"{render}{_BEGUN}"

    def file_of(self, part: str, name: str) -> Path | None:
        """Return a file that workers of a part may fetch; None if it may not be fetched now."""
        return self._files.get(part, {}).get(name)

    async def receive(self, part: str, digest: str, chunks: AsyncIterator[bytes]) -> None:
        """Store a part that has this SHA-256; the first complete one is kept.

        Raises PartRejected if it is another file, PartUnwanted if no render asks for it, and
        OSError. After a restart it is kept as long as renders are still to begin again.
        """
        target = self.path(part)
        arriving = self._incoming / f"{secrets.token_hex(16)}.part"
        seen = sha256()
        try:
            with arriving.open("xb") as file:
                async for chunk in chunks:
                    seen.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
            if seen.hexdigest() != digest:
                raise PartRejected("its SHA-256 is another one")
            # Else nobody would delete the part of a worker that is cancelled too late.
            if part not in self._users and (part in self._ended or not self._begun_before):
                raise PartUnwanted
            if not target.exists():
                os.replace(arriving, target)
        finally:
            arriving.unlink(missing_ok=True)

    async def digest(self, path: Path) -> tuple[int, str]:
        """Return the size and the SHA-256 of a file, which is read once."""
        found = await asyncio.to_thread(path.stat)
        key = (path, found.st_size, found.st_mtime_ns)
        if key not in self._digests:
            self._digests[key] = await asyncio.to_thread(_digest, path)
        return found.st_size, self._digests[key]

    def _delete_old(self) -> None:
        """Delete what a killed server has left and no render will ask for."""
        oldest = WallClock().time() - _DAY
        files = [path for path in self._folder.iterdir() if _PART.fullmatch(path.stem)]
        recent = {path for path in files if path.lstat().st_mtime >= oldest}
        if not any(path.suffix == _BEGUN for path in recent):
            recent = set()
        for path in files:
            if path not in recent:
                path.unlink()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
