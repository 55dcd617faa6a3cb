"""Innocent changes of the requests of the reference client: what HTTP and the contract leave open.

`FACTORS` are the factors and the names of their levels, the first of each as the client has it.
"""

import contextlib
import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

import httpx

Pairs = list[tuple[str, str]]
_ODD: Pairs = [
    ("DNT", "1"), ("X-Trace-Id", "7"), ("Cookie", "a=1; b=2"), ("X-Empty", ""),
    ("Accept-Language", "zh;q=0.1, en"), ("X-Long", "x" * 3_000), ("Pragma", "no-cache"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
]  # fmt: skip
_AGENTS = {"none": "", "other": "a program/0.1 (+https://example.org; x64)", "as it is": None}
FACTORS: dict[str, tuple[str, ...]] = {
    "order": ("as it is", "reversed", "shuffled"),
    "names": ("as they are", "upper", "lower", "title"),
    "further": ("none", "odd"),
    "agent": ("as it is", "none", "other"),
    "connection": ("as it is", "close"),
    "scheme": ("Bearer", "bearer", "BEARER"),
    "accept": ("as it is", "several", "capitals"),
    "coding": ("as it is", "identity", "gzip"),
    "type": ("as it is", "charset", "capitals"),
    "body": ("as it is", "chunks", "bytes"),
    "spelling": ("as it is", "indented", "escaped"),
    "fields": ("as they are", "further", "reversed"),
    "query": ("as it is", "further"),
}
_NAMES: dict[str, Callable[[str], str]] = {
    "as they are": str, "upper": str.upper, "lower": str.lower, "title": str.title,
}  # fmt: skip
_ACCEPT = {"several": "{}, application/json;q=0.5", "capitals": "{}"}
_SPELLINGS: dict[str, Callable[[Any], str]] = {
    "indented": lambda body: json.dumps(body, indent=3, ensure_ascii=False),
    "escaped": lambda body: json.dumps(body, ensure_ascii=True, separators=(" ,", " : ")),
    "as it is": lambda body: json.dumps(body, ensure_ascii=False, separators=(",", ":")),
}


class InnocentRequests:
    """Changes requests by levels of the factors, in the same way each time."""

    def __init__(self, levels: Mapping[str, str]) -> None:
        self._levels = levels
        self._random = random.Random(str(sorted(levels.items())))

    def changed(self, request: httpx.Request) -> httpx.Request:
        """Return a request that asks for the same."""
        assert isinstance(request.stream, httpx.SyncByteStream)
        body, url = b"".join(request.stream), request.url
        if self._levels["query"] == "further":
            url = url.copy_merge_params({"trace": "1", "lang": "en"})
        if "application/json" in request.headers.get("Content-Type", "") and body:
            body = self._respelled(body)
        headers = [(n, v) for n, v in self._headers(request.headers) if n.lower() != "host"]
        content = self._chunks(body)
        made = httpx.Request(
            request.method, url, content=content, extensions=dict(request.extensions)
        )
        framing = [(n, v) for n, v in made.headers.multi_items() if n.lower() != "host"]
        made.headers = httpx.Headers(
            self._ordered([*headers, *framing, ("Host", url.netloc.decode())])
        )
        return made

    def _respelled(self, body: bytes) -> bytes:
        value = json.loads(body)
        if isinstance(value, dict):
            if self._levels["fields"] == "further":
                value = {"trace": {"id": 1}, **value, "clientVersion": None, "": []}
            elif self._levels["fields"] == "reversed":
                value = dict(reversed(value.items()))
        return _SPELLINGS[self._levels["spelling"]](value).encode()

    def _chunks(self, body: bytes) -> bytes | Iterator[bytes]:
        size = {"chunks": 100, "bytes": 1}.get(self._levels["body"])
        if not body or size is None:
            return body
        return (body[begin : begin + size] for begin in range(0, len(body), size))

    def _headers(self, headers: httpx.Headers) -> Iterator[tuple[str, str]]:
        levels = self._levels
        for name, value in headers.multi_items():
            match name.lower():
                case "content-length" | "transfer-encoding":
                    continue
                case "user-agent" if levels["agent"] != "as it is":
                    value = _AGENTS[levels["agent"]] or ""
                    if not value:
                        continue
                case "authorization":
                    value = value.replace("Bearer", levels["scheme"])
                case "accept" if "event-stream" in value and levels["accept"] in _ACCEPT:
                    told = value.title() if levels["accept"] == "capitals" else value
                    value = _ACCEPT[levels["accept"]].format(told)
                case "accept-encoding" if levels["coding"] != "as it is":
                    value = levels["coding"]
                case "connection" if levels["connection"] == "close":
                    value = "close"
                case "content-type" if value.startswith("application/json"):
                    value = _content_type(value, levels["type"])
            yield name, value
        yield from _ODD if levels["further"] == "odd" else ()

    def _ordered(self, headers: Pairs) -> Pairs:
        spell = _NAMES[self._levels["names"]]
        named = [(spell(name), value) for name, value in headers]
        if self._levels["order"] == "shuffled":
            return self._random.sample(named, len(named))
        return named[::-1] if self._levels["order"] == "reversed" else named


def _content_type(value: str, level: str) -> str:
    if level == "charset":
        return f"{value}; charset=UTF-8"
    return value.upper() if level == "capitals" else value


@contextlib.contextmanager
def changed_requests(levels: Mapping[str, str]) -> Iterator[None]:
    """Let clients send changed requests in this block."""
    innocent, original = InnocentRequests(levels), httpx.Client.send

    def send(http: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        is_own = request.url.path.startswith("/__nemolocal__")
        return original(http, request if is_own else innocent.changed(request), **options)

    with mock.patch("nemolocal_client.transport.httpx.Client.send", send):
        yield
