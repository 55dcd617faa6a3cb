"""HTTP with httpx, sync and async: calls, streams and downloads.

The async transport reads and writes files in threads.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx

from .errors import CannotConnect
from .file_transfer import (
    UploadProgress,
    is_file_response,
    receive_file,
    receive_file_async,
    run_in_thread,
)
from .httpx_adapter import (
    BODY_ERRORS,
    ResponseBody,
    SocketAddress,
    build_call_request,
    build_download_request,
    build_stream_request,
    httpx_client_options,
    is_event_stream,
    origin_of,
    probe_server,
    server_address,
    start_upload_progress,
    translate_environment_errors,
    translate_httpx_errors,
)
from .operations import (
    DownloadFile,
    DownloadResult,
    HttpCall,
    HttpResponse,
    Notice,
    Notify,
    OpenStream,
    StreamChunk,
    StreamCut,
    StreamEnd,
)

# Bytes of an upload that a thread reads at once.
_BLOCK = 1 << 18
SendNotice = Callable[[Notice], Awaitable[None]]


class Transport:
    """The connections of one client to one base URL; `headers` go on each request (CLI-1)."""

    def __init__(self, base_url: str, headers: dict[str, str], notify: Notify) -> None:
        self._notify = notify
        with translate_environment_errors():
            self._http = httpx.Client(**httpx_client_options(base_url, headers))
        self._origin = origin_of(base_url)
        self._server_address: SocketAddress | None = None

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def call(self, call: HttpCall) -> HttpResponse:
        """Make a call; files are read from disk while they are sent."""
        progress = start_upload_progress(call)
        progress.subscribe(self._notify)
        with translate_httpx_errors(), contextlib.ExitStack() as open_files:
            request = build_call_request(self._http, call, progress, open_files)
            return _read_response(self._send(request))

    def open_stream(self, call: OpenStream) -> "Stream | HttpResponse":
        """Start a stream; return the complete response if it is not one."""
        with translate_httpx_errors():
            response = self._send(build_stream_request(self._http, call))
            return Stream(response) if is_event_stream(response) else _read_response(response)

    def check_server(self) -> CannotConnect | None:
        """Return None if the server of the last response still listens, else the error."""
        return probe_server(self._server_address, self._origin)

    def _send(self, request: httpx.Request) -> httpx.Response:
        response = self._http.send(request, stream=True)
        self._server_address = server_address(response) or self._server_address
        return response

    def download(self, operation: DownloadFile) -> DownloadResult | HttpResponse:
        """Write the body of a response into the part file, as far as it arrives."""
        with translate_httpx_errors():
            request = build_download_request(self._http, operation)
            response = self._http.send(request, stream=True, follow_redirects=True)
            if not is_file_response(response, operation.offset):
                return _read_response(response)
            with contextlib.closing(response):
                return receive_file(response, operation, self._notify)


class Stream:
    """An open stream of one turn."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._chunks: Iterator[bytes] = response.iter_bytes()

    def read(self) -> StreamChunk | StreamEnd | StreamCut:
        """Read the next bytes; a clean end and a lost connection differ (SSE-4)."""
        try:
            chunk = next(self._chunks, None)
        except BODY_ERRORS:
            return StreamCut()
        return StreamEnd() if chunk is None else StreamChunk(chunk)

    def close(self) -> None:
        """Close the connection."""
        self._response.close()


def _read_response(response: httpx.Response) -> HttpResponse:
    with contextlib.closing(response):
        body = ResponseBody()
        for chunk in response.iter_bytes():
            body.feed(chunk)
        return body.to_response(response)


class AsyncTransport:
    """The connections of one client to one base URL; `headers` go on each request (CLI-1)."""

    def __init__(self, base_url: str, headers: dict[str, str]) -> None:
        with translate_environment_errors():
            self._http = httpx.AsyncClient(**httpx_client_options(base_url, headers))
        self._origin = origin_of(base_url)
        self._server_address: SocketAddress | None = None

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def call(self, call: HttpCall, send_notice: SendNotice) -> HttpResponse:
        """Make a call; files are read from disk while they are sent."""
        progress = start_upload_progress(call)
        with translate_httpx_errors(), contextlib.ExitStack() as open_files:
            request = build_call_request(self._http, call, progress, open_files)
            if call.files:
                request.stream = _UploadBody(request.stream, progress, send_notice)
            return await _read_response_async(await self._send(request))

    async def open_stream(self, call: OpenStream) -> "AsyncStream | HttpResponse":
        """Start a stream; return the complete response if it is not one."""
        with translate_httpx_errors():
            response = await self._send(build_stream_request(self._http, call))
            return (
                AsyncStream(response)
                if is_event_stream(response)
                else await _read_response_async(response)
            )

    async def check_server(self) -> CannotConnect | None:
        """Return None if the server of the last response still listens, else the error."""
        return await run_in_thread(probe_server, self._server_address, self._origin)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        response = await self._http.send(request, stream=True)
        self._server_address = server_address(response) or self._server_address
        return response

    async def download(
        self, operation: DownloadFile, send_notice: SendNotice
    ) -> DownloadResult | HttpResponse:
        """Write the body of a response into the part file, as far as it arrives."""
        with translate_httpx_errors():
            request = build_download_request(self._http, operation)
            response = await self._http.send(request, stream=True, follow_redirects=True)
            if not is_file_response(response, operation.offset):
                return await _read_response_async(response)
            async with contextlib.aclosing(response):
                return await receive_file_async(response, operation, send_notice)


class AsyncStream:
    """An open stream of one turn."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._chunks: AsyncIterator[bytes] = response.aiter_bytes()

    async def read(self) -> StreamChunk | StreamEnd | StreamCut:
        """Read the next bytes; a clean end and a lost connection differ (SSE-4)."""
        try:
            chunk = await anext(self._chunks, None)
        except BODY_ERRORS:
            return StreamCut()
        return StreamEnd() if chunk is None else StreamChunk(chunk)

    async def close(self) -> None:
        """Close the connection."""
        await self._response.aclose()


class _UploadBody(httpx.AsyncByteStream):
    """The body of an upload, read from disk in a thread, one block at a time."""

    def __init__(self, body: object, progress: UploadProgress, send_notice: SendNotice) -> None:
        assert isinstance(body, httpx.SyncByteStream)  # httpx's multipart body is both kinds
        self._body = body
        self._progress = progress
        self._send_notice = send_notice

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self._body)
        while block := await run_in_thread(_read_block, chunks):
            yield block
            await self._send_notice(self._progress.notice())


def _read_block(chunks: Iterator[bytes]) -> bytes:
    block = bytearray()
    for chunk in chunks:
        block += chunk
        if len(block) >= _BLOCK:
            break
    return bytes(block)


async def _read_response_async(response: httpx.Response) -> HttpResponse:
    async with contextlib.aclosing(response):
        body = ResponseBody()
        async for chunk in response.aiter_bytes():
            body.feed(chunk)
        return body.to_response(response)
