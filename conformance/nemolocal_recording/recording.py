"""A recording as exchanges, put together from its lines."""

from collections.abc import Iterable
from typing import Any

import msgspec

from .record_lines import (
    ChunkLine,
    EndLine,
    ExchangeEnding,
    Header,
    RecordLine,
    RefusalLine,
    RequestBodyLine,
    RequestLine,
    ResponseBodyLine,
    ResponseLine,
)


class StreamFrame(msgspec.Struct, frozen=True):
    """A frame of an event stream: when it was complete, and its redacted data."""

    at: float
    data: dict[str, Any]

    @property
    def json(self) -> Any:
        """The JSON of the frame, or None."""
        return self.data.get("json")

    @property
    def is_empty(self) -> bool:
        """Whether it is an empty data line: a heartbeat."""
        return self.data.get("data") == ""


class ExchangeRecord(msgspec.Struct):
    """One exchange of a recording; what a killed recorder did not write is None or empty.

    `ending` is None for an exchange that has no end in the file.
    """

    request: RequestLine
    request_body: RequestBodyLine | None = None
    response: ResponseLine | None = None
    response_body: ResponseBodyLine | None = None
    chunks: list[ChunkLine] = []
    ended: float | None = None
    ending: ExchangeEnding | None = None
    refused: RefusalLine | None = None

    @property
    def endpoint(self) -> str:
        """The name of the endpoint, "" for a path that the contract does not have."""
        return self.request.endpoint or ""

    @property
    def status(self) -> int:
        """The HTTP status, 0 if there is none."""
        return self.response.status if self.response else 0

    @property
    def sent_json(self) -> Any:
        """The redacted JSON of the request, or None."""
        return self.request_body.body.get("json") if self.request_body else None

    @property
    def body(self) -> dict[str, Any]:
        """What is kept of the body of the response."""
        return self.response_body.body if self.response_body else {}

    @property
    def json(self) -> Any:
        """The redacted JSON of the response, or None."""
        return self.body.get("json")

    @property
    def content_type(self) -> str:
        """The media type of the response, "" if there is none."""
        headers = self.response.headers if self.response else {}
        return headers.get("content-type", "").partition(";")[0]

    @property
    def is_complete(self) -> bool:
        """Whether the response ended cleanly."""
        return self.ending == "clean"

    @property
    def is_stream(self) -> bool:
        """Whether the response is an event stream."""
        return self.content_type == "text/event-stream"

    @property
    def frames(self) -> list[StreamFrame]:
        """The frames of the stream, the torn last one included."""
        found = [StreamFrame(chunk.at, one) for chunk in self.chunks for one in chunk.frames]
        end = self.ended if self.ended is not None else self.request.at
        return found + [StreamFrame(end, one) for one in self.body.get("torn", ())]


class Recording(msgspec.Struct):
    """A recording: its header and its exchanges in the order in which they began."""

    header: Header
    exchanges: list[ExchangeRecord]


def assemble(lines: Iterable[RecordLine]) -> Recording:
    """Return the recording that these lines are."""
    header = Header(0.0, "other")
    found: dict[int, ExchangeRecord] = {}
    for line in lines:
        if isinstance(line, Header):
            header = line
        elif isinstance(line, RequestLine):
            found[line.exchange] = ExchangeRecord(line, chunks=[])
        elif line.exchange in found:
            _add(found[line.exchange], line)
    return Recording(header, list(found.values()))


def _add(exchange: ExchangeRecord, line: RecordLine) -> None:
    if isinstance(line, RequestBodyLine):
        exchange.request_body = line
    elif isinstance(line, ResponseLine):
        exchange.response = line
    elif isinstance(line, ChunkLine):
        exchange.chunks.append(line)
    elif isinstance(line, ResponseBodyLine):
        exchange.response_body = line
    elif isinstance(line, EndLine):
        exchange.ended, exchange.ending = line.at, line.ending
    elif isinstance(line, RefusalLine):
        exchange.refused = line
