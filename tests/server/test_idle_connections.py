"""A connection is closed when it is idle, not when the server had no time to look."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Protocol, cast

import httpx
import pytest

from nemolocal_server.transport.uvicorn_protocols import CuttableH11Protocol, select_http_protocol
from tests.support import patient_http
from tests.support.servers import ServerFactory

WAITED = 5


class FakeTransport:
    """One end of a connection, as a protocol sees it."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.closed = False

    def get_extra_info(self, name: str) -> socket.socket:
        assert name == "socket"
        return self._end

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        assert not self.closed
        self.closed = True


class IdleProtocol(Protocol):
    """What these tests see of a connection's protocol."""

    transport: FakeTransport
    timers: list[tuple[float, Callable[[], None]]]

    def timeout_keep_alive_handler(self) -> None:
        """What the event loop calls when the connection has been idle for its time."""


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture(params=[CuttableH11Protocol, select_http_protocol()], ids=["h11", "usual"])
def protocol(
    request: pytest.FixtureRequest, ends: tuple[socket.socket, socket.socket]
) -> IdleProtocol:
    """A protocol whose connection has been idle for `WAITED` seconds; `timers` are what it set."""
    created = object.__new__(request.param)
    created.timers = []
    created.loop = SimpleNamespace(call_later=lambda *timer: created.timers.append(timer))
    created.transport, created.timeout_keep_alive = FakeTransport(ends[0]), WAITED
    return cast("IdleProtocol", created)


def test_an_idle_connection_is_closed_once(protocol: IdleProtocol) -> None:
    protocol.timeout_keep_alive_handler()
    assert protocol.transport.closed
    protocol.transport.get_extra_info("socket").close()
    protocol.timeout_keep_alive_handler()
    assert protocol.timers == []


def test_a_request_that_waits_to_be_read_is_not_thrown_away(
    protocol: IdleProtocol, ends: tuple[socket.socket, socket.socket]
) -> None:
    ends[1].sendall(b"GET / HTTP/1.1\r\n")
    protocol.timeout_keep_alive_handler()
    assert not protocol.transport.closed
    assert protocol.timers == [(WAITED, protocol.timeout_keep_alive_handler)]


@pytest.mark.slow
def test_a_client_gives_an_idle_connection_up_before_the_server_does(
    servers: ServerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[float] = []

    class Noted(CuttableH11Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            kept.append(self.timeout_keep_alive)

    monkeypatch.setattr("nemolocal_server.serving.select_http_protocol", lambda: Noted)
    patient_http.get(f"{servers.start()}/__nemolocal__/health")
    assert kept[0] > (httpx.Limits().keepalive_expiry or 0)
