"""The connection below ASGI, so that it can be cut: a FIN in mid reply, or a reset.

ASGI cannot drop a connection. uvicorn copies a protocol's `app_state` into the scope of each of its
requests; the protocols here put their transport into it. Nor do they drop one by mistake: uvicorn
closes what was idle for long without a look at what has come in the meantime.
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
# How long a connection is kept on which a body was not read to its end, in seconds: it is no use.
_UNREAD_KEEP_ALIVE = 5
# On, and for no seconds: what is not sent yet is thrown away and the peer gets a reset.
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
        """Who asks for a WebSocket is answered as anybody: no library is missing."""

    def on_response_complete(self) -> None:
        """Who was refused before all was sent has the answer, and little time to read it."""
        self.timeout_keep_alive = self.config.timeout_keep_alive
        if self.cycle is not None and self.cycle.more_body:
            self.timeout_keep_alive = min(self.timeout_keep_alive, _UNREAD_KEEP_ALIVE)
        uvicorns: Any = super()
        uvicorns.on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for long, unless something waits to be read on it.

        A process that had no time for so long sees that it is late before it sees the request.
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
    """Where httptools is not installed; h11 bounds a head itself, by the configuration."""

    conn: Any

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        unread = self.cycle is not None and self.cycle.more_body
        self._awaited = unread or bool(self.conn.trailing_data[0])

    def _refusal(self) -> HTTPStatus:
        """h11 says it in the exception for which uvicorn asks."""
        hint = getattr(sys.exc_info()[1], "error_status_hint", 400)
        return HTTPStatus(hint) if hint in (400, 431) else HTTPStatus.BAD_REQUEST


def select_http_protocol() -> type[asyncio.Protocol]:
    """The protocol that uvicorn would choose itself, with connections that can be cut."""
    if issubclass(AutoHTTPProtocol, H11Protocol):
        return CuttableH11Protocol
    from .httptools_protocol import CuttableHttpToolsProtocol

    return CuttableHttpToolsProtocol


def cut_connection(scope: Scope, how: CutMode) -> None:
    """End the connection of a request: `fin` closes it after what was sent, `reset` breaks it."""
    transport: asyncio.Transport = scope["state"][_KEY]
    if how == "fin":
        transport.close()
        return
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    transport.abort()
