"""Access to the server of a program: for this user only, and without the control API.

Only this process can call the control API, without a socket. So neither another user of the machine
nor the program under test can change the evidence.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx

from nemolocal_contract.endpoints import CONTROL_PREFIX, HEALTH, control_headers
from nemolocal_contract.generations import client_generation
from nemolocal_contract.responses import ResponseCode, encode_json, failure

from .connection_owner import SocketAddress
from .traffic_monitor import TrafficMonitor

if TYPE_CHECKING:
    from nemolocal_server.serving import LocalServer

_REFUSED = "this server belongs to another user: start your own with nemolocal serve"
_CLOSED = "the control API is disabled while a program runs"
_IN_PROCESS_URL = "http://127.0.0.1"


class OwnerMiddleware:
    """ASGI middleware; `monitor` counts the requests that pass.

    `may_ask` decides by the addresses of both ends of a connection.
    """

    def __init__(
        self,
        app: Any,
        monitor: TrafficMonitor,
        may_ask: Callable[[SocketAddress, SocketAddress], bool],
    ) -> None:
        self._app = app
        self._monitor = monitor
        self._is_allowed = may_ask

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http":
            client = tuple(scope["client"] or ())
            if not self._is_allowed(tuple(scope["server"] or ()), client):
                await _refuse(send, ResponseCode.FORBIDDEN, _REFUSED)
                return
            control = scope["path"].startswith(CONTROL_PREFIX)
            if control and scope["path"] != HEALTH.template:
                await _refuse(send, ResponseCode.NOT_FOUND, _CLOSED)
                return
            if not control:
                self._monitor.count_call(client)
                if _is_generation_2(scope):
                    self._monitor.count_generation_2()
        await self._app(scope, receive, send)


class InProcessTransport(httpx.BaseTransport):
    """Calls a server in this process without a socket, the control API included."""

    def __init__(self, server: "LocalServer") -> None:
        self._server = server

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the complete response to a request."""
        request.headers.update(control_headers(self._server.control_token))
        return self._server.call(_send_to_app(self._server.app, request, request.read()))


def _is_generation_2(scope: Any) -> bool:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return client_generation(scope["method"], scope["path"], headers) == 2


async def _send_to_app(app: Any, request: httpx.Request, content: bytes) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=_IN_PROCESS_URL) as http:
        fields = request.headers
        reply = await http.request(request.method, request.url, headers=fields, content=content)
    return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)


async def _refuse(send: Any, code: ResponseCode, text: str) -> None:
    body = encode_json(failure(code, text))
    fields = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": int(code), "headers": fields})
    await send({"type": "http.response.body", "body": body})
