"""A proxy in front of a server: an interceptor changes a request, its response, or both.

An interceptor is one coroutine, `async (request, forward, observed) -> InterceptedResponse`. It may
change the request, call `forward` or not, and change the response. Streams are passed on frame by
frame, and large bodies are not held in memory. The control API has an interceptor of its own.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import h11

from .h11_connection import H11Connection
from .proxy_messages import ConnectionBroken, InterceptedRequest, InterceptedResponse

CONTROL = "/__nemolocal__"


@dataclass
class ObservedTraffic:
    """The traffic so far: who owns what, and whatever an interceptor stores."""

    tokens: list[str] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    renders: dict[str, str] = field(default_factory=dict)
    elapsed: float = 0.0
    memory: dict[str, Any] = field(default_factory=dict)

    def observe(self, request: InterceptedRequest, response: InterceptedResponse) -> None:
        """Record who owns what, from the server's own responses."""
        value = response.json if isinstance(response.json, dict) else {}
        data = value.get("data", value)
        if request.path.endswith("/clock/advance"):
            self.elapsed += float(request.json.get("seconds", 0))
        if not isinstance(data, dict):
            return
        if "token" in data and "user_id" in data:
            self.tokens.append(data["token"])
            self.users[data["token"]] = data["user_id"]
        if "session_id" in data and request.method == "POST":
            self.sessions[data["session_id"]] = request.token
        if request.path.endswith("/lambda") and "status" in data:
            self.renders[data["id"]] = request.token


Forward = Callable[[InterceptedRequest], Awaitable[InterceptedResponse]]
Interceptor = Callable[
    [InterceptedRequest, Forward, ObservedTraffic], Awaitable[InterceptedResponse]
]


async def pass_through(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Change nothing."""
    del observed
    return await forward(request)


class InterceptingProxy:
    """A proxy in a thread: `with InterceptingProxy(port, interceptor) as proxy: proxy.base_url`.

    `control` intercepts the calls of the control API.
    """

    def __init__(
        self, port: int, interceptor: Interceptor, control: Interceptor = pass_through
    ) -> None:
        self._upstream = port
        self._interceptor = interceptor
        self._control = control
        self._seen = ObservedTraffic()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.base_url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = H11Connection(h11.Connection(h11.SERVER), reader, writer)
        try:
            while (request := await wire.read_request()) is not None:
                await self._answer(wire, request)
                if not wire.start_next_cycle():
                    break
        except (ConnectionBroken, OSError, h11.ProtocolError, asyncio.CancelledError):
            pass  # the client is gone, or must see that its reply is cut, or the proxy ends
        finally:
            writer.close()

    async def _answer(self, wire: H11Connection, request: InterceptedRequest) -> None:
        upstream: list[H11Connection] = []

        async def go(request: InterceptedRequest) -> InterceptedResponse:
            upstream.append(await _connect_upstream(self._upstream))
            reply = await upstream[-1].exchange(request)
            self._seen.observe(request, reply)
            return reply

        try:
            is_control = request.path.startswith(CONTROL)
            interceptor = self._control if is_control else self._interceptor
            await wire.run_until_disconnect(
                wire.send_response(await interceptor(request, go, self._seen))
            )
        finally:
            for connection in upstream:
                connection.writer.close()


async def _connect_upstream(port: int) -> H11Connection:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    return H11Connection(h11.Connection(h11.CLIENT), reader, writer)
