"""A CONNECT proxy on this machine that routes the cloud's host to the local server.

So a program with the cloud's address written into it reaches the local server unchanged. Any other
host is refused and reported, or reached and reported where a program is recorded. The proxy serves
its own user only: a client must know the secret in the proxy's URL, or its connection must belong
to that user.
"""

import asyncio
import base64
import contextlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection

import h11
import msgspec

from .allowed_hosts import AllowedHost
from .connection_owner import is_own_connection
from .http_messages import read_event, send_https_redirect, send_text_response
from .tcp_relay import copy_stream
from .traffic_monitor import TrafficMonitor, refusal_message

_MAX_HEAD_BYTES = 64 * 1024
_HTTPS = 443
_MAX_PORT = 65_535
_TARGET = re.compile(
    rb"(?:http://)?(\[[0-9a-fA-F:.]{2,60}\]|[\w.-]{1,255})(?::(\d{1,5}))?((?:[/?]\S*)?)"
)
_USER = "nemolocal"
# Headers that a proxy does not forward, or writes itself.
_HOP_BY_HOP_HEADERS = {
    b"connection", b"host", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"upgrade",
}  # fmt: skip
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class ProxyRequest(msgspec.Struct, frozen=True):
    """A request to the proxy: for a tunnel (`CONNECT`), or to be forwarded."""

    method: str
    host: str
    port: int
    path: str


def parse_target(method: bytes, target: bytes) -> ProxyRequest | None:
    """Parse the target of a request; None if it is addressed to the proxy itself."""
    match = _TARGET.fullmatch(target)
    tunnel = method == b"CONNECT"
    if match is None or tunnel == target.startswith(b"http://") or (tunnel and match[3]):
        return None
    port = int(match[2] or (_HTTPS if tunnel else 80))
    if port > _MAX_PORT:
        return None
    path = match[3].decode("latin-1")
    host = match[1].decode("ascii", "replace").strip("[]").lower()
    return ProxyRequest(method.decode("ascii"), host, port, path if path[:1] == "/" else f"/{path}")


class ConnectProxy:
    """Routes the host of `monitor` to the server on `port`, and `allowed` hosts to themselves.

    Requests for other hosts are reported to `monitor`. `own` takes the addresses of both ends of a
    connection and returns whether it belongs to this user. The hosts in `also` are routed like that
    of `monitor`. With `on_other_host` all other hosts are reached too, and it is called with each.
    """

    def __init__(
        self,
        monitor: TrafficMonitor,
        port: int,
        allowed: Collection[AllowedHost] = (),
        own: Callable[[tuple[str, int], tuple[str, int]], bool] = is_own_connection,
        *,
        also: Collection[str] = (),
        on_other_host: Callable[[str], None] | None = None,
    ) -> None:
        self.host = monitor.host
        self._monitor = monitor
        self._port = port
        self.allowed_hosts = frozenset(allowed)
        self._is_own = own
        self.routed_hosts = frozenset((monitor.host, *also))
        self._on_other_host = on_other_host
        self._secret = secrets.token_urlsafe(24)
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    @property
    def port(self) -> int:
        """The port on which the proxy listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """The URL for HTTP_PROXY, with the secret."""
        return f"http://{_USER}:{self._secret}@127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        """Stop listening and close all connections."""
        assert self._server is not None
        self._server.close()
        tasks = [task for task in self._open.values() if task is not None]
        for writer in self._open:
            writer.transport.abort()
        if tasks:
            await asyncio.wait(tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = asyncio.current_task()
        try:
            with contextlib.suppress(OSError):
                await self._handle(reader, writer)
        finally:
            del self._open[writer]
            writer.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        try:
            event = await read_event(connection, reader)
        except h11.RemoteProtocolError:
            event = None
        if event is not None and not isinstance(event, h11.Request):
            return  # The client has disconnected.
        asked = None if event is None else parse_target(event.method, event.target)
        if event is None or asked is None:
            await send_text_response(
                writer, "400 Bad Request", "this is a proxy: send it a request for a host\n"
            )
        elif not self._is_authorized(event, writer):
            field = f'Proxy-Authenticate: Basic realm="{_USER}"\r\n'
            message = "this proxy requires authentication: use the address in HTTP_PROXY\n"
            await send_text_response(writer, "407 Proxy Authentication Required", message, field)
        elif asked.host in self.routed_hosts and asked.method != "CONNECT":
            await send_https_redirect(writer, asked.host, asked.path)
        elif asked.host in self.routed_hosts and asked.port == _HTTPS:
            await self._forward(connection, reader, writer, ("127.0.0.1", self._port), None)
        elif self._may_reach(asked):
            request = None if asked.method == "CONNECT" else _forwarded_request(event, asked)
            await self._forward(connection, reader, writer, (asked.host, asked.port), request)
        else:
            message = refusal_message(asked.host, self.host, asked.port)
            self._monitor.record_refused_host(asked.host, message)
            await send_text_response(writer, "403 Forbidden", f"nemolocal exec {message}\n")

    def _may_reach(self, asked: ProxyRequest) -> bool:
        if AllowedHost(asked.host, asked.port) in self.allowed_hosts:
            return True
        if self._on_other_host is not None:
            self._on_other_host(asked.host)
        return self._on_other_host is not None

    def _is_authorized(self, request: h11.Request, writer: asyncio.StreamWriter) -> bool:
        wanted = b"Basic " + base64.b64encode(f"{_USER}:{self._secret}".encode())
        given = dict(request.headers).get(b"proxy-authorization", b"")
        if hmac.compare_digest(given, wanted):
            return True
        ends = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
        return self._is_own(*ends)

    async def _forward(
        self,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        place: tuple[str, int],
        request: h11.Request | None,
    ) -> None:
        """Forward a tunnel, or one request, to `place`."""
        try:
            far_reader, far_writer = await asyncio.open_connection(*place)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            await send_text_response(
                writer, "502 Bad Gateway", f"{place[0]}:{place[1]}: {reason}\n"
            )
            return
        with contextlib.closing(far_writer):
            if request is None:
                writer.write(_ESTABLISHED)
                far_writer.write(connection.trailing_data[0])
                sent = copy_stream(reader, far_writer)
            else:
                sent = _forward_one(connection, reader, far_writer, request)
            sending = asyncio.ensure_future(sent)
            await copy_stream(far_reader, writer)
            if request is None:
                await sending
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


def _forwarded_request(request: h11.Request, asked: ProxyRequest) -> h11.Request:
    """Return the request for the next host: without proxy headers, one for each connection."""
    fields = [
        (name, value)
        for name, value in request.headers.raw_items()
        if name.lower() not in _HOP_BY_HOP_HEADERS
    ]
    host = f"[{asked.host}]" if ":" in asked.host else asked.host
    named = host if asked.port == 80 else f"{host}:{asked.port}"
    return h11.Request(
        method=request.method,
        target=asked.path.encode("latin-1"),
        headers=[(b"Host", named.encode()), (b"Connection", b"close"), *fields],
    )


async def _forward_one(
    connection: h11.Connection,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    request: h11.Request,
) -> None:
    """Forward one request only: the next one on the connection may be for another host."""
    out = h11.Connection(h11.CLIENT)
    event: object = request
    while isinstance(event, h11.Request | h11.Data | h11.EndOfMessage):
        writer.write(out.send(event) or b"")
        await writer.drain()
        if isinstance(event, h11.EndOfMessage):
            return
        event = await read_event(connection, reader)
