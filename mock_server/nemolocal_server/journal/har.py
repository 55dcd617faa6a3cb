"""The journal as an HTTP archive (HAR 1.2), which browsers and proxies open.

What HAR has no place for stands under `_nemolocal` in each entry.
"""

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from nemolocal_contract.clock import iso8601
from nemolocal_contract.journal import Entry

_HTTP = "HTTP/1.1"
# What a stranger calls the server goes into the URL only where it leaves it one.
_HOST = re.compile(r"[\w.~!$&'()*+,;=%-]+(:\d{0,5})?|\[[0-9a-fA-F:.]+\](:\d{0,5})?", re.ASCII)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_NOT_OURS = frozenset(
    name for name in Entry.__struct_fields__ if name.startswith(("request_", "response_"))
)


def har_head(creator_version: str) -> dict[str, Any]:
    """The log without its entries."""
    return {"version": "1.2", "creator": {"name": "nemolocal", "version": creator_version}}


def har_entry(entry: Entry) -> dict[str, Any]:
    """One exchange; times in milliseconds."""
    # A clock that was put back makes no time negative.
    total = max(0.0, _ms(entry.ended - entry.started))
    first = min(total, max(0.0, _ms(entry.chunks[0][0]))) if entry.chunks else total
    truth = msgspec.to_builtins(entry)
    return {
        "startedDateTime": iso8601(entry.started),
        "time": total,
        "request": _request(entry),
        "response": _response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": first, "receive": round(total - first, 3)},
        "_nemolocal": {name: value for name, value in truth.items() if name not in _NOT_OURS},
    }


def _request(entry: Entry) -> dict[str, Any]:
    host = entry.request_headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = "localhost"
    request: dict[str, Any] = {
        "method": entry.method,
        "url": f"http://{host}{_target(entry.url)}",
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": _pairs(entry.request_headers.items()),
        "queryString": _pairs(parse_qsl(_query(entry.url), keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": entry.request_size,
    }
    if entry.request_size:
        kind = entry.request_headers.get("content-type", "application/octet-stream")
        request["postData"] = {"mimeType": kind, "params": [], "text": entry.request_body}
    return request


def _response(entry: Entry) -> dict[str, Any]:
    return {
        "status": entry.status,
        "statusText": _phrase(entry.status),
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


def _target(url: str) -> str:
    """A request target as the end of a URL; a whole URL, `*` and the like become a path."""
    return url if url.startswith("/") else f"/{url}"


def _query(url: str) -> str:
    """What stands behind the first question mark. A target is no URL: `//[x` is a path."""
    return url.partition("?")[2].partition("#")[0]


def _pairs(items: Any) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in items]


def _phrase(status: int) -> str:
    return _PHRASES.get(status, "")


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
