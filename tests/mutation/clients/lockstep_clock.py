"""A clock shared by a server and its client that advances only when both wait.

It jumps to the next sleeper when the server only sleeps and the client waits: for a pause to end,
for a response, or for more of a stream, all of which it has read. So minutes take no time, and
every run is the same.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from nemolocal_client.operations import (
    DownloadFile,
    HttpCall,
    OpenStream,
    StreamChunk,
    StreamCut,
    StreamEnd,
)
from nemolocal_client.transport import Stream, Transport
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import CONTROL_PREFIX

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class LockstepClock(ManualClock):
    """The shared clock; `wrap_app` makes a server's app report its requests."""

    def __init__(self) -> None:
        super().__init__(autojump=True)
        self._awaiting = self._reading = False
        self._unread = self._streams = 0

    def is_held(self) -> bool:
        """Whether the client or a thread works, or a stream has bytes that the client will read."""
        idle = self._awaiting or (self._reading and not self._unread)
        return not idle or super().is_held()

    @contextlib.contextmanager
    def awaiting_response(self) -> Iterator[None]:
        """The client waits for a response, or for the beginning of a stream."""
        self._unread = 0
        try:
            yield
        finally:
            self._awaiting = False

    def read_stream(self, stream: Stream) -> StreamChunk | StreamEnd | StreamCut:
        """The client waits for more of its stream."""
        self._reading = True
        self.check_soon()
        got = stream.read()
        self._reading = False
        self._unread -= len(got.data) if isinstance(got, StreamChunk) else 1
        return got

    def wrap_app(self, app: Any) -> "ClockedApp":
        """Return the app with its responses counted."""
        return ClockedApp(app, self)

    def begin_request(self) -> None:
        """The server has a request: time may pass only from now on while the client waits."""
        self._awaiting = True
        self.check_soon()

    def begin_stream(self) -> int:
        """The client has the head of its response; return the number of this stream."""
        self._awaiting, self._unread = False, 0
        self._streams += 1
        return self._streams

    def count_bytes(self, stream: int, size: int) -> None:
        """Count bytes that can be read; older streams are not read any more."""
        if stream == self._streams:
            self._unread += size

    def end_response(self) -> None:
        """The response is complete or cut."""
        self._awaiting = False


class ClockedApp:
    """An app that reports its responses to the clock."""

    def __init__(self, app: Any, clock: LockstepClock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        stream = 0

        async def tell(message: Message) -> None:
            nonlocal stream
            more = message.get("more_body", False)
            if message["type"] == "http.response.start":
                stream = self._clock.begin_stream() if _is_stream(message) else 0
            elif stream:
                # The end of a stream counts like one more byte.
                self._clock.count_bytes(stream, len(message.get("body", b"")) + (not more))
            elif not more:
                self._clock.end_response()
            await send(message)

        self._clock.begin_request()
        await self._app(scope, receive, tell)


def _is_stream(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in message["headers"]
    )


def lockstep_transport(clock: LockstepClock) -> type[Transport]:
    """Return the client's transport, which reports its waits to the clock."""

    class LockstepStream(Stream):
        """A stream that reports its reads to the clock."""

        def __init__(self, stream: Stream) -> None:
            self._stream = stream

        def read(self) -> StreamChunk | StreamEnd | StreamCut:
            return clock.read_stream(self._stream)

        def close(self) -> None:
            self._stream.close()

    class LockstepTransport(Transport):
        """A transport that reports its requests to the clock."""

        def call(self, call: HttpCall) -> Any:
            with clock.awaiting_response():
                return super().call(call)

        def open_stream(self, call: OpenStream) -> Any:
            with clock.awaiting_response():
                got = super().open_stream(call)
            return LockstepStream(got) if isinstance(got, Stream) else got

        def download(self, request: DownloadFile) -> Any:
            with clock.awaiting_response():
                return super().download(request)

    return LockstepTransport
