"""The protocol for httptools, which has no limits of its own."""

import re
from http import HTTPStatus
from typing import NoReturn

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .connection_limits import BoundedConnection
from .uvicorn_protocols import CuttableConnection

_ABSOLUTE_URL = re.compile(rb"(?i:https?)://([^/?#]*)")


class StopParsing(Exception):
    """Raised in a callback to stop the parser."""


class CuttableHttpToolsProtocol(CuttableConnection, BoundedConnection, HttpToolsProtocol):
    """Checks the headers when they are complete, and limits the bytes that give no progress.

    The parser buffers an incomplete header. It reports complete ones, also trailers of a chunked
    body, but nothing about an incomplete chunk header.
    """

    url = b""
    _status = HTTPStatus.BAD_REQUEST
    _unparsed_bytes = 0
    _has_progress = False
    _chunks = _chunk_bytes = 0

    def data_received(self, data: bytes) -> None:
        self._has_progress = False
        super().data_received(data)
        self._unparsed_bytes = 0 if self._has_progress else self._unparsed_bytes + len(data)
        if self._unparsed_bytes > self.limits.head_bytes:
            self._refuse(self._too_large())

    def on_message_begin(self) -> None:
        self._begin()
        self._unparsed_bytes = self._chunks = self._chunk_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._has_progress = True
        limits, headers = self.limits, self.headers
        size = len(self.url)
        for name, value in headers:
            size += len(name) + len(value)
        large = size > limits.head_bytes or len(self.url) > limits.url_bytes
        if large or len(headers) > limits.headers:
            self._stop(self._too_large())
        if len(self.pipeline) >= limits.pipelined:
            self._stop(HTTPStatus.BAD_REQUEST)
        if not self.url.startswith((b"/", b"*")):
            self._take_host_of_url()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._has_progress = True
        self._chunks += 1
        self._chunk_bytes += len(body)
        # Megabytes of the smallest chunks are parsed at once and would hold up the event loop.
        limits = self.limits
        if self._chunks > limits.chunks and self._chunk_bytes < self._chunks * limits.chunk_bytes:
            self._stop(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._has_progress = True
        self._awaited = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # Answer pipelined requests before more of them are read.
        if self.pipeline:
            self.flow.pause_reading()

    def _take_host_of_url(self) -> None:
        """Replace the header `Host` by the host of an absolute URL (RFC 9112, 3.2.2).

        Otherwise a request for another host would be served under the name in its header.
        """
        found = _ABSOLUTE_URL.match(self.url)
        if found is None:
            self._stop(HTTPStatus.BAD_REQUEST)
        others = [header for header in self.headers if header[0] != b"host"]
        self.headers[:] = [(b"host", found[1]), *others]

    def _too_large(self) -> HTTPStatus:
        if len(self.url) > self.limits.url_bytes:
            return HTTPStatus.REQUEST_URI_TOO_LONG
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

    def _stop(self, status: HTTPStatus) -> NoReturn:
        self._status = status
        raise StopParsing(status.phrase)

    def _refusal(self) -> HTTPStatus:
        return self._status
