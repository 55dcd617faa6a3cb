"""uvicorn protocols whose connections can be cut, by a FIN or a reset in the middle of a response.

ASGI cannot close a connection. uvicorn copies the `app_state` of a protocol into the scope of each
request, and these protocols add their transport to it. They also do not close an idle connection
with unread data on it, which uvicorn does.
"""

import asyncio
import socket
import struct
import sys
from http import HTTPStatus
from typing import Any

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..faults.catalogue import CutMode
from .connection_limits import BoundedConnection, has_unread_data

_KEY = "nemolocal.transport"
# Keep-alive of a connection whose request body was not read to its end, in seconds.
_UNREAD_KEEP_ALIVE = 5
# Linger for 0 seconds: unsent data are dropped and the peer gets a reset.
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class CuttableConnection(asyncio.Protocol):
    """Mixed into a protocol of uvicorn."""

    app_state: dict[str, Any]
    config: uvicorn.Config
    cycle: Any
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    timeout_keep_alive: int
    timeout_keep_alive_task: asyncio.TimerHandle | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, _KEY: transport}

    def _unsupported_upgrade_warning(self) -> None:
        """Do not warn that no WebSocket library is installed: upgrades are not supported."""

    def on_response_complete(self) -> None:
        """Shorten the keep-alive after a request that was refused before it was complete."""
        self.timeout_keep_alive = self.config.timeout_keep_alive
        if self.cycle is not None and self.cycle.more_body:
            self.timeout_keep_alive = min(self.timeout_keep_alive, _UNREAD_KEEP_ALIVE)
        uvicorns: Any = super()
        uvicorns.on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, unless it has unread data.

        A busy process sees the timeout before it sees a request that arrived in time.
        """
        if self.transport.is_closing():
            return
        if has_unread_data(self.transport):
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        else:
            self.transport.close()


class CuttableH11Protocol(CuttableConnection, BoundedConnection, H11Protocol):
    """For h11, if httptools is not installed; h11 limits the headers itself."""

    conn: Any

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        unread = self.cycle is not None and self.cycle.more_body
        self._awaited = unread or bool(self.conn.trailing_data[0])

    def _refusal(self) -> HTTPStatus:
        """Return the status of h11's exception, which uvicorn is handling."""
        hint = getattr(sys.exc_info()[1], "error_status_hint", 400)
        return HTTPStatus(hint) if hint == 431 else super()._refusal()


def select_http_protocol() -> type[asyncio.Protocol]:
    """Return the protocol that uvicorn would choose, with connections that can be cut."""
    if issubclass(AutoHTTPProtocol, H11Protocol):
        return CuttableH11Protocol
    from .httptools_protocol import CuttableHttpToolsProtocol

    return CuttableHttpToolsProtocol


def cut_connection(scope: Scope, how: CutMode) -> None:
    """End the connection of a request: `fin` closes it after the sent data, `reset` aborts it."""
    transport: asyncio.Transport = scope["state"][_KEY]
    if how == "fin":
        transport.close()
        return
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    transport.abort()
