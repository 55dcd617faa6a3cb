"""The config folder: files that are replaced atomically, and JSON Lines files with a size limit.

Only the owner can read the files. A JSON Lines file, one for each base URL, is written and
shortened under a lock, so that several processes do not lose records. On systems without such
locks, records can only be lost while a file is shortened.
"""

import contextlib
import os
import re
import secrets
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Generic, Protocol, TypeVar

import msgspec

from .errors import FileProblem

CONFIG_VARIABLE = "NEMOLOCAL_CONFIG_DIR"
MOST_BYTES = 500_000
"""The maximum size of a file: a larger one is shortened to half of it."""
MOST_FILES = 100
"""The maximum number of files: only the base URLs that were used last have one."""


class ConfigFolder:
    """Reads and writes files by name; raises `FileProblem` if the folder cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def use(self) -> Iterator[None]:
        """Translate errors of the folder into `FileProblem`."""
        try:
            yield
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "invalid name"
            raise FileProblem(
                f"the config folder {self.path} cannot be used ({reason})",
                remedy=f"set {CONFIG_VARIABLE} to a writable folder",
            ) from error

    def make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self, name: str) -> bytes:
        """Return the content of a file; nothing if there is no file."""
        with self.use():
            try:
                return (self.path / name).read_bytes()
            except FileNotFoundError:
                return b""

    def write(self, name: str, content: bytes, *, only_first: bool = False) -> None:
        """Write a file atomically.

        With `only_first` an existing file, which another process may have written, is kept.
        """
        fresh = self.path / f".{name}.{secrets.token_hex(4)}"
        with self.use():
            try:
                self.make()
                descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with open(descriptor, "wb") as file:
                    file.write(content)
                if not only_first or not _link_if_absent(fresh, self.path / name):
                    fresh.replace(self.path / name)
            except BaseException:
                with contextlib.suppress(OSError, ValueError):
                    fresh.unlink(missing_ok=True)
                raise


def _link_if_absent(fresh: Path, target: Path) -> bool:
    """Move a file to `target` unless one exists; False if the file system has no hard links."""
    try:
        os.link(fresh, target)
    except FileExistsError:
        pass
    except OSError:
        return False
    fresh.unlink(missing_ok=True)
    return True


if sys.platform != "win32":
    import fcntl


class _Record(Protocol):
    @property
    def base_url(self) -> str: ...


R = TypeVar("R", bound=_Record)


@dataclass(frozen=True)
class JsonLinesFile(Generic[R]):
    """Stores records of one kind; raises `FileProblem` if the folder cannot be used.

    Of records with the same `subject` the last one counts. `rank` gets the records of a file that
    is too long, the newest first, and returns them with the most important first.
    """

    folder: ConfigFolder
    name: str
    kind: type[R]
    subject: Callable[[R], Hashable]
    rank: Callable[[list[R]], Iterable[R]]

    def of(self, base_url: str) -> list[R]:
        """Return the records of a base URL, the newest last; other URLs may share the file."""
        found = self._parse(self.folder.read(profile_file_name(self.name, base_url, "jsonl")))
        return [record for record in found if record.base_url == base_url]

    def base_urls(self) -> set[str]:
        """Return every base URL that has a record."""
        with self.folder.use():
            names = [path.name for path in self._files()]
        return {record.base_url for name in names for record in self._parse(self.folder.read(name))}

    def add(self, *records: R) -> None:
        """Save records of one base URL."""
        if not records:
            return
        name = profile_file_name(self.name, records[0].base_url, "jsonl")
        lines = b"\n".join(map(msgspec.json.encode, records))
        with self.folder.use():
            self.folder.make()
            with _locked(self.folder.path / name) as file:
                is_new = file.seek(0, os.SEEK_END) == 0
                # Ends an incomplete line of a killed process, which is then ignored.
                file.write(b"\n" + lines + b"\n")
                if file.tell() > MOST_BYTES:
                    self._shorten(name)
            if is_new:
                self._make_room(name)

    def _parse(self, content: bytes) -> list[R]:
        """Return each record once, as it was saved last, the newest last."""
        found: dict[Hashable, R] = {}
        for line in content.split(b"\n"):
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                record = msgspec.json.decode(line, type=self.kind)
                found.pop(self.subject(record), None)
                found[self.subject(record)] = record
        return list(found.values())

    def _shorten(self, name: str) -> None:
        records = self._parse(self.folder.read(name))
        kept, room = set(), MOST_BYTES // 2
        for record in self.rank(records[::-1]):
            room -= len(msgspec.json.encode(record)) + 1
            if room < 0:
                break
            kept.add(self.subject(record))
        lines = [msgspec.json.encode(r) for r in records if self.subject(r) in kept]
        # Some systems cannot replace an open file: it is tried again next time.
        with contextlib.suppress(PermissionError):
            self.folder.write(name, b"\n".join(lines) + b"\n")

    def _make_room(self, newest: str) -> None:
        """Delete the files of the base URLs that were not used for longest."""
        files = sorted((path for path in self._files() if path.name != newest), key=_changed)
        for path in files[: max(len(files) + 1 - MOST_FILES, 0)]:
            with _locked(path), contextlib.suppress(PermissionError):
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        return self.folder.path.glob(f"{self.name}-*.jsonl")


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # deleted by another process
        return 0.0


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """Open and lock the file at `path`; it is created if there is none."""
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "ab", buffering=0) as file:
            _lock(file)
            if _is_at(path, file):
                yield file
                return


def _lock(file: BinaryIO) -> None:
    if sys.platform != "win32":
        # Not every file system has locks.
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)


def _is_at(path: Path, file: BinaryIO) -> bool:
    """Whether `path` is still this file: another process may have replaced it during the wait."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def profile_file_name(kind: str, base_url: str, ending: str) -> str:
    """Return the name of a base URL's file, valid on every file system."""
    return f"{kind}-{re.sub(r'[^A-Za-z0-9.]+', '-', base_url).strip('-')}.{ending}"
