"""A CONNECT proxy on this machine: one host leads to the local server, others nowhere.

So a program that has the cloud's address written into it reaches the local server unchanged, and
whatever else it calls is refused and told. A program that ignores the variables which name a proxy
goes its own way: that is not seen here.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Collection

import msgspec

_LARGEST_HEAD = 64 * 1024
_BLOCK = 64 * 1024
_HTTPS = 443
_LAST_PORT = 65_535
_TARGET = re.compile(
    rb"([A-Z]{1,20}) (?:http://)?(\[[0-9a-fA-F:.]{2,60}\]|[\w.-]{1,255})(?::(\d{1,5}))?(\S*)"
    rb" HTTP/1\.[01]"
)
_PER_CONNECTION = re.compile(rb"(?im)^(?:proxy-connection|connection|proxy-authorization):.*\r\n")
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Asked(msgspec.Struct, frozen=True):
    """What a client asks of the proxy: a tunnel (`CONNECT`), or a request to pass on."""

    method: str
    host: str
    port: int
    path: str


def read_request(head: bytes) -> Asked | None:
    """The first line of a request to a proxy; None where it is none."""
    match = _TARGET.match(head)
    if match is None:
        return None
    method = match[1].decode()
    tunnel = method == "CONNECT"
    if tunnel == head[match.end(1) + 1 :].startswith(b"http://") or (tunnel and match[4]):
        return None
    port = int(match[3] or (_HTTPS if tunnel else 80))
    if port > _LAST_PORT:
        return None
    path = match[4].decode("latin-1") or "/"
    return Asked(method, match[2].decode("ascii", "replace").strip("[]").lower(), port, path)


class Proxy:
    """Serves `host` by the server on `port`, the `allowed` hosts by themselves, and nobody else.

    `refuse` is told, once, of each host that was refused.
    """

    def __init__(
        self, host: str, port: int, allowed: Collection[str], refuse: Callable[[str], None]
    ) -> None:
        self.host = host
        self._port = port
        self.allowed = {name.lower() for name in allowed}
        self._refuse = refuse
        self._refused: set[str] = set()
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    @property
    def url(self) -> str:
        """What programs are told as their proxy."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LARGEST_HEAD)

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
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            del self._open[writer]
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            head = b""
        asked = read_request(head)
        if asked is None:
            await _say(writer, "400 Bad Request", "this is a proxy: ask it for a host\n")
        elif asked.host == self.host and asked.method != "CONNECT":
            where = f"Location: https://{self.host}{asked.path}\r\n"
            await _say(writer, "308 Permanent Redirect", "", where)
        elif asked.host == self.host and asked.port == _HTTPS:
            await self._connect(reader, writer, ("127.0.0.1", self._port), _ESTABLISHED, b"")
        elif asked.host in self.allowed:
            await self._pass_on(reader, writer, asked, head)
        else:
            await self._turn_away(writer, asked)

    async def _turn_away(self, writer: asyncio.StreamWriter, asked: Asked) -> None:
        said = (
            f"refused {asked.host}:{asked.port}: only {self.host} is served here; "
            f"allow it with --allow-host {asked.host}"
        )
        if asked.host not in self._refused:
            self._refused.add(asked.host)
            self._refuse(said)
        await _say(writer, "403 Forbidden", f"nemolocal exec {said}\n")

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        asked: Asked,
        head: bytes,
    ) -> None:
        """A tunnel, or one request, to the host itself."""
        place = (asked.host, asked.port)
        if asked.method == "CONNECT":
            await self._connect(reader, writer, place, _ESTABLISHED, b"")
            return
        line, _, fields = head.partition(b"\r\n")
        version = line.rpartition(b" ")[2]
        first = b" ".join((asked.method.encode(), asked.path.encode("latin-1"), version))
        # One request a connection: the next one may be for another host.
        fields = b"Connection: close\r\n" + _PER_CONNECTION.sub(b"", fields)
        await self._connect(reader, writer, place, b"", first + b"\r\n" + fields)

    async def _connect(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        place: tuple[str, int],
        answer: bytes,
        sent: bytes,
    ) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*place)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            await _say(writer, "502 Bad Gateway", f"{place[0]}:{place[1]}: {reason}\n")
            return
        writer.write(answer)
        far_writer.write(sent)
        with contextlib.closing(far_writer):
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything that comes, until it ends; the other direction may go on."""
    with contextlib.suppress(OSError):
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


async def _say(writer: asyncio.StreamWriter, status: str, text: str, fields: str = "") -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
    writer.write(f"{head}{fields}Connection: close\r\n\r\n{text}".encode())
    await writer.drain()
