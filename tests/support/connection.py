"""One connection of the server without a network: bytes in, bytes out, and a clock to turn."""

import socket
from collections.abc import Callable, Coroutine
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from nemolocal_server.transport.connection_limits import ConnectionLimits


class _Timer:
    _cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled


class TurnedLoop:
    """What a protocol wants of an event loop; time stands still until it is turned on."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._timers: list[tuple[float, int, Callable[[], None], _Timer]] = []
        self._made = 0

    def time(self) -> float:
        return self._now

    def call_later(self, delay: float, call: Callable[..., None], *rest: object) -> Any:
        handle = _Timer()
        self._made += 1
        self._timers.append((self._now + delay, self._made, lambda: call(*rest), handle))
        return handle

    def create_task(self, work: Coroutine[Any, Any, None], **_: object) -> Any:
        """The app never runs: tests say themselves what is answered."""
        work.close()
        return _Task()

    def turn(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        end = self._now + seconds
        while due := [timer for timer in self._timers if timer[0] <= end]:
            timer = min(due, key=lambda one: one[:2])
            self._timers.remove(timer)
            self._now = max(self._now, timer[0])
            if not timer[3].cancelled():
                timer[2]()
        self._now = end


class _Task:
    def add_done_callback(self, call: object) -> None:
        """It is never done."""


class NotedTransport:
    """Keeps what is written; `end` is the peer's end of the socket."""

    def __init__(self) -> None:
        self._own, self.end = socket.socketpair()
        self.written = b""
        self.ended = ""

    def get_extra_info(self, name: str) -> Any:
        return self._own if name == "socket" else None

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return bool(self.ended)

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def pause_reading(self) -> None:
        """Tests feed nothing then."""

    def resume_reading(self) -> None:
        """Tests feed when they want."""

    def release(self) -> None:
        self._own.close()
        self.end.close()


class Connection:
    """A connection to a server that answers what it is told to, when it is told to."""

    def __init__(self, kind: type[Any], others: "Connection | None" = None) -> None:
        self.loop: TurnedLoop = others.loop if others else TurnedLoop()
        self.state: ServerState = others.state if others else ServerState()
        self.transport = NotedTransport()
        config = uvicorn.Config(
            _app,
            timeout_keep_alive=75,
            log_level="critical",
            access_log=False,
            h11_max_incomplete_event_size=ConnectionLimits().head_bytes,
        )
        self.protocol = kind(config=config, server_state=self.state, app_state={}, _loop=self.loop)
        self.protocol.connection_made(self.transport)

    @property
    def status(self) -> int:
        """The status of what was answered last; 0 where nothing was."""
        _, found, answer = self.transport.written.rpartition(b"HTTP/1.1 ")
        return int(answer[:3]) if found else 0

    @property
    def ended(self) -> str:
        return self.transport.ended

    def feed(self, data: bytes) -> None:
        if not self.ended:
            self.protocol.data_received(data)

    def feed_on(self, piece: bytes, most: int) -> int:
        """Feed a piece again and again until it is refused; how many bytes were taken."""
        taken = 0
        while not self.ended and taken < most:
            self.feed(piece)
            taken += len(piece)
        return taken

    def answer(self, status: int = 200, *, more: bool = False) -> None:
        """Send a reply to the request that came last, or the first part of one."""
        cycle = self.protocol.cycle
        if not cycle.response_started:
            self._run(cycle.send({"type": "http.response.start", "status": status, "headers": []}))
        self._run(cycle.send({"type": "http.response.body", "body": b"x", "more_body": more}))

    def close(self) -> None:
        self.protocol.connection_lost(None)
        self.transport.release()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            work.send(None)
        except StopIteration:
            return
        raise AssertionError("nothing here waits")


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Never called."""
