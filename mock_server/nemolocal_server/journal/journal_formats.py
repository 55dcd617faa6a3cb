"""The journal as bytes, one entry at a time: JSON, JSON lines, or HAR 1.2.

An HTTP archive (HAR) can be opened in browsers and proxies. What the format has no field for is
under `_nemolocal` in each entry.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

from nemolocal_contract.clock import iso8601
from nemolocal_contract.journal import JOURNAL_VERSION, Entry
from nemolocal_contract.responses import encode_json

_log = logging.getLogger(__name__)

JournalFormat = Literal["json", "jsonl", "har"]
MEDIA_TYPES: dict[JournalFormat, str] = {
    "json": "application/json; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
    "har": "application/json; charset=utf-8",
}
_HTTP = "HTTP/1.1"
# A Host header that is not one of these would break the URL.
_HOST = re.compile(r"[\w.~!$&'()*+,;=%-]+(:\d{0,5})?|\[[0-9a-fA-F:.]+\](:\d{0,5})?", re.ASCII)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_IN_HAR = frozenset(
    name for name in Entry.__struct_fields__ if name.startswith(("request_", "response_"))
)


def write_journal(
    kind: JournalFormat, entries: Iterator[Entry], dropped: int, server_version: str
) -> Iterator[bytes]:
    """The journal in a format; `dropped` is the number of older entries that were deleted."""
    if kind == "jsonl":
        return (line + b"\n" for line in _encode_entries(entries, lambda entry: entry))
    if kind == "har":
        return _write_har(entries, server_version)
    head = {"version": JOURNAL_VERSION, "dropped": dropped}
    return _write_object(head, entries, lambda entry: entry)


def _write_har(entries: Iterator[Entry], server_version: str) -> Iterator[bytes]:
    head = {"version": "1.2", "creator": {"name": "nemolocal", "version": server_version}}
    yield b'{"log":'
    yield from _write_object(head, entries, har_entry)
    yield b"}"


def _write_object(
    head: dict[str, Any], entries: Iterator[Entry], convert: Callable[[Entry], Any]
) -> Iterator[bytes]:
    """A JSON object: the fields of `head`, then `entries`."""
    yield encode_json(head)[:-1] + b',"entries":['
    for number, line in enumerate(_encode_entries(entries, convert)):
        yield (b"," if number else b"") + line
    yield b"]}"


def _encode_entries(entries: Iterator[Entry], convert: Callable[[Entry], Any]) -> Iterator[bytes]:
    """Each entry as JSON.

    An entry that cannot be encoded is left out and logged: a response that has begun should not
    lose the others, and half a JSON document is useless.
    """
    for entry in entries:
        try:
            line = encode_json(msgspec.to_builtins(convert(entry)))
        except Exception:
            _log.exception("entry %d of the journal could not be written", entry.id)
            continue
        yield line


def har_entry(entry: Entry) -> dict[str, Any]:
    """An exchange as HAR; times are in milliseconds."""
    # A clock that was set back must not make a time negative.
    total = max(0.0, _ms(entry.ended - entry.started))
    first = min(total, max(0.0, _ms(entry.chunks[0][0]))) if entry.chunks else total
    fields = msgspec.to_builtins(entry)
    return {
        "startedDateTime": iso8601(entry.started),
        "time": total,
        "request": _har_request(entry),
        "response": _har_response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": first, "receive": round(total - first, 3)},
        "_nemolocal": {name: value for name, value in fields.items() if name not in _IN_HAR},
    }


def _har_request(entry: Entry) -> dict[str, Any]:
    host = entry.request_headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = "localhost"
    # A whole URL, `*` and the like become a path. A target like `//[x` is a path, not a URL.
    target = entry.url if entry.url.startswith("/") else f"/{entry.url}"
    query = entry.url.partition("?")[2].partition("#")[0]
    request: dict[str, Any] = {
        "method": entry.method,
        "url": f"http://{host}{target}",
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": _pairs(entry.request_headers.items()),
        "queryString": _pairs(parse_qsl(query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": entry.request_size,
    }
    if entry.request_size:
        kind = entry.request_headers.get("content-type", "application/octet-stream")
        request["postData"] = {"mimeType": kind, "params": [], "text": entry.request_body}
    return request


def _har_response(entry: Entry) -> dict[str, Any]:
    return {
        "status": entry.status,
        "statusText": _PHRASES.get(entry.status, ""),
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": _pairs(entry.response_headers.items()),
        "content": {
            "size": entry.response_size,
            "mimeType": entry.response_headers.get("content-type", "x-unknown"),
            "text": entry.response_body,
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": entry.response_size,
    }


def _pairs(items: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in items]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
