"""The operations of a flow: frozen values that a driver turns into I/O.

A flow is a generator. It yields an operation and receives the result that the operation's docstring
names, or the `NemoError` that the driver raised; at its end it returns its own result. A flow does
no I/O and reads no clock, so the sync and the async client share the same flows.
"""

from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

T = TypeVar("T")

# `renamed`: an existing file has the name, and could be overwritten. `saving`: any other reason.
NoticeKind = Literal[
    "connecting", "upload", "working", "waiting", "renamed", "saving", "render", "download"
]


class Secret:
    """A token that does not show in any repr, log or message (CLI-9)."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the token itself, for the header only."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"


class SavedToken(msgspec.Struct, frozen=True):
    """An anonymous token, its end (seconds since the epoch), and its user."""

    token: Secret
    expires_at: float
    user_id: str = ""


class KeptSession(msgspec.Struct, frozen=True):
    """A session that can be resumed; it contains no token.

    `used_at` is the time of the last use, in seconds since the epoch. `files` are the names of
    uploaded files, the newest last, and `last_message` is the last message on one line: they help a
    person to recognise the session.
    """

    session_id: str
    task_id: str = ""
    task_name: str = ""
    used_at: float = 0.0
    files: tuple[str, ...] = ()
    last_message: str = ""


class HttpCall(msgspec.Struct, frozen=True, kw_only=True):
    """Make one HTTP call with a JSON body or files. Result: `HttpResponse`.

    `files` are streamed from disk as the multipart field `files` (UPL-1). `timeout` is the maximum
    time between two bytes, in seconds.
    """

    method: str
    path: str
    json: bytes | None = None
    files: tuple[Path, ...] = ()
    client_id: str | None = None
    token: Secret | None = None
    timeout: float = 60.0


class OpenStream(msgspec.Struct, frozen=True, kw_only=True):
    """Start a chat turn. Result: `StreamOpened`, or `HttpResponse` if it is not a stream."""

    path: str
    json: bytes
    token: Secret | None = None
    # A heartbeat comes every 15 s; after 8 missing ones the connection counts as lost.
    timeout: float = 120.0


class ReadStream(msgspec.Struct, frozen=True):
    """Read from the open stream. Result: `StreamChunk`, `StreamEnd` or `StreamCut`."""


class CheckServer(msgspec.Struct, frozen=True):
    """Check whether the server of the last response still listens; nothing is sent.

    Result: a `CannotConnect` if it does not; None if it does, or if there was no response through a
    socket yet.
    """


class DownloadFile(msgspec.Struct, frozen=True, kw_only=True):
    """Download `url` into the file `part`. Result: `DownloadResult`, or `HttpResponse` if refused.

    `url` may be relative to the base URL. The file already has `offset` bytes of the body that
    `version` names: the driver asks for the rest, and starts over if the server does not send it.
    At most `limit` bytes are written.
    """

    url: str
    part: Path
    offset: int = 0
    version: str = ""
    limit: int = 2**63
    token: Secret | None = None
    timeout: float = 60.0


class Sleep(msgspec.Struct, frozen=True):
    """Wait that many seconds of the clock. Result: None."""

    seconds: float


class GetTime(msgspec.Struct, frozen=True):
    """Read the clock. Result: seconds since the epoch (float)."""


class Notice(msgspec.Struct, frozen=True):
    """Report progress to the user; `progress` is 0 to 1, None if unknown. Result: None."""

    kind: NoticeKind
    text: str
    progress: float | None = None


class OutputLine(msgspec.Struct, frozen=True):
    """Show a finished line of text to the user. Result: None."""

    text: str


class LoadClientId(msgspec.Struct, frozen=True):
    """Load the client id, created on first use. Result: str."""


class RenewClientId(msgspec.Struct, frozen=True):
    """Replace the client id by a new one. Result: str."""


class LoadTokens(msgspec.Struct, frozen=True):
    """Load the tokens of this base URL. Result: a tuple of `SavedToken`, the newest first."""


class SaveToken(msgspec.Struct, frozen=True):
    """Save a token of this base URL. Result: None."""

    saved_token: SavedToken


class SaveSession(msgspec.Struct, frozen=True):
    """Save a session of this base URL. Result: None."""

    saved_session: KeptSession


class LoadSessions(msgspec.Struct, frozen=True):
    """The sessions of this base URL; answered by a tuple of `KeptSession`, the newest first."""


class StatFiles(msgspec.Struct, frozen=True):
    """Check local files before an upload. Result: a tuple of their sizes in bytes.

    Raises `FileProblem` if one is unusable. From now on no export overwrites these files, and in
    later runs no export of that session does.
    """

    paths: tuple[Path, ...]
    session_id: str = ""


class LoadInputs(msgspec.Struct, frozen=True):
    """Protect the files that earlier runs uploaded to a session. Result: None."""

    session_id: str


class FindFiles(msgspec.Struct, frozen=True):
    """Find out which of these names are local files. Result: a tuple of them, in order."""

    names: tuple[str, ...]


class CheckDestination(msgspec.Struct, frozen=True):
    """Check that a file can be written. Result: the path that it would get now.

    The path gets a number if the name is taken and `overwrite` is not given. An uploaded file is
    never overwritten: if `path` is one, `FileProblem` is raised, or with `number_inputs` the path
    gets a number.
    """

    path: Path
    overwrite: bool = False
    number_inputs: bool = False


class MoveFile(msgspec.Struct, frozen=True):
    """Rename a complete `part` to its destination or the next free name. Result: its path.

    An existing file is replaced only with `overwrite`, and never if it was uploaded.
    """

    part: Path
    destination: Path
    overwrite: bool = False


class HttpResponse(msgspec.Struct, frozen=True):
    """A complete HTTP response; `call` is method and path, `server` the Server header."""

    call: str
    status: int
    body: bytes
    location: str = ""
    server: str = ""

    def __repr__(self) -> str:
        # The body may contain a token.
        return f"HttpResponse({self.call}: HTTP {self.status})"


class StreamOpened(msgspec.Struct, frozen=True):
    """The stream is open."""


class StreamChunk(msgspec.Struct, frozen=True):
    """Bytes of the stream; a chunk may end anywhere."""

    data: bytes


class StreamEnd(msgspec.Struct, frozen=True):
    """The backend closed the stream cleanly (SSE-4)."""


class StreamCut(msgspec.Struct, frozen=True):
    """The connection was lost before the end (SSE-4)."""


class DownloadResult(msgspec.Struct, frozen=True):
    """The size of the part file, and whether the body is complete.

    A size over the limit means that the server sent more, which was not written. `version` names
    the body for a later `DownloadFile` of the rest; "" if it cannot be resumed.
    """

    size: int
    complete: bool
    version: str = ""


HttpOperation = HttpCall | OpenStream | DownloadFile
# Operations that neither wait nor use the network.
LocalOperation = (
    GetTime
    | LoadClientId
    | RenewClientId
    | LoadTokens
    | SaveToken
    | SaveSession
    | LoadSessions
    | StatFiles
    | LoadInputs
    | FindFiles
    | CheckDestination
    | MoveFile
)
Operation = HttpOperation | CheckServer | ReadStream | Sleep | Notice | OutputLine | LocalOperation
Flow = Generator[Operation, Any, T]
Notify = Callable[[Notice], None]
AsyncNotify = Callable[[Notice], Awaitable[None] | None]
