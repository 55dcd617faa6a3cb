"""The file of a run that can be continued: what was created, begun and found out so far.

JSON Lines, readable by its owner only, because the anonymous token of the run is in it. Each line
is on the disk before the run goes on, so a run that is killed loses at most the check it was at.
"""

import contextlib
import os
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from .account_context import TargetAccount
from .reply_violation import ReplyViolation
from .verdicts import Verdict

_HASH_DIGITS = 16
# Shared results that another process can use, with their types.
_TOKEN = "token"
_KEPT: dict[str, Any] = {
    _TOKEN: TargetAccount,
    "session": str,
    "uploaded": str,
    "edited: session": str,
    "edited": str,
    "worked: session": str,
    "worked": str,
    "watched": list[dict[str, Any]],
}


class ProgressHeader(msgspec.Struct, frozen=True, tag="header"):
    """The first line: the version of this package, whose checks they are, and the server.

    `token` is a hash of the user's own token, "" if the run makes its own.
    """

    version: str
    base_url: str
    token: str


class KeptResult(msgspec.Struct, frozen=True, tag="result"):
    """A shared result, as the session that was edited."""

    name: str
    value: Any


class TokenRequest(msgspec.Struct, frozen=True, tag="token_request"):
    """The run's token is about to be requested, or (`is_open` False) was refused."""

    is_open: bool


class BegunCheck(msgspec.Struct, frozen=True, tag="begun"):
    """A check was begun that costs something itself; `available` are the credits before it."""

    check: str
    available: float | None


class FirstBalance(msgspec.Struct, frozen=True, tag="balance"):
    """The credits of the account before anything was paid."""

    available: float


class FinishedCheck(msgspec.Struct, frozen=True, tag="finished"):
    """A verdict, and what the replies until then have newly shown."""

    verdict: Verdict
    violations: tuple[ReplyViolation, ...] = ()


class UnfinishedCheck(msgspec.Struct, frozen=True, tag="unfinished"):
    """A begun check has no verdict, and has spent no credits and only these tokens."""

    check: str
    tokens: int


ProgressLine = (
    ProgressHeader
    | KeptResult
    | TokenRequest
    | BegunCheck
    | FirstBalance
    | FinishedCheck
    | UnfinishedCheck
)


class ProgressUnusable(Exception):
    """The file cannot be read, written, or continued; the text says why and what to do."""


class RunProgress:
    """Appends lines, and tells what those before say; another process cannot use it meanwhile.

    `begun` are the checks that were begun and may have spent what they cost. `tokens` are those
    that others have spent that have no verdict, and those of which a killed process has not seen
    the reply.
    """

    def __init__(self, path: Path, descriptor: int, lines: list[ProgressLine]) -> None:
        self.path = path
        self.results: dict[str, object] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.violations: list[ReplyViolation] = []
        self.begun: list[BegunCheck] = []
        self.tokens = 0
        self.first_balance: float | None = None
        self._descriptor = descriptor
        for line in lines:
            self._take(line)

    @property
    def interrupted(self) -> list[BegunCheck]:
        """The checks that were begun, may have spent something, and have no verdict."""
        return [begun for begun in self.begun if begun.check not in self.verdicts]

    def load(self, name: str) -> object | None:
        """Return a shared result of an earlier process, None if there is none."""
        return self.results.get(name)

    def begin(self, name: str) -> None:
        """Note that the token is about to be requested."""
        if name == _TOKEN:
            self.write(TokenRequest(True))

    def abandon(self, name: str) -> None:
        """Note that the token was refused."""
        if name == _TOKEN:
            self.write(TokenRequest(False))

    def keep(self, name: str, value: object) -> None:
        """Keep a shared result, if another process can use it."""
        if name in _KEPT:
            self.write(KeptResult(name, msgspec.to_builtins(value)))

    def write(self, line: ProgressLine) -> None:
        """Append a line; raises ProgressUnusable."""
        data = memoryview(msgspec.json.encode(line) + b"\n")
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise ProgressUnusable(f"cannot write {self.path}: {error.strerror}") from error
        self._take(line)

    def _take(self, line: ProgressLine) -> None:
        if isinstance(line, KeptResult):
            self.results[line.name] = msgspec.convert(line.value, _KEPT[line.name])
            # It is counted as a result from now on.
            self.tokens -= line.name == _TOKEN
        elif isinstance(line, TokenRequest):
            self.tokens += 1 if line.is_open else -1
        elif isinstance(line, BegunCheck):
            self.begun.append(line)
        elif isinstance(line, FirstBalance):
            self.first_balance = line.available
        elif isinstance(line, FinishedCheck):
            self.verdicts[line.verdict.check] = line.verdict
            self.violations += line.violations
        elif isinstance(line, UnfinishedCheck):
            self.begun = [begun for begun in self.begun if begun.check != line.check]
            self.tokens += line.tokens


@contextlib.contextmanager
def open_progress(path: Path, base_url: str, token: str) -> Iterator[RunProgress]:
    """Open the file of a run, a new one if there is none.

    `token` is the user's own, "" if the run makes one. Raises ProgressUnusable if the file belongs
    to another server, another token or another version, or if another process uses it.
    """
    header = ProgressHeader(version("nemolocal"), base_url.rstrip("/"), _hash(token))
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise ProgressUnusable(f"cannot open {path}: {error.strerror}") from error
    try:
        _lock(path, descriptor)
        lines = _read(path, descriptor)
        if lines:
            _require_same(path, lines[0], header)
        progress = _restored(path, descriptor, lines[1:])
        if not lines:
            progress.write(header)
        yield progress
    finally:
        os.close(descriptor)


def _restored(path: Path, descriptor: int, lines: list[ProgressLine]) -> RunProgress:
    try:
        return RunProgress(path, descriptor, lines)
    except (KeyError, msgspec.ValidationError) as error:
        raise ProgressUnusable(f"{path} is damaged ({error}): name another file") from None


def _read(path: Path, descriptor: int) -> list[ProgressLine]:
    """Return the lines; a last one that is torn is removed, because it was never acted on."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    decoder = msgspec.json.Decoder(ProgressLine)
    lines = []
    for number, row in enumerate(whole.splitlines(), 1):
        try:
            lines.append(decoder.decode(row))
        except (msgspec.DecodeError, RecursionError) as error:
            raise ProgressUnusable(
                f"{path}, line {number}: {error}: it is no file of --state; name another one"
            ) from None
    if content and not lines:
        raise ProgressUnusable(f"{path} is no file of --state; name another one")
    os.ftruncate(descriptor, len(whole))
    return lines


def _require_same(path: Path, seen: ProgressLine, due: ProgressHeader) -> None:
    if not isinstance(seen, ProgressHeader) or seen.version != due.version:
        raise ProgressUnusable(f"{path} is of another version of nemolocal: name another file")
    if seen.base_url != due.base_url:
        raise ProgressUnusable(f"{path} is of {seen.base_url}: name another file for this server")
    if seen.token != due.token:
        whose = "with a token of its own" if not seen.token else "with another token"
        raise ProgressUnusable(
            f"{path} is of a run {whose}: give the same --token or NEMO_TOKEN, or name another file"
        )


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()[:_HASH_DIGITS] if token else ""


def _lock(path: Path, descriptor: int) -> None:
    """Keep other processes off; where files cannot be locked, the user has to."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ProgressUnusable(f"another process uses {path}: wait until it has ended") from None
    except OSError:  # a file system without locks
        return
