"""A thread with an event loop for the relays between a program and a server."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from typing import Any, TypeVar

import h11

from .allowed_hosts import AllowedHost
from .dns_server import serve_dns
from .http_messages import read_event, send_https_redirect, send_text_response
from .tcp_relay import relay_to, reset_connection
from .traffic_monitor import TrafficMonitor, refusal_message

_Result = TypeVar("_Result")
_STEPS_TO_CLOSE = 3
ConnectionHandler = Callable[
    [asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]
]
"""Serves one connection."""


class RelayThread:
    """Runs coroutines in its own event loop, and closes what they opened at the end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._running: set[asyncio.Task[None]] = set()
        self._opened: list[asyncio.Server | asyncio.DatagramTransport] = []

    def run_coroutine(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine in the loop from another thread, and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def forward(self, listener: socket.socket, place: AllowedHost) -> None:
        """Forward the connections of a listener to a host, byte by byte."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await relay_to(reader, writer, (place.host, place.port))
            except OSError:  # Nothing listens there.
                reset_connection(writer)

        self.run_coroutine(self._listen(listener, serve))

    def serve(
        self, listener: socket.socket, serve: ConnectionHandler, tls: ssl.SSLContext | None = None
    ) -> None:
        """Serve the connections of a listener."""
        self.run_coroutine(self._listen(listener, serve, tls))

    def redirect_http(self, listener: socket.socket, monitor: TrafficMonitor) -> None:
        """Redirect plain HTTP requests for the cloud to HTTPS, and refuse others."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _redirect(reader, writer, monitor)

        self.run_coroutine(self._listen(listener, serve))

    def serve_dns(
        self,
        listener: socket.socket,
        addresses: Mapping[str, Collection[str]],
        monitor: TrafficMonitor,
    ) -> None:
        """Serve DNS to the program."""

        def refuse(host: str) -> None:
            monitor.record_refused_host(host, refusal_message(host, monitor.host))

        self._opened.append(self.run_coroutine(serve_dns(listener, addresses, refuse)))

    async def _listen(
        self, listener: socket.socket, serve: ConnectionHandler, tls: ssl.SSLContext | None = None
    ) -> None:
        async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            try:
                with contextlib.suppress(OSError):
                    await serve(reader, writer)
            finally:
                self._running.discard(task)
                writer.close()

        listener.setblocking(False)
        self._opened.append(await asyncio.start_server(run, sock=listener, ssl=tls))

    @contextlib.contextmanager
    def running(self) -> Iterator["RelayThread"]:
        """Run the loop until the context ends."""
        thread = threading.Thread(
            target=self._loop.run_forever, name="nemolocal-relay", daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            self.run_coroutine(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    async def _close(self) -> None:
        for opened in self._opened:
            opened.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for _ in range(_STEPS_TO_CLOSE):
            await asyncio.sleep(0)


async def _redirect(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, monitor: TrafficMonitor
) -> None:
    connection = h11.Connection(h11.SERVER)
    try:
        request = await read_event(connection, reader)
    except h11.RemoteProtocolError:
        request = None
    if not isinstance(request, h11.Request):
        return
    host = dict(request.headers).get(b"host", b"").decode("latin-1").lower().partition(":")[0]
    path = request.target.decode("latin-1")
    if host in (monitor.host, "localhost", "127.0.0.1") and path.startswith("/"):
        await send_https_redirect(writer, monitor.host, path)
        return
    message = refusal_message(host, monitor.host)
    monitor.record_refused_host(host, message)
    await send_text_response(writer, "403 Forbidden", f"nemolocal exec {message}\n")
