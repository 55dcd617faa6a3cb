"""HTTP with httpx, async: what `transport` does; files are read and written beside the loop."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx

from .effects import (
    Call,
    Chunk,
    Download,
    Downloaded,
    Notice,
    OpenStream,
    Reply,
    StreamCut,
    StreamEnd,
)
from .errors import CannotConnect
from .exchange import (
    BROKEN,
    Body,
    Peer,
    call_request,
    download_request,
    find_lost,
    http_options,
    is_stream,
    origin_of,
    our_errors,
    peer_of,
    stream_request,
    upload_meter,
    usable_environment,
)
from .receiving import is_file, receive_beside_the_loop
from .sending import UploadMeter
from .threads import in_thread

# A thread is asked for this much of an upload at once.
_BLOCK = 1 << 18

Tell = Callable[[Notice], Awaitable[None]]


class AsyncTransport:
    """The connections of one client to one base URL; `headers` go on every request (CLI-1)."""

    def __init__(self, base_url: str, headers: dict[str, str]) -> None:
        with usable_environment():
            self._http = httpx.AsyncClient(**http_options(base_url, headers))
        self._origin = origin_of(base_url)
        self._peer: Peer | None = None

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def call(self, call: Call, tell: Tell) -> Reply:
        """A whole reply; files are read from disk while they are sent."""
        meter = upload_meter(call)
        with our_errors(), contextlib.ExitStack() as open_files:
            request = call_request(self._http, call, meter, open_files)
            if call.files:
                request.stream = _Upload(request.stream, meter, tell)
            return await _read_out(await self._send(request))

    async def open_stream(self, call: OpenStream) -> "AsyncStream | Reply":
        """Start a stream, or the whole reply where there is none."""
        with our_errors():
            response = await self._send(stream_request(self._http, call))
            return AsyncStream(response) if is_stream(response) else await _read_out(response)

    async def check(self) -> CannotConnect | None:
        """How the server that answered last is gone; None where it listens."""
        return await in_thread(find_lost, self._peer, self._origin)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        response = await self._http.send(request, stream=True)
        self._peer = peer_of(response) or self._peer
        return response

    async def download(self, asked: Download, tell: Tell) -> Downloaded | Reply:
        """The body of a file reply into the part file, as far as it comes."""
        with our_errors():
            request = download_request(self._http, asked)
            response = await self._http.send(request, stream=True, follow_redirects=True)
            if not is_file(response, asked.offset):
                return await _read_out(response)
            async with contextlib.aclosing(response):
                return await receive_beside_the_loop(response, asked, tell)


class AsyncStream:
    """An open stream of one turn."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._chunks: AsyncIterator[bytes] = response.aiter_bytes()

    async def read(self) -> Chunk | StreamEnd | StreamCut:
        """The next bytes; a clean end and a cut are two things (SSE-4)."""
        try:
            chunk = await anext(self._chunks, None)
        except BROKEN:
            return StreamCut()
        return StreamEnd() if chunk is None else Chunk(chunk)

    async def close(self) -> None:
        """Hang up."""
        await self._response.aclose()


class _Upload(httpx.AsyncByteStream):
    """The body of an upload, taken from disk by a thread, a block at a time."""

    def __init__(self, body: object, meter: UploadMeter, tell: Tell) -> None:
        assert isinstance(body, httpx.SyncByteStream)  # httpx's multipart body is both kinds
        self._body = body
        self._meter = meter
        self._tell = tell

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self._body)
        while block := await in_thread(_take, chunks):
            yield block
            await self._tell(self._meter.notice())


def _take(chunks: Iterator[bytes]) -> bytes:
    block = bytearray()
    for chunk in chunks:
        block += chunk
        if len(block) >= _BLOCK:
            break
    return bytes(block)


async def _read_out(response: httpx.Response) -> Reply:
    async with contextlib.aclosing(response):
        body = Body()
        async for chunk in response.aiter_bytes():
            body.add(chunk)
        return body.reply(response)
