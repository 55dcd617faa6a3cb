"""One HTTP connection of the proxy, which passes frames and broken connections on as they are."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import h11
import httpx

from .proxy_messages import ConnectionBroken, InterceptedRequest, InterceptedResponse

_CHUNK = 65_536
# Longer bodies are streamed.
_HELD = 8_000_000


class H11Connection:
    """One HTTP connection."""

    def __init__(
        self, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._http, self._reader, self.writer = http, reader, writer

    async def read_request(self) -> InterceptedRequest | None:
        """Return the next request, None if the client has closed."""
        event = await self._next()
        if not isinstance(event, h11.Request):
            return None
        path, _, query = event.target.decode().partition("?")
        headers = httpx.Headers(event.headers.raw_items())
        target = self.writer.get_extra_info("peername")[1]
        request = InterceptedRequest(event.method.decode(), path, query, headers, None, target)
        if int(headers.get("Content-Length", 0)) > _HELD:
            request.body_stream = self._data()
        else:
            request.body = b"".join([part async for part in self._data()])
        return request

    async def exchange(self, request: InterceptedRequest) -> InterceptedResponse:
        """Send a request and return the response: complete, or for a stream its head."""
        target = request.path + (f"?{request.query}" if request.query else "")
        headers = [(n, v) for n, v in request.headers.raw if n.lower() != b"transfer-encoding"]
        if request.body is not None:
            headers = [(n, v) for n, v in headers if n.lower() != b"content-length"]
            headers.append((b"content-length", b"%d" % len(request.body)))
        await self._send(h11.Request(method=request.method, target=target, headers=headers))
        sending = asyncio.ensure_future(self._send_body(request))
        try:
            return await self._read_response()
        finally:
            sending.cancel()
            await asyncio.wait({sending})
            # A server may reject a request before it has read the body, and close.
            sending.cancelled() or sending.exception()

    async def _send_body(self, request: InterceptedRequest) -> None:
        if request.body is not None:
            await self._send(h11.Data(data=request.body))
        elif request.body_stream is not None:
            async for part in request.body_stream:
                await self._send(h11.Data(data=part))
        await self._send(h11.EndOfMessage())

    async def _read_response(self) -> InterceptedResponse:
        event = await self._next()
        if not isinstance(event, h11.Response):
            raise ConnectionBroken
        reply = InterceptedResponse(event.status_code, httpx.Headers(event.headers.raw_items()))
        if reply.headers.get("Content-Type", "").startswith("text/event-stream"):
            reply.frames = _frames(self._data())
            return reply
        try:
            async for part in self._data():
                reply.body += part
        except ConnectionBroken:
            reply.is_cut = True
        return reply

    async def send_response(self, response: InterceptedResponse) -> None:
        """Send a response; a cut one ends without its end."""
        if response.send is not None and not response.is_cut:
            await response.send(response, self._write)
            return
        dropped = (
            (b"transfer-encoding",)
            if response.is_cut
            else (b"transfer-encoding", b"content-length")
        )
        headers = [(n, v) for n, v in response.headers.raw if n.lower() not in dropped]
        if response.frames is None and not response.is_cut:
            headers.append((b"content-length", b"%d" % len(response.body)))
        await self._send(h11.Response(status_code=response.status, headers=headers))
        await self._send(h11.Data(data=response.body))
        if response.frames is not None:
            async for frame in response.frames:
                await self._send(h11.Data(data=frame))
        if response.is_cut:
            raise ConnectionBroken
        await self._send(h11.EndOfMessage())

    async def run_until_disconnect(self, replying: Any) -> None:
        """Run until the client disconnects."""
        reply, gone = (
            asyncio.ensure_future(replying),
            asyncio.ensure_future(self._wait_for_disconnect()),
        )
        await asyncio.wait({reply, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in (reply, gone):
            if not task.done():
                task.cancel()
        await asyncio.wait({reply, gone})
        if reply.cancelled():
            raise ConnectionBroken
        reply.result()

    async def _wait_for_disconnect(self) -> None:
        # Clients do not pipeline: whatever is read means the end.
        if self._http.their_state is h11.DONE:
            with contextlib.suppress(ConnectionError):
                await self._reader.read(1)
        else:
            await asyncio.Event().wait()

    def start_next_cycle(self) -> bool:
        """Whether another request may follow on this connection."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            return True
        return False

    async def _data(self) -> AsyncIterator[bytes]:
        while not isinstance(event := await self._next(), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise ConnectionBroken
            yield bytes(event.data)

    async def _next(self) -> Any:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(_CHUNK))
        except h11.RemoteProtocolError:
            raise ConnectionBroken from None
        return event

    async def _send(self, event: Any) -> None:
        await self._write(self._http.send(event) or b"")

    async def _write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


async def _frames(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held = b""
    async for part in parts:
        *whole, held = (held + part).split(b"\n\n")
        for frame in whole:
            yield frame + b"\n\n"
    if held:
        yield held
