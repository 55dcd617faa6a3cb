"""HTTP with httpx, sync: whole replies, streams, and files."""

import contextlib
from collections.abc import Iterator

import httpx

from .effects import (
    Call,
    Chunk,
    Download,
    Downloaded,
    Notify,
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
from .receiving import is_file, receive


class Transport:
    """The connections of one client to one base URL; `headers` go on every request (CLI-1)."""

    def __init__(self, base_url: str, headers: dict[str, str], notify: Notify) -> None:
        self._notify = notify
        with usable_environment():
            self._http = httpx.Client(**http_options(base_url, headers))
        self._origin = origin_of(base_url)
        self._peer: Peer | None = None

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def call(self, call: Call) -> Reply:
        """A whole reply; files are read from disk while they are sent."""
        meter = upload_meter(call)
        meter.watch(self._notify)
        with our_errors(), contextlib.ExitStack() as open_files:
            request = call_request(self._http, call, meter, open_files)
            return _read_out(self._send(request))

    def open_stream(self, call: OpenStream) -> "Stream | Reply":
        """Start a stream, or the whole reply where there is none."""
        with our_errors():
            response = self._send(stream_request(self._http, call))
            return Stream(response) if is_stream(response) else _read_out(response)

    def check(self) -> CannotConnect | None:
        """How the server that answered last is gone; None where it listens."""
        return find_lost(self._peer, self._origin)

    def _send(self, request: httpx.Request) -> httpx.Response:
        response = self._http.send(request, stream=True)
        self._peer = peer_of(response) or self._peer
        return response

    def download(self, asked: Download) -> Downloaded | Reply:
        """The body of a file reply into the part file, as far as it comes."""
        with our_errors():
            request = download_request(self._http, asked)
            response = self._http.send(request, stream=True, follow_redirects=True)
            if not is_file(response, asked.offset):
                return _read_out(response)
            with contextlib.closing(response):
                return receive(response, asked, self._notify)


class Stream:
    """An open stream of one turn."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._chunks: Iterator[bytes] = response.iter_bytes()

    def read(self) -> Chunk | StreamEnd | StreamCut:
        """The next bytes; a clean end and a cut are two things (SSE-4)."""
        try:
            chunk = next(self._chunks, None)
        except BROKEN:
            return StreamCut()
        return StreamEnd() if chunk is None else Chunk(chunk)

    def close(self) -> None:
        """Hang up."""
        self._response.close()


def _read_out(response: httpx.Response) -> Reply:
    with contextlib.closing(response):
        body = Body()
        for chunk in response.iter_bytes():
            body.add(chunk)
        return body.reply(response)
