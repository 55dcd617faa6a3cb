"""The folder in which a profile lies: files that are written whole, for their owner only."""

import contextlib
import os
import re
import secrets
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Generic, Protocol, TypeVar

import msgspec

from .errors import FileProblem

CONFIG_VARIABLE = "NEMOLOCAL_CONFIG_DIR"


class ConfigFolder:
    """Files by their names; raises `FileProblem` where the folder cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def use(self) -> Iterator[None]:
        """Say what is wrong with the folder, and the way out."""
        try:
            yield
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no folder has such a name"
            raise FileProblem(
                f"the config folder {self.path} cannot be used ({reason})",
                remedy=f"set {CONFIG_VARIABLE} to a folder that you may write",
            ) from error

    def make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self, name: str) -> bytes:
        """What is in a file; nothing where there is none."""
        with self.use():
            try:
                return (self.path / name).read_bytes()
            except FileNotFoundError:
                return b""

    def write(self, name: str, content: bytes, *, only_first: bool = False) -> None:
        """Whole or not at all: a fresh file, readable by its owner only, renamed into place.

        `only_first` leaves alone what another process has put there in the meantime.
        """
        fresh = self.path / f".{name}.{secrets.token_hex(4)}"
        with self.use():
            try:
                self.make()
                descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with open(descriptor, "wb") as file:
                    file.write(content)
                if not only_first or not _put_first(fresh, self.path / name):
                    fresh.replace(self.path / name)
            except BaseException:
                with contextlib.suppress(OSError, ValueError):
                    fresh.unlink(missing_ok=True)
                raise


def _put_first(fresh: Path, place: Path) -> bool:
    """Put a file where none is, or leave what is there; False where this disk cannot do that."""
    try:
        os.link(fresh, place)
    except FileExistsError:
        pass
    except OSError:
        return False
    fresh.unlink(missing_ok=True)
    return True


if sys.platform != "win32":
    import fcntl

MOST_BYTES = 500_000
"""Where a file is longer, the half of it that is wanted most stays."""
MOST_FILES = 100
"""So many base URLs have a file, those that were used last."""


class _Record(Protocol):
    @property
    def base_url(self) -> str: ...


R = TypeVar("R", bound=_Record)


class JsonLinesFile(Generic[R]):
    """Records of one kind; raises `FileProblem` where the folder cannot be used.

    Of records with the same `subject` the last one counts. `rank` gets the records of a file that
    is too long, the newest first, and puts first what is to stay.
    """

    def __init__(
        self,
        folder: ConfigFolder,
        name: str,
        kind: type[R],
        *,
        subject: Callable[[R], Hashable],
        rank: Callable[[list[R]], Iterable[R]],
    ) -> None:
        self._folder = folder
        self._name = name
        self._kind = kind
        self._subject = subject
        self._rank = rank

    def of(self, base_url: str) -> list[R]:
        """The records of a base URL, the newest last; others may share its file."""
        found = self._parse(self._folder.read(profile_file_name(self._name, base_url, "jsonl")))
        return [record for record in found if record.base_url == base_url]

    def base_urls(self) -> set[str]:
        """Every base URL with a record."""
        with self._folder.use():
            names = [path.name for path in self._files()]
        return {
            record.base_url for name in names for record in self._parse(self._folder.read(name))
        }

    def add(self, *records: R) -> None:
        """Keep records of one base URL."""
        if not records:
            return
        name = profile_file_name(self._name, records[0].base_url, "jsonl")
        lines = b"\n".join(map(msgspec.json.encode, records))
        with self._folder.use():
            self._folder.make()
            with _locked(self._folder.path / name) as file:
                is_new = file.seek(0, os.SEEK_END) == 0
                # A line that a killed process left unfinished ends here, and is none.
                file.write(b"\n" + lines + b"\n")
                if file.tell() > MOST_BYTES:
                    self._shorten(name)
            if is_new:
                self._make_room(name)

    def _parse(self, content: bytes) -> list[R]:
        """Each record once, as it was kept last, the newest last."""
        found: dict[Hashable, R] = {}
        for line in content.split(b"\n"):
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                record = msgspec.json.decode(line, type=self._kind)
                found.pop(self._subject(record), None)
                found[self._subject(record)] = record
        return list(found.values())

    def _shorten(self, name: str) -> None:
        records = self._parse(self._folder.read(name))
        kept, room = set(), MOST_BYTES // 2
        for record in self._rank(records[::-1]):
            room -= len(msgspec.json.encode(record)) + 1
            if room < 0:
                break
            kept.add(self._subject(record))
        lines = [msgspec.json.encode(r) for r in records if self._subject(r) in kept]
        # Some systems do not let a file that is open be replaced: it is tried again next time.
        with contextlib.suppress(PermissionError):
            self._folder.write(name, b"\n".join(lines) + b"\n")

    def _make_room(self, newest: str) -> None:
        """Remove the files of base URLs that were not used for longest."""
        files = sorted((path for path in self._files() if path.name != newest), key=_changed)
        for path in files[: max(len(files) + 1 - MOST_FILES, 0)]:
            with _locked(path), contextlib.suppress(PermissionError):
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        return self._folder.path.glob(f"{self._name}-*.jsonl")


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # by another process
        return 0.0


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The file that is at `path`, made if there is none, for us alone."""
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "ab", buffering=0) as file:
            _lock(file)
            if _is_at(path, file):
                yield file
                return


def _lock(file: BinaryIO) -> None:
    if sys.platform != "win32":
        # Not every file system of others has locks.
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)


def _is_at(path: Path, file: BinaryIO) -> bool:
    """Whether nobody has put another file there while we waited."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def profile_file_name(kind: str, base_url: str, ending: str) -> str:
    """What a base URL has on disk, by a name that every file system takes."""
    return f"{kind}-{re.sub(r'[^A-Za-z0-9.]+', '-', base_url).strip('-')}.{ending}"
