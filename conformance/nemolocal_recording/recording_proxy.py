"""Forwards the connections of a client to a server, and records what passes.

Responses are passed on byte by byte and before they are looked at. Of a request only the header
`Host` is changed, to the name of the real server. A connection ends for the client as it does for
the recorder: with a FIN or a reset. Nothing is ever sent twice.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any

import h11
import msgspec

from nemolocal_contract.responses import ResponseCode, encode_json, failure

from .exchange_recorder import ExchangeRecorder, RecordingSession
from .record_lines import ExchangeEnding
from .response_tap import ResponseTap
from .spending_limit import Limit, SpendingLimit

_BLOCK = 64 * 1024
_MAX_HEAD_BYTES = 256 * 1024
# Linger on for 0 seconds: the peer receives a reset.
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Upstream(msgspec.Struct, frozen=True):
    """A server to forward to; `name` is the value of `Host`, and of the TLS server name."""

    host: str
    port: int
    name: str
    tls: ssl.SSLContext | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection; raises OSError."""
        if self.tls is None:
            return await asyncio.open_connection(self.host, self.port, limit=_BLOCK)
        return await asyncio.open_connection(
            self.host, self.port, ssl=self.tls, server_hostname=self.host, limit=_BLOCK
        )


class ProxySettings(msgspec.Struct, frozen=True):
    """Where requests go: by the host that they name, or else to `default`.

    `on_request` is called with the connection of each request.
    """

    default: Upstream
    others: Mapping[str, Upstream]
    limit: SpendingLimit
    print_line: Callable[[str], None]
    on_request: Callable[[object], None] = lambda _: None

    def upstream_of(self, host: str) -> Upstream:
        """Return the server for the value of a `Host` header."""
        return self.others.get(host.rpartition(":")[0] or host, self.default)


class RecordingProxy:
    """Serves connections; `serve` is the callback of an asyncio server."""

    def __init__(self, settings: ProxySettings, session: RecordingSession) -> None:
        self._settings = settings
        self._session = session
        self._has_told_costs = False
        self._told: set[str] = set()
        self._open: dict[_Connection, asyncio.Task[None] | None] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection of a client to its end."""
        connection = _Connection(self, reader, writer)
        self._open[connection] = asyncio.current_task()
        try:
            with contextlib.suppress(OSError):
                await connection.run()
        finally:
            del self._open[connection]
            connection.close()

    async def close(self) -> None:
        """End all connections."""
        tasks = [task for task in self._open.values() if task is not None]
        for connection in self._open:
            connection.stop()
        if tasks:
            await asyncio.wait(tasks)

    @property
    def settings(self) -> ProxySettings:
        """Where requests go."""
        return self._settings

    @property
    def session(self) -> RecordingSession:
        """What is recorded."""
        return self._session

    def admit(self, endpoint: str | None) -> Limit | None:
        """Count a call; tell the costs before the first paid one."""
        if endpoint in ("chat", "render") and not self._has_told_costs:
            self._has_told_costs = True
            self._settings.print_line(self._settings.limit.cost_message)
        return self._settings.limit.admit(endpoint)

    def tell_once(self, line: str) -> None:
        """Print a line that was not printed before."""
        if line not in self._told:
            self._told.add(line)
            self._settings.print_line(line)


class _ServerGone(Exception):
    """The server has closed the connection while a request was being sent."""


class _Connection:
    """One connection of a client, and the one to the server."""

    def __init__(
        self, proxy: RecordingProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._reader, self._writer = reader, writer
        self._far: asyncio.StreamWriter | None = None
        self._upstream: Upstream | None = None
        self._tap = ResponseTap()
        self._receiving: asyncio.Task[None] | None = None
        self._sending: asyncio.Task[None] | None = None
        # How an exchange ends that the server does not complete.
        self._own_ending: ExchangeEnding = "fin"
        self._fed = asyncio.Event()

    async def run(self) -> None:
        """Forward requests until the client or the server ends the connection."""
        self._sending = asyncio.ensure_future(self._send())
        await asyncio.wait((self._sending,))
        if self._receiving is not None:
            await asyncio.wait((self._receiving,))
        self._record(self._tap.end, self._own_ending)
        for task in (self._sending, self._receiving):
            if task is not None and not task.cancelled():
                task.result()

    def stop(self) -> None:
        """End the connection, since the recording ends."""
        if self._own_ending == "fin":
            self._own_ending = "recorder"
        for task in (self._sending, self._receiving):
            if task is not None:
                task.cancel()

    def close(self) -> None:
        """Close both connections."""
        self._writer.close()
        if self._far is not None:
            self._far.close()

    async def _send(self) -> None:
        """Forward requests, one after another."""
        rest = b""
        try:
            while True:
                event, parser = await self._read_head(rest)
                if event is None:
                    break
                if not await self._forward(event, parser):
                    self._end_far()
                    return
                rest = parser.trailing_data[0]
                if b"upgrade" in dict(event.headers) and await self._is_upgraded():
                    await self._copy_raw(rest)
                    break
        except _ServerGone:
            return  # The receiving side sees how.
        except ConnectionResetError:
            self._own_ending = "client"
            if self._far is not None:
                _reset(self._far)
            return
        except h11.RemoteProtocolError:
            await self._answer(400, ResponseCode.BAD_REQUEST, "nemolocal record: invalid HTTP")
            self._end_far()
            return
        self._own_ending = "client"
        self._end_far()

    async def _read_head(self, rest: bytes) -> tuple[h11.Request | None, h11.Connection]:
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        if rest:
            parser.receive_data(rest)
        event = await self._next(parser)
        return (event if isinstance(event, h11.Request) else None), parser

    async def _next(self, parser: h11.Connection) -> object:
        while (event := parser.next_event()) is h11.NEED_DATA:
            parser.receive_data(await self._reader.read(_BLOCK))
        return event

    async def _forward(self, request: h11.Request, parser: h11.Connection) -> bool:
        """Forward one request; return whether the connection can take another one."""
        headers = request.headers.raw_items()
        method, target = request.method.decode("ascii"), request.target.decode("latin-1")
        self._proxy.settings.on_request(self)
        exchange = self._proxy.session.begin(method, target, headers)
        self._record(exchange.write_request)
        if (limit := self._proxy.admit(exchange.endpoint)) is not None:
            exchange.refuse(limit)
            await self._refuse(limit, parser)
            return False
        host = dict(request.headers).get(b"host", b"").decode("latin-1").lower()
        if request.http_version != b"1.1":
            exchange.end("unreadable")
            message = "nemolocal record speaks HTTP/1.1 only"
            await self._answer(505, ResponseCode.BAD_REQUEST, message)
            return False
        upstream = await self._connect(host, exchange)
        if upstream is None:
            return False
        out = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
        name = upstream.name.encode()
        renamed = [(key, name if key.lower() == b"host" else value) for key, value in headers]
        head = h11.Request(method=request.method, target=request.target, headers=renamed)
        self._tap.expect(exchange, headers)
        await self._write_far(out.send(head) or b"")
        await self._forward_body(exchange, parser, out)
        return True

    async def _forward_body(
        self,
        exchange: ExchangeRecorder,
        parser: h11.Connection,
        out: h11.Connection,
    ) -> None:
        while True:
            event = await self._next(parser)
            if isinstance(event, h11.Data):
                await self._write_far(out.send(event) or b"")
                self._record(exchange.send, bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                await self._write_far(out.send(event) or b"")
                self._record(exchange.end_request)
                return
            else:
                raise ConnectionResetError("the client ended its request early")

    async def _connect(self, host: str, exchange: ExchangeRecorder) -> Upstream | None:
        """Connect to the server, once; return None, after a reset, if there is none."""
        if self._upstream is not None:
            return self._upstream
        upstream = self._proxy.settings.upstream_of(host)
        try:
            far_reader, self._far = await upstream.connect()
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            self._proxy.tell_once(f"cannot reach {upstream.name}: {reason}")
            exchange.end("unreachable")
            _reset(self._writer)
            return None
        self._upstream = upstream
        self._receiving = asyncio.ensure_future(self._receive(far_reader))
        self._receiving.add_done_callback(lambda _: self._fed.set())
        return upstream

    async def _receive(self, far: asyncio.StreamReader) -> None:
        """Pass on what the server sends, each block before it is recorded."""
        try:
            while block := await far.read(_BLOCK):
                at = self._proxy.session.now()
                try:
                    self._writer.write(block)
                    await self._writer.drain()
                except OSError:
                    self._end_for_client()
                    return
                self._feed(block, at)
        except OSError:
            ending = "rst" if self._own_ending == "fin" else self._own_ending
            self._record(self._tap.end, ending)
            _reset(self._writer)
            return
        self._feed(b"", self._proxy.session.now())
        self._record(self._tap.end, self._own_ending)
        self._writer.close()

    def _feed(self, block: bytes, at: float) -> None:
        self._record(self._tap.feed, block, at)
        self._fed.set()

    def _record(self, work: Callable[..., None], *arguments: object) -> None:
        """Record something; the client gets its bytes whatever the recorder makes of them."""
        try:
            work(*arguments)
        except Exception as error:
            kind = type(error).__name__
            self._proxy.tell_once(f"an exchange could not be recorded completely: {kind}")

    def _end_for_client(self) -> None:
        """The client is gone: the server learns it as it would without a recorder."""
        self._own_ending = "client"
        self._record(self._tap.end, "client")
        if self._far is not None:
            _reset(self._far)

    def _end_far(self) -> None:
        """Tell the server that the client has sent everything."""
        if self._far is None:
            return
        if self._far.can_write_eof():
            with contextlib.suppress(OSError):
                self._far.write_eof()
        else:
            self._far.close()

    async def _is_upgraded(self) -> bool:
        """Wait for the response; return whether another protocol follows."""
        assert self._receiving is not None
        while not (self._tap.is_idle or self._tap.is_upgraded or self._receiving.done()):
            self._fed.clear()
            await self._fed.wait()
        return self._tap.is_upgraded

    async def _write_far(self, data: bytes) -> None:
        assert self._far is not None
        try:
            self._far.write(data)
            await self._far.drain()
        except OSError as error:
            raise _ServerGone from error

    async def _copy_raw(self, rest: bytes) -> None:
        """Copy bytes of another protocol."""
        while rest or (rest := await self._reader.read(_BLOCK)):
            await self._write_far(rest)
            rest = b""

    async def _refuse(self, limit: Limit, parser: h11.Connection) -> None:
        """Answer a call that a limit forbids, after its body has been read."""
        while isinstance(await self._next(parser), h11.Data):
            pass
        option = f"--max-{limit}"
        message = f"nemolocal record: {option} is reached; the call was not forwarded"
        self._proxy.tell_once(f"{option} is reached: further calls are refused here")
        await self._answer(429, ResponseCode.RATE_LIMITED, message)

    async def _answer(self, status: int, code: ResponseCode, message: str) -> None:
        body = encode_json(failure(code, message))
        head = (
            f"HTTP/1.1 {status} nemolocal record\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        with contextlib.suppress(OSError):
            await self._writer.drain()
        self._writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Reset a connection."""
    made: Any = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    writer.transport.abort()
