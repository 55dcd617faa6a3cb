"""What a flow wants done: frozen values that a driver turns into I/O and answers.

A flow is a generator. It yields an effect, receives the reply named in the effect's docstring, or
the `NemoError` that the driver raised, and returns its outcome. No flow touches a socket, a file,
a clock or a random number, so the same flows serve a sync and an async face.
"""

from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

T = TypeVar("T")

# `renamed`: an older file has the name, which could be replaced; `saving`: another reason.
NoticeKind = Literal[
    "connecting", "upload", "working", "waiting", "renamed", "saving", "render", "download"
]


class Secret:
    """A token that shows in no repr, log or message; `reveal` is for the header only (CLI-9)."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The token itself."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"


class SavedToken(msgspec.Struct, frozen=True):
    """An anonymous token, when it ends (seconds since the epoch), and whose it is."""

    token: Secret
    expires_at: float
    user_id: str = ""


class KeptSession(msgspec.Struct, frozen=True):
    """A session to come back to: its id, its task's id and name, and when it was last used.

    `used_at` is in seconds since the epoch. `files` are the names of what was uploaded, the newest
    last, and `last_message` is what was said last, on one line: by them a person knows it again.
    There is no token in it.
    """

    session_id: str
    task_id: str = ""
    task_name: str = ""
    used_at: float = 0.0
    files: tuple[str, ...] = ()
    last_message: str = ""


class HttpCall(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call with a JSON body or files; answered by `HttpResponse`.

    `files` are streamed from disk as multipart field `files` (UPL-1). `timeout` is how long the
    backend may say nothing, in seconds.
    """

    method: str
    path: str
    json: bytes | None = None
    files: tuple[Path, ...] = ()
    client_id: str | None = None
    token: Secret | None = None
    timeout: float = 60.0


class OpenStream(msgspec.Struct, frozen=True, kw_only=True):
    """Start a chat turn; answered by `StreamOpened`, or by `HttpResponse` if no stream came."""

    path: str
    json: bytes
    token: Secret | None = None
    # Heartbeats come every 15 s; a connection without any byte for 8 of them is lost.
    timeout: float = 120.0


class ReadStream(msgspec.Struct, frozen=True):
    """The next bytes of the open stream; answered by `StreamChunk`, `StreamEnd` or `StreamCut`."""


class CheckServer(msgspec.Struct, frozen=True):
    """See whether the server that answered last still listens; nothing is sent.

    Answered by the `CannotConnect` that says how it is gone, or by None: it listens, or nobody can
    tell, since no answer came through a socket.
    """


class DownloadFile(msgspec.Struct, frozen=True, kw_only=True):
    """Fetch `url` into the file `part`; answered by `DownloadResult`, or by `HttpResponse` if
    refused.

    `url` may be relative to the base URL. `offset` bytes are there already and `version` says of
    which body; the driver asks for the rest only, and starts over where that is not granted. What
    is over `limit` bytes is not written.
    """

    url: str
    part: Path
    offset: int = 0
    version: str = ""
    limit: int = 2**63
    token: Secret | None = None
    timeout: float = 60.0


class Sleep(msgspec.Struct, frozen=True):
    """Let that many seconds of the clock pass; answered by None."""

    seconds: float


class GetTime(msgspec.Struct, frozen=True):
    """Ask for the time; answered by seconds since the epoch (float)."""


class Notice(msgspec.Struct, frozen=True):
    """Tell the user what goes on; answered by None. `progress` is 0 to 1, None where unknown."""

    kind: NoticeKind
    text: str
    progress: float | None = None


class OutputLine(msgspec.Struct, frozen=True):
    """Something to show is ready, in its final words; answered by None."""

    text: str


class LoadClientId(msgspec.Struct, frozen=True):
    """The kept client id, made on first use; answered by str."""


class RenewClientId(msgspec.Struct, frozen=True):
    """Replace the client id by a new one; answered by str."""


class LoadTokens(msgspec.Struct, frozen=True):
    """The tokens kept for this base URL; answered by a tuple of `SavedToken`, the newest first."""


class SaveToken(msgspec.Struct, frozen=True):
    """Keep a token for this base URL; answered by None."""

    saved_token: SavedToken


class SaveSession(msgspec.Struct, frozen=True):
    """Remember a session of this base URL; answered by None."""

    saved_session: KeptSession


class LoadSessions(msgspec.Struct, frozen=True):
    """The sessions of this base URL; answered by a tuple of `KeptSession`, the newest first."""


class StatFiles(msgspec.Struct, frozen=True):
    """Sizes of local files in bytes, answered as a tuple; `FileProblem` if one is unusable.

    They are about to be uploaded to a session: from now on no export overwrites them, nor does one
    of that session in a later run.
    """

    paths: tuple[Path, ...]
    session_id: str = ""


class LoadInputs(msgspec.Struct, frozen=True):
    """Protect what earlier runs uploaded to a session; answered by None."""

    session_id: str


class FindFiles(msgspec.Struct, frozen=True):
    """Which of these names are those of local files; answered by a tuple of them, in order."""

    names: tuple[str, ...]


class CheckDestination(msgspec.Struct, frozen=True):
    """See that a file can be written there; answered by the path that it would get now.

    That is another one where the name is taken: only with `overwrite` is an older file replaced,
    and no file that was uploaded is in any case. One that was named itself is refused
    (`FileProblem`), or passed by like any other with `number_inputs`.
    """

    path: Path
    overwrite: bool = False
    number_inputs: bool = False


class MoveFile(msgspec.Struct, frozen=True):
    """Rename a complete `part` to its destination, or the next free name; answered by its path.

    What is there is replaced with `overwrite` only, and never if it was uploaded.
    """

    part: Path
    destination: Path
    overwrite: bool = False


class HttpResponse(msgspec.Struct, frozen=True):
    """A whole HTTP reply; `call` is the method and path it answers, `server` who says to answer."""

    call: str
    status: int
    body: bytes
    location: str = ""
    server: str = ""

    def __repr__(self) -> str:
        # The body may hold a token.
        return f"Reply({self.call}: HTTP {self.status})"


class StreamOpened(msgspec.Struct, frozen=True):
    """The stream is open."""


class StreamChunk(msgspec.Struct, frozen=True):
    """Bytes of the stream, cut anywhere."""

    data: bytes


class StreamEnd(msgspec.Struct, frozen=True):
    """The backend closed the stream cleanly: an end (SSE-4)."""


class StreamCut(msgspec.Struct, frozen=True):
    """The connection broke before the end (SSE-4)."""


class DownloadResult(msgspec.Struct, frozen=True):
    """What is in the part file now: its size, and whether the body came whole.

    A size over the limit says that there was more, which is in no file.
    `version` names the body for a later `DownloadFile` of the rest; "" where it cannot be resumed.
    """

    size: int
    complete: bool
    version: str = ""


HttpOperation = HttpCall | OpenStream | DownloadFile
# What is answered on this machine, at once: by its clock, its disk and its store.
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
