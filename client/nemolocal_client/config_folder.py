"""The folder in which a profile lies: files that are written whole, for their owner only."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

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
