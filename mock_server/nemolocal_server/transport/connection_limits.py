"""What one connection may take: bytes of a head, and time in which nothing comes forward.

uvicorn bounds neither with httptools. A head that is too large, a client that has not sent its
request in time, and one that does not read its answer are told so where that is possible, and
their connection is closed. Where too many are open, those that have waited longest go first.

Time is that of the event loop, as the network's is. Nothing here ends what the server has still to
do: a chat stream may be silent for as long as it wants, an upload may be slow if it comes forward.
"""

import asyncio
import functools
import logging
import selectors
from http import HTTPStatus
from typing import Any

import msgspec
import uvicorn

from nemolocal_contract.responses import encode_json

from .file_descriptors import max_connections

_log = logging.getLogger(__name__)

_MESSAGES = {
    HTTPStatus.BAD_REQUEST: "Invalid HTTP request",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not come in time: send all of it, without pauses",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The URL is too long: send what is long in the body",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are too large: send fewer or shorter",
    HTTPStatus.SERVICE_UNAVAILABLE: "Too many connections are open: close some and try again",
}
# How often, in seconds, the log says again that there are too many connections.
_WARNING_INTERVAL = 600.0
# What a connection that is late gets, in seconds, if there is something to read on it: the process
# may have had no time to look.
_GRACE_SECONDS = 1.0


class ConnectionLimits(msgspec.Struct, frozen=True):
    """Of a request's head, in bytes; of what may last without coming forward, in seconds.

    A body may take `head_seconds` and one second for each `body_rate` bytes, and never pause for
    longer than `silent_seconds`. Whoever reads nothing for `read_seconds` is given up.
    """

    url_bytes: int = 16 * 1024
    head_bytes: int = 24 * 1024
    headers: int = 200
    pipelined: int = 100
    head_seconds: float = 30.0
    silent_seconds: float = 60.0
    body_rate: int = 500
    read_seconds: float = 300.0


class BoundedConnection(asyncio.Protocol):
    """Mixed into a protocol of uvicorn, in front of it."""

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
        # Whether the client is to send something, or more of it; since when, how much came, when.
        self._awaited = True
        self._began = self._last_received = self.loop.time()
        self._received = 0
        # Whether the server itself held the client up when it was looked at last.
        self._held = False
        self._unread_since: float | None = None
        self._excused = False
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
        """What the client has begun meanwhile is late from now on, not from when it began."""
        self._began = self.loop.time()
        uvicorns: Any = super()
        uvicorns.on_response_complete()

    def handle_websocket_upgrade(self, *event: object) -> None:
        """The connection is another protocol's from here on."""
        self._deadline_timer.cancel()
        uvicorns: Any = super()
        uvicorns.handle_websocket_upgrade(*event)

    def send_400_response(self, _message: str) -> None:
        """Refuse what is no request, or is too much of one; called by uvicorn."""
        self._refuse(self._refusal())

    def _begin(self) -> None:
        """A request begins, or something that looks like it."""
        self._awaited, self._began, self._received = True, self.loop.time(), 0

    def _refusal(self) -> HTTPStatus:
        """Why what came last is refused."""
        return HTTPStatus.BAD_REQUEST

    def _refuse(self, status: HTTPStatus) -> None:
        """Say why, unless something else is being said, and close the connection."""
        if self.transport.is_closing():
            return
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering or not self.cycle.response_started:
            self.transport.write(_reply(status))
        self.transport.close()

    def _check_deadline(self) -> None:
        """Give the connection up if it is late; else look again when it may be."""
        now = self.loop.time()
        late = now - self._deadline(now)
        if late >= 0 and not self._excused and has_unread_data(self.transport):
            self._excused, late = True, -_GRACE_SECONDS
        elif late >= 0:
            self._close_late()
            late = -self.limits.head_seconds
        else:
            self._excused = False
        self._deadline_timer = self.loop.call_later(-late, self._check_deadline)

    def _deadline(self, now: float) -> float:
        """When the client must have come forward."""
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
            self._held = True
            return now + limits.head_seconds
        if self._held:
            self._held = False
            self._began = self._last_received = now
        enough = self._began + limits.head_seconds + self._received / limits.body_rate
        return min(self._last_received + limits.silent_seconds, enough)

    def _close_late(self) -> None:
        if self._unread_since is not None:
            self.transport.abort()
        elif self._received and not (self.cycle is not None and self.cycle.response_complete):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _make_room(self) -> None:
        """Close the connections that have waited longest for a request; if none has, this one.

        They go by the dozen, since looking for them takes a look at all.
        """
        most = max_connections()
        self._warn_once(most)
        waiting = sorted(
            (other for other in self.connections if other is not self and other.is_waiting()),
            key=lambda other: (_answering(other.cycle), other.waiting_since),
        )
        for other in waiting[: most // 16 + 1]:
            other.transport.close()
        if not waiting:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def is_waiting(self) -> bool:
        """Whether it is the client's turn, and nothing would be lost but its place."""
        return not self.transport.is_closing() and (
            not _answering(self.cycle) or (self.cycle.more_body and not self.flow.read_paused)
        )

    @property
    def waiting_since(self) -> float:
        """Since when the client is awaited, in the loop's time."""
        return self._began

    def _warn_once(self, most: int) -> None:
        now = self.loop.time()
        if now - BoundedConnection._warned_at >= _WARNING_INTERVAL:
            BoundedConnection._warned_at = now
            _log.warning(
                "more than %d connections are open: those that have waited longest are closed. "
                "Raise the limit of open files (ulimit -n) if they are needed",
                most,
            )


def has_unread_data(transport: asyncio.BaseTransport) -> bool:
    """Whether bytes, or the end, have come that nobody has read yet."""
    # Others than this take a file descriptor, of which there may be none left.
    kind = getattr(selectors, "PollSelector", selectors.SelectSelector)
    with kind() as selector:
        selector.register(transport.get_extra_info("socket"), selectors.EVENT_READ)
        return bool(selector.select(0))


def _answering(cycle: Any) -> bool:
    return cycle is not None and not cycle.response_complete


@functools.cache
def _reply(status: HTTPStatus) -> bytes:
    """A whole response in the failure envelope (GEN-1); it says that nothing follows."""
    body = encode_json({"code": int(status), "message": _MESSAGES[status], "data": None})
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
