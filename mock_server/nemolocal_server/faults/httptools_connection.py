"""The connection where httptools is installed, which has no limits of its own."""

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..connection_limits import BoundedConnection
from .connections import Reachable


class TooMuch(Exception):
    """Raised to stop the parser in the middle of what it reads."""


class ReachableHttpTools(Reachable, BoundedConnection, HttpToolsProtocol):
    """Counts what is kept of a head, and what was read without anything to show for it.

    The parser keeps an unfinished header, and hands over finished ones, trailers of a chunked body
    among them; what has come of a chunk's head it forgets.
    """

    _status = HTTPStatus.BAD_REQUEST
    _head = 0
    _fields = 0
    _vain = 0
    _moved = False

    def data_received(self, data: bytes) -> None:
        self._moved = False
        super().data_received(data)
        self._vain = 0 if self._moved else self._vain + len(data)
        if self._vain > self.limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._begin()
        self._head = self._fields = self._vain = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.limits.url_bytes:
            self._stop(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        self._head += len(name) + len(value)
        if self._fields > self.limits.headers or self._head > self.limits.head_bytes:
            self._stop(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._moved = True
        if len(self.pipeline) >= self.limits.pipelined:
            self._stop(HTTPStatus.BAD_REQUEST)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._moved = True
        self._awaited = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # What was sent ahead is answered before more of it is read.
        if self.pipeline:
            self.flow.pause_reading()

    def _stop(self, status: HTTPStatus) -> None:
        self._status = status
        raise TooMuch(status.phrase)

    def _refusal(self) -> HTTPStatus:
        return self._status
