"""A CONNECT proxy on this machine: one host leads to the local server, others nowhere.

So a program that has the cloud's address written into it reaches the local server unchanged, and
whatever else it calls is refused and told. It serves its own user only: who knows the secret in its
address, or whose connection is seen to be that user's.
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

from .allowed import Allowed
from .monitor import Monitor, refusal
from .peers import is_own
from .streams import pump

_LARGEST_HEAD = 64 * 1024
_BLOCK = 64 * 1024
_HTTPS = 443
_LAST_PORT = 65_535
_TARGET = re.compile(
    rb"(?:http://)?(\[[0-9a-fA-F:.]{2,60}\]|[\w.-]{1,255})(?::(\d{1,5}))?((?:[/?]\S*)?)"
)
_USER = "nemolocal"
# What is said from one host to the next, and what is said anew.
_NOT_PASSED_ON = {
    b"connection", b"host", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"upgrade",
}  # fmt: skip
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Asked(msgspec.Struct, frozen=True):
    """What a client asks of the proxy: a tunnel (`CONNECT`), or a request to pass on."""

    method: str
    host: str
    port: int
    path: str


def read_target(method: bytes, target: bytes) -> Asked | None:
    """Where a request to a proxy is for; None where it is for the proxy itself."""
    match = _TARGET.fullmatch(target)
    tunnel = method == b"CONNECT"
    if match is None or tunnel == target.startswith(b"http://") or (tunnel and match[3]):
        return None
    port = int(match[2] or (_HTTPS if tunnel else 80))
    if port > _LAST_PORT:
        return None
    path = match[3].decode("latin-1")
    host = match[1].decode("ascii", "replace").strip("[]").lower()
    return Asked(method.decode("ascii"), host, port, path if path[:1] == "/" else f"/{path}")


class Proxy:
    """Serves the host of `monitor` by the server on `port`, `allowed` ones by themselves.

    `monitor` is told of every other host. `own` says whether a connection, by the addresses of its
    two ends, is known to be the user's.
    """

    def __init__(
        self,
        monitor: Monitor,
        port: int,
        allowed: Collection[Allowed] = (),
        own: Callable[[tuple[str, int], tuple[str, int]], bool] = is_own,
    ) -> None:
        self.host = monitor.host
        self._monitor = monitor
        self._port = port
        self.allowed = frozenset(allowed)
        self._own = own
        self._secret = secrets.token_urlsafe(24)
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """What programs are told as their proxy: with the secret."""
        return f"http://{_USER}:{self._secret}@127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        """Listen no more, and end what is still open."""
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
                await self._answer(reader, writer)
        finally:
            del self._open[writer]
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = h11.Connection(h11.SERVER, max_incomplete_event_size=_LARGEST_HEAD)
        try:
            event = await next_event(said, reader)
        except h11.RemoteProtocolError:
            event = None
        if event is not None and not isinstance(event, h11.Request):
            return  # it has gone again
        asked = None if event is None else read_target(event.method, event.target)
        if event is None or asked is None:
            await say(writer, "400 Bad Request", "this is a proxy: ask it for a host\n")
        elif not self._may_ask(event, writer):
            field = f'Proxy-Authenticate: Basic realm="{_USER}"\r\n'
            told = "this proxy is its user's: ask it by the address in HTTP_PROXY\n"
            await say(writer, "407 Proxy Authentication Required", told, field)
        elif asked.host == self.host and asked.method != "CONNECT":
            await redirect(writer, self.host, asked.path)
        elif asked.host == self.host and asked.port == _HTTPS:
            await self._pass_on(said, reader, writer, ("127.0.0.1", self._port), None)
        elif Allowed(asked.host, asked.port) in self.allowed:
            request = None if asked.method == "CONNECT" else _passed_on(event, asked)
            await self._pass_on(said, reader, writer, (asked.host, asked.port), request)
        else:
            told = refusal(asked.host, self.host, asked.port)
            self._monitor.refuse(asked.host, told)
            await say(writer, "403 Forbidden", f"nemolocal exec {told}\n")

    def _may_ask(self, request: h11.Request, writer: asyncio.StreamWriter) -> bool:
        wanted = b"Basic " + base64.b64encode(f"{_USER}:{self._secret}".encode())
        given = dict(request.headers).get(b"proxy-authorization", b"")
        if hmac.compare_digest(given, wanted):
            return True
        ends = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
        return self._own(*ends)

    async def _pass_on(
        self,
        said: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        place: tuple[str, int],
        request: h11.Request | None,
    ) -> None:
        """A tunnel, or one request, to a place."""
        try:
            far_reader, far_writer = await asyncio.open_connection(*place)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            await say(writer, "502 Bad Gateway", f"{place[0]}:{place[1]}: {reason}\n")
            return
        with contextlib.closing(far_writer):
            if request is None:
                writer.write(_ESTABLISHED)
                far_writer.write(said.trailing_data[0])
                sent = pump(reader, far_writer)
            else:
                sent = _send_one(said, reader, far_writer, request)
            sending = asyncio.ensure_future(sent)
            await pump(far_reader, writer)
            if request is None:
                await sending
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def next_event(said: h11.Connection, reader: asyncio.StreamReader) -> object:
    """What comes next of a request; raises h11.RemoteProtocolError where it is none."""
    while (event := said.next_event()) is h11.NEED_DATA:
        said.receive_data(await reader.read(_BLOCK))
    return event


def _passed_on(request: h11.Request, asked: Asked) -> h11.Request:
    """A request as the next host gets it: one on a connection, and nothing for the proxy in it."""
    fields = [
        (name, value)
        for name, value in request.headers.raw_items()
        if name.lower() not in _NOT_PASSED_ON
    ]
    host = f"[{asked.host}]" if ":" in asked.host else asked.host
    named = host if asked.port == 80 else f"{host}:{asked.port}"
    return h11.Request(
        method=request.method,
        target=asked.path.encode("latin-1"),
        headers=[(b"Host", named.encode()), (b"Connection", b"close"), *fields],
    )


async def _send_one(
    said: h11.Connection,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    request: h11.Request,
) -> None:
    """One request to the end of its body: what follows may be for another host."""
    out = h11.Connection(h11.CLIENT)
    event: object = request
    while isinstance(event, h11.Request | h11.Data | h11.EndOfMessage):
        writer.write(out.send(event) or b"")
        await writer.drain()
        if isinstance(event, h11.EndOfMessage):
            return
        event = await next_event(said, reader)


async def redirect(writer: asyncio.StreamWriter, host: str, path: str) -> None:
    """Send a client from HTTP to HTTPS."""
    where = f"Location: https://{host}{path}\r\n"
    await say(writer, "308 Permanent Redirect", "", where)


async def say(writer: asyncio.StreamWriter, status: str, text: str, fields: str = "") -> None:
    """Answer in words, and be done."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
    writer.write(f"{head}{fields}Connection: close\r\n\r\n{text}".encode())
    await writer.drain()
