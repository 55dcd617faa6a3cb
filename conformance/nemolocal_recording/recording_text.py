"""A recording as text: everything that is in the file, for a person to read."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from nemolocal_contract.clock import iso8601
from nemolocal_contract.plurals import pluralize

from .recording import ExchangeRecord, Recording

_ENDINGS = {
    "clean": "complete",
    "fin": "closed by the server before the response was complete, or without a length",
    "rst": "reset by the server",
    "client": "ended by the client",
    "recorder": "ended by the end of the recording",
    "upgraded": "another protocol followed",
    "unreadable": "not HTTP/1.1",
    "unreachable": "no connection to the server",
    None: "not recorded to its end",
}


def recording_lines(recording: Recording) -> Iterator[str]:
    """Yield the lines of the text; values are those of the file, as JSON."""
    header = recording.header
    texts = "with texts" if header.has_text else "without texts"
    yield (
        f"recording of {'the cloud' if header.server == 'cloud' else 'another server'}, {texts}, "
        f"begun at {iso8601(header.started)} (version {header.version}), "
        f"{len(recording.exchanges)} exchanges"
    )
    for exchange in recording.exchanges:
        yield ""
        yield from _exchange_lines(exchange)


def _exchange_lines(exchange: ExchangeRecord) -> Iterator[str]:
    request = exchange.request
    query = "".join(f" {name}={value}" for name, value in request.query)
    yield f"{request.exchange}. {request.at:.3f} s  {request.method} {request.path}{query}"
    about = {
        "endpoint": request.endpoint,
        "template": request.template,
        "generation": request.generation,
        "token in the URL": request.token_in_url or None,
    }
    yield from (f"   {name}: {value}" for name, value in about.items() if value is not None)
    yield from _header_lines(request.headers, request.other_headers)
    if (sent := exchange.request_body) is not None:
        yield f"   {sent.at:.3f} s  body of {sent.size} bytes: {_json(sent.body)}"
    if exchange.refused is not None:
        yield f"   {exchange.refused.at:.3f} s  not forwarded: --max-{exchange.refused.limit}"
        return
    if (response := exchange.response) is not None:
        yield f"   {response.at:.3f} s  HTTP {response.status}"
        names = [f"{name} ({kind})" for name, kind in response.other_names.items()]
        yield from _header_lines(response.headers, response.other_headers, names)
    for chunk in exchange.chunks:
        yield f"   {chunk.at:.3f} s  chunk of {chunk.size} bytes"
        yield from (f"      {_json(frame)}" for frame in chunk.frames)
    if (received := exchange.response_body) is not None:
        yield f"   body of {received.size} bytes: {_json(received.body)}"
        if received.chunks:
            yield f"   chunks: {_json(received.chunks)}"
    ended = "" if exchange.ended is None else f"{exchange.ended:.3f} s  "
    yield f"   {ended}{_ENDINGS[exchange.ending]}"


def _header_lines(headers: dict[str, str], others: int, names: Sequence[str] = ()) -> Iterator[str]:
    yield from (f"   {name}: {value}" for name, value in headers.items())
    if others:
        kept = f"values not kept: {', '.join(names)}" if names else "not kept"
        yield f"   {pluralize(others, 'other header')}, {kept}"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
