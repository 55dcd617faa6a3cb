"""Writes and reads the file of a recording."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from .record_lines import RECORDING_VERSION, Header, RecordLine


class RecordingUnreadable(Exception):
    """A file is no recording that can be read; the message says why."""


class RecordingFile:
    """A new file, readable by its owner only. A line that was written survives the process."""

    def __init__(self, path: Path) -> None:
        """Raise FileExistsError if there is a file, OSError if none can be written."""
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._descriptor = os.open(path, flags, 0o600)
        self._encoder = msgspec.json.Encoder()
        self.error: OSError | None = None

    def write(self, line: RecordLine) -> None:
        """Write a line; after a failure nothing more is written, and `error` says why."""
        if self.error is not None:
            return
        data = memoryview(self._encoder.encode(line) + b"\n")
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            self.error = error

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def read_lines(path: Path) -> Iterator[RecordLine]:
    """Yield the lines of a recording; a last line that is torn is left out."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordingUnreadable(f"cannot read {path}: {error.strerror}") from error
    rows = content.split(b"\n")
    is_torn = bool(rows.pop())
    decoder = msgspec.json.Decoder(RecordLine)
    if not rows and not is_torn:
        raise RecordingUnreadable(f"{path} is empty")
    for number, row in enumerate(rows, 1):
        try:
            line: RecordLine = decoder.decode(row)
        except (msgspec.DecodeError, RecursionError) as error:
            raise RecordingUnreadable(f"{path}, line {number}: {error}") from None
        if number == 1 and not isinstance(line, Header):
            raise RecordingUnreadable(f"{path} is no recording: its first line is no header")
        if isinstance(line, Header) and line.version > RECORDING_VERSION:
            raise RecordingUnreadable(
                f"{path} has version {line.version}: update nemolocal to read it"
            )
        yield line
