"""Limits of connections: size of the headers, time without progress, number of connections.

uvicorn has no such limits with httptools. Headers that are too large, a request that is not sent in
time, and a response that is not read get an error if possible, and their connection is closed. If
too many connections are open, those that have waited longest are closed first.

Time is that of the event loop. A running request is never ended: a chat stream may be silent and an
upload may be slow, as long as it makes progress.
"""

import asyncio
import contextlib
import functools
import logging
import selectors
import sys
from http import HTTPStatus
from typing import Any

import msgspec
import uvicorn

from nemolocal_contract.responses import encode_json

if sys.platform != "win32":
    import resource

_log = logging.getLogger(__name__)

_MESSAGES = {
    HTTPStatus.BAD_REQUEST: "Invalid HTTP request",
    HTTPStatus.REQUEST_TIMEOUT: "The request was not sent in time: send it without pauses",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body has too many small chunks: send larger ones",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The URL is too long: send long values in the body",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are too large: send fewer or shorter",
    HTTPStatus.SERVICE_UNAVAILABLE: "Too many connections are open: close some and try again",
}
# Seconds between two warnings about too many connections.
_WARNING_INTERVAL = 600.0
# Extra seconds for a late connection with unread data: the process may have been too busy to read.
_GRACE_SECONDS = 1.0
# File descriptors that are left for files, the database and the pipes of child processes.
_RESERVED_DESCRIPTORS = 256
# Bounds the memory that connections need.
_MAX_CONNECTIONS = 8_000
# With a much higher limit, programs that close all possible descriptors take minutes.
_MAX_DESCRIPTORS = 65_536


class ConnectionLimits(msgspec.Struct, frozen=True):
    """Limits of URL and headers in bytes, and of times without progress in seconds.

    A body may take `head_seconds` and one second for each `body_rate` bytes, without a pause of
    more than `silent_seconds`. A client may read nothing for `read_seconds`. Beyond `chunks` chunks
    of a body, they must have `chunk_bytes` bytes on average.
    """

    url_bytes: int = 16 * 1024
    head_bytes: int = 24 * 1024
    headers: int = 200
    pipelined: int = 100
    chunks: int = 100_000
    chunk_bytes: int = 16
    head_seconds: float = 30.0
    silent_seconds: float = 60.0
    body_rate: int = 500
    read_seconds: float = 300.0


class BoundedConnection(asyncio.Protocol):
    """Mixin for a protocol of uvicorn."""

    limits = ConnectionLimits()
    config: uvicorn.Config
    connections: set[Any]
    cycle: Any
    flow: Any
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _warned_at = float("-inf")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # Whether the client has to send something, or more of it; since when, and how much it sent.
        self._awaited = True
        self._began = self._last_received = self.loop.time()
        self._received = 0
        # Whether the server itself had paused reading at the last check.
        self._paused = False
        self._unread_since: float | None = None
        self._has_grace = False
        self._deadline_timer = self.loop.call_later(self.limits.head_seconds, self._check_deadline)
        if len(self.connections) > max_connections():
            self._make_room()

    def connection_lost(self, error: Exception | None) -> None:
        self._deadline_timer.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if not self._awaited:
            self._begin()
        self._last_received = self.loop.time()
        super().data_received(data)
        self._received += len(data)

    def pause_writing(self) -> None:
        self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread_since = None
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Start the time of a request that the client has begun meanwhile."""
        self._began = self.loop.time()
        uvicorns: Any = super()
        uvicorns.on_response_complete()

    def send_400_response(self, _message: str) -> None:
        """Refuse an invalid or too large request; called by uvicorn."""
        self._refuse(self._refusal())

    def _begin(self) -> None:
        """A request begins."""
        self._awaited, self._began, self._received = True, self.loop.time(), 0

    def _refusal(self) -> HTTPStatus:
        """The status of the refusal."""
        return HTTPStatus.BAD_REQUEST

    def _refuse(self, status: HTTPStatus) -> None:
        """Send the status, unless a response has started, and close the connection."""
        if self.transport.is_closing():
            return
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering or not self.cycle.response_started:
            self.transport.write(_reply(status))
        self.transport.close()

    def _check_deadline(self) -> None:
        """Close the connection if it is late; else check again when it may be."""
        now = self.loop.time()
        late = now - self._deadline(now)
        if late >= 0 and not self._has_grace and has_unread_data(self.transport):
            self._has_grace, late = True, -_GRACE_SECONDS
        elif late >= 0:
            self._close_late()
            late = -self.limits.head_seconds
        else:
            self._has_grace = False
        self._deadline_timer = self.loop.call_later(-late, self._check_deadline)

    def _deadline(self, now: float) -> float:
        """Return the time by which the client must have made progress."""
        limits = self.limits
        if self.transport.is_closing() and self._unread_since is None:
            self._unread_since = now
        if self._unread_since is not None:
            return self._unread_since + limits.read_seconds
        cycle = self.cycle
        if not self._awaited or (_answering(cycle) and not cycle.more_body):
            return now + limits.head_seconds
        if cycle is None or not cycle.more_body:
            return self._began + limits.head_seconds
        if self.flow.read_paused or getattr(cycle, "waiting_for_100_continue", False):
            self._paused = True
            return now + limits.head_seconds
        if self._paused:
            self._paused = False
            self._began = self._last_received = now
        by_rate = self._began + limits.head_seconds + self._received / limits.body_rate
        return min(self._last_received + limits.silent_seconds, by_rate)

    def _close_late(self) -> None:
        if self._unread_since is not None:
            self.transport.abort()
        elif self._received and not (self.cycle is not None and self.cycle.response_complete):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _make_room(self) -> None:
        """Close the connections that have waited longest for their clients; if none has, this one.

        Several are closed at once, since finding them takes a look at all connections.
        """
        most = max_connections()
        self._warn_once(most)
        waiting = sorted(
            (other for other in self.connections if other is not self and other.is_waiting()),
            key=lambda other: (_answering(other.cycle), other.waiting_since),
        )
        for other in waiting[: most // 16 + 1]:
            other.make_way()
        if not waiting:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def is_waiting(self) -> bool:
        """Whether it is the client's turn: to send something, or for long to read a response."""
        if self._unread_since is not None:
            return self.loop.time() - self._unread_since >= self.limits.head_seconds
        return not self.transport.is_closing() and (
            not _answering(self.cycle) or (self.cycle.more_body and not self.flow.read_paused)
        )

    def make_way(self) -> None:
        """Close the connection; at once if nobody reads what has been sent."""
        if self._unread_since is not None:
            self.transport.abort()
        else:
            self.transport.close()

    @property
    def waiting_since(self) -> float:
        """Since when the client has to send something, in the loop's time."""
        return self._began

    def _warn_once(self, most: int) -> None:
        now = self.loop.time()
        if now - BoundedConnection._warned_at >= _WARNING_INTERVAL:
            BoundedConnection._warned_at = now
            _log.warning(
                "more than %d connections are open: the oldest idle ones are closed. Raise the "
                "limit of open files (ulimit -n) if you need more",
                most,
            )


def raise_file_limit() -> None:
    """Raise the limit of open files; for a process of our own."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # macOS reports "unlimited" and refuses it.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def max_connections() -> int:
    """Return how many connections may be open under the current limit of open files."""
    if sys.platform == "win32":
        return _MAX_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return min(max(soft - _RESERVED_DESCRIPTORS, soft // 2), _MAX_CONNECTIONS)


def max_open_files() -> int:
    """Return how many downloads may hold a file open under the current limit of open files.

    Half of the descriptors that connections leave; the rest is for the database and for children.
    """
    if sys.platform == "win32":
        return _MAX_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return (soft - max_connections()) // 2


def has_unread_data(transport: asyncio.BaseTransport) -> bool:
    """Return whether data, or the end of the connection, have arrived but are not read yet."""
    # Unlike the others these selectors need no file descriptor, of which none may be left.
    kind = getattr(selectors, "PollSelector", selectors.SelectSelector)
    with kind() as selector:
        selector.register(transport.get_extra_info("socket"), selectors.EVENT_READ)
        return bool(selector.select(0))


def _answering(cycle: Any) -> bool:
    return cycle is not None and not cycle.response_complete


@functools.cache
def _reply(status: HTTPStatus) -> bytes:
    """Return a complete response in the failure envelope (GEN-1) with `connection: close`."""
    body = encode_json({"code": int(status), "message": _MESSAGES[status], "data": None})
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
