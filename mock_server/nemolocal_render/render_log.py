"""The log of a render: its encoder, its parts and who encodes them, and each run of FFmpeg."""

import contextlib
import shlex
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import PurePath
from typing import NamedTuple

from nemolocal_contract.plurals import pluralize

_MAX_LINES, _MAX_COMMANDS = 500, 100
# Characters of a command line, and of all of its graphs.
_MAX_TEXT = 50_000
_FILE = "file:"

SERVER = "server"
"""The worker of parts that are encoded by the process that renders."""


class LogLine(NamedTuple):
    """A line, and the seconds since the log began."""

    seconds: float
    text: str


class LoggedCommand(NamedTuple):
    """A command line of FFmpeg as a shell would take it, and its filter graphs by file name."""

    line: str
    graphs: dict[str, str]


class LoggedPart:
    """A part of a render: where it begins and how long it is, in seconds, and how far it is.

    `worker` is the worker of a farm that encodes it, SERVER if it is not encoded on a farm, and
    empty until it is begun. `done` goes from 0 to 1, and back if another worker begins again.
    """

    def __init__(self, begin: float, duration: float) -> None:
        self.begin = begin
        self.duration = duration
        self.worker = ""
        self.done = 0.0

    def set_done(self, done: float) -> None:
        """Set the share that is done."""
        self.done = done


class RenderLog:
    """The log of a running render: its latest 500 lines and its first 100 commands.

    `now` is a time in seconds. Of `parts`, `workers` may be encoded at once; 0 until known.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._begin = now()
        self.encoder = ""
        self.encoder_reason = ""
        self.workers = 0
        self.parts: tuple[LoggedPart, ...] = ()
        self.lines: deque[LogLine] = deque(maxlen=_MAX_LINES)
        self.commands: list[LoggedCommand] = []

    def write(self, text: str) -> None:
        """Add a line."""
        self.lines.append(LogLine(round(self._now() - self._begin, 3), text))

    def set_encoder(self, name: str, reason: str) -> None:
        """Set the encoder in use, and why it was chosen."""
        self.encoder, self.encoder_reason = name, reason
        self.write(f"encoder {name}: {reason}")

    def set_parts(self, parts: Sequence[LoggedPart], at_once: int) -> None:
        """Set the parts that are encoded from now on, and how many of them at once."""
        self.workers, self.parts = min(at_once, len(parts)), tuple(parts)
        self.write(f"{pluralize(len(parts), 'part')}, {self.workers} at once")

    def set_worker(self, part: LoggedPart, worker: str) -> None:
        """Set who encodes a part now."""
        before, part.worker = part.worker, worker
        if worker == before or SERVER in (worker, before):
            return
        place = f"part at {part.begin:.1f} s"
        self.write(f"{place}: begun again by {worker}" if before else f"{place}: begun by {worker}")

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

CURRENT_PART: ContextVar[LoggedPart | None] = ContextVar("CURRENT_PART", default=None)
"""The part of that render that this task encodes."""


@contextlib.contextmanager
def current_part(part: LoggedPart) -> Iterator[None]:
    """Encode a part within: it is done at the end."""
    token = CURRENT_PART.set(part)
    try:
        yield
        part.set_done(1.0)
    finally:
        CURRENT_PART.reset(token)


def write_log(text: str) -> None:
    """Add a line to the log of the current render."""
    log = CURRENT_LOG.get()
    if log is not None:
        log.write(text)


def log_worker(worker: str) -> None:
    """Note who encodes the current part of the current render."""
    log, part = CURRENT_LOG.get(), CURRENT_PART.get()
    if log is not None and part is not None and worker:
        log.set_worker(part, worker)
