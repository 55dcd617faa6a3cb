"""Files on their way out: read from disk while they are sent, and counted."""

import io
from collections.abc import Callable
from pathlib import Path

from .local_files import file_problem
from .operations import Notice, Notify


class ProgressFile(io.FileIO):
    """A file that reports how many bytes of it have been read."""

    def __init__(self, path: Path, report: Callable[[int], None]) -> None:
        self._path = path
        self._report = report
        try:
            super().__init__(path, "rb")
        except OSError as error:
            raise file_problem(path, error) from error

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes; `FileProblem` where the disk gives none."""
        try:
            chunk = super().read(-1 if size is None else size) or b""
        except OSError as error:
            raise file_problem(self._path, error) from error
        self._report(len(chunk))
        return chunk


class UploadProgress:
    """Adds up what the files of one upload have sent; who watches is told at every step."""

    def __init__(self, total: int) -> None:
        self._total = max(total, 1)
        self._sent = 0
        self._notify: Notify | None = None

    def subscribe(self, notify: Notify) -> None:
        """Tell from now on."""
        self._notify = notify

    def add(self, count: int) -> None:
        """Count bytes of any of the files."""
        self._sent += count
        if self._notify is not None:
            self._notify(self.notice())

    def notice(self) -> Notice:
        """How far the upload is."""
        return Notice("upload", "Uploading", min(self._sent / self._total, 1.0))
