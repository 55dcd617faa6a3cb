"""Reads responses from bytes that were already passed on, for the exchanges that wait for them."""

from collections import deque

import h11

from .exchange_recorder import ExchangeRecorder, RawHeaders
from .record_lines import ExchangeEnding

_MAX_HEAD_BYTES = 256 * 1024
_UPGRADED = 101


class ResponseTap:
    """Follows one connection to a server: its responses belong to requests in their order."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[ExchangeRecorder, h11.Connection]] = deque()
        self.is_upgraded = False
        self._is_readable = True

    @property
    def is_idle(self) -> bool:
        """Whether every request has its response."""
        return not self._waiting

    def expect(self, exchange: ExchangeRecorder, headers: RawHeaders) -> None:
        """Expect the response to a request that was forwarded."""
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
        kept = [pair for pair in headers if pair[0].lower() in (b"upgrade", b"connection")]
        parser.send(
            h11.Request(method=exchange.method, target="/", headers=[(b"Host", b"x"), *kept])
        )
        parser.send(h11.EndOfMessage())
        self._waiting.append((exchange, parser))

    def feed(self, data: bytes, at: float) -> None:
        """Take bytes that came from the server at a time; b"" at the end of the connection."""
        while self._waiting and self._is_readable and not self.is_upgraded:
            exchange, parser = self._waiting[0]
            try:
                parser.receive_data(data)
                is_complete = self._read(exchange, parser, at, at_end=not data)
            except h11.RemoteProtocolError:
                self._is_readable = bool(not data)
                if self._is_readable:  # The connection ended in the middle of a response.
                    return
                exchange.end("unreadable")
                return
            if not is_complete:
                return
            data = parser.trailing_data[0]
            self._waiting.popleft()
            if not data:
                return

    def end(self, ending: ExchangeEnding) -> None:
        """End the exchanges that have no complete response."""
        while self._waiting:
            exchange, _ = self._waiting.popleft()
            exchange.end("upgraded" if self.is_upgraded else ending)

    def _read(
        self, exchange: ExchangeRecorder, parser: h11.Connection, at: float, *, at_end: bool
    ) -> bool:
        """Read all events that there are; return whether the response is complete."""
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return False
            if isinstance(event, h11.InformationalResponse):
                self.is_upgraded = event.status_code == _UPGRADED
                if self.is_upgraded:
                    exchange.respond(event.status_code, event.headers.raw_items(), at)
                    return False
            elif isinstance(event, h11.Response):
                exchange.respond(event.status_code, event.headers.raw_items(), at)
            elif isinstance(event, h11.Data):
                exchange.receive(bytes(event.data), at)
            else:  # The end of the message, or of the connection without one.
                if isinstance(event, h11.EndOfMessage):
                    exchange.end("fin" if at_end else "clean", at)
                return isinstance(event, h11.EndOfMessage)
