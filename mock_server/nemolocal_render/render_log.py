"""The log of a render: its encoder, its workers, and each run of FFmpeg; without folders."""

import shlex
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from pathlib import PurePath
from typing import NamedTuple

from nemolocal_contract.plurals import pluralize

_MAX_LINES, _MAX_COMMANDS = 500, 100
# Characters of a command line, and of all of its graphs.
_MAX_TEXT = 50_000
_FILE = "file:"


class LogLine(NamedTuple):
    """A line, and the seconds since the log began."""

    seconds: float
    text: str


class LoggedCommand(NamedTuple):
    """A command line of FFmpeg as a shell would take it, and its filter graphs by file name."""

    line: str
    graphs: dict[str, str]


class RenderLog:
    """The log of a running render: its latest 500 lines and its first 100 commands.

    `now` is a time in seconds. `workers` processes encode `parts` parts; both are 0 until known.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._begin = now()
        self.encoder = ""
        self.encoder_reason = ""
        self.workers = 0
        self.parts = 0
        self.lines: deque[LogLine] = deque(maxlen=_MAX_LINES)
        self.commands: list[LoggedCommand] = []

    def write(self, text: str) -> None:
        """Add a line."""
        self.lines.append(LogLine(round(self._now() - self._begin, 3), text))

    def set_encoder(self, name: str, reason: str) -> None:
        """Set the encoder in use, and why it was chosen."""
        self.encoder, self.encoder_reason = name, reason
        self.write(f"encoder {name}: {reason}")

    def set_workers(self, workers: int, parts: int) -> None:
        """Set how many workers encode how many parts."""
        self.workers, self.parts = min(workers, parts), parts
        self.write(f"{pluralize(parts, 'part')}, {self.workers} at once")

    def add_command(self, arguments: Sequence[str], graphs: Mapping[str, str]) -> None:
        """Add a run of FFmpeg that begins now."""
        output = _without_folder(arguments[-1]).removeprefix(_FILE)
        self.write(f"FFmpeg runs: {output}")
        if len(self.commands) < _MAX_COMMANDS:
            line = shlex.join(["ffmpeg", *map(_without_folder, arguments)])[:_MAX_TEXT]
            room, kept = _MAX_TEXT, {}
            for name, graph in graphs.items():
                kept[name] = graph[:room]
                room -= len(kept[name])
            self.commands.append(LoggedCommand(line, kept))


def _without_folder(argument: str) -> str:
    """Return an argument of ours with the name of a file instead of its path."""
    path = argument.removeprefix(_FILE)
    if path == argument or not PurePath(path).is_absolute():
        return argument
    return f"{_FILE}{PurePath(path).name}"


CURRENT_LOG: ContextVar[RenderLog | None] = ContextVar("CURRENT_LOG", default=None)
"""The log of the render that this task belongs to; without one, nothing is written down."""


def write_log(text: str) -> None:
    """Add a line to the log of the current render."""
    log = CURRENT_LOG.get()
    if log is not None:
        log.write(text)
