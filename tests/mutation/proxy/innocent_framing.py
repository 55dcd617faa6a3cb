"""How an innocent server puts a response on the wire: version, length, chunks, header names.

The bytes are written here, since HTTP libraries write theirs in one way only.
"""

import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from .proxy_messages import InterceptedResponse, Write

Headers = list[tuple[str, str]]
# So many chunks does a long body have at most.
_MOST_CHUNKS = 1_500
_OWN = frozenset(("content-length", "transfer-encoding", "connection"))
_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
_TRAILERS = b"X-Checksum: none\r\nX-Seconds: 1\r\n"
FURTHER_HEADERS: dict[str, Headers] = {
    "none": [],
    "usual": [
        ("Server", "cloud"), ("Via", "1.1 edge"), ("Vary", "Accept-Encoding, Origin"),
        ("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; HttpOnly"), ("ETag", 'W/"1"'),
        ("X-Request-Id", "r-1"), ("Alt-Svc", 'h3=":443"; ma=86400'), ("X-RateLimit-Remaining", "0"),
    ],
    "odd": [
        ("X-Empty", ""), ("X-Long", "x" * 6_000), ("X-Latin", "caf\xe9"), ("X-Comma", "a,, b ,"),
        ("X-Code", "1001"), *((f"X-{number}", "y") for number in range(60)),
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Framing:
    """`chunk` is the size of chunks, 0 for one chunk of each body and one of each frame.

    `length` says how the end of the body is known: by its length, by chunks, or by the end of the
    connection, which HTTP/1.0 has. Every connection is closed after one response.
    """

    version: Literal["1.0", "1.1"] = "1.1"
    length: Literal["known", "chunked", "closed"] = "known"
    chunk: int = 0
    has_hints: bool = False
    has_trailers: bool = False

    async def send(self, response: InterceptedResponse, names: "NameCase", write: Write) -> None:
        """Write a response; `names` spells the names of its headers."""
        is_stream = response.frames is not None
        length = "chunked" if is_stream and self.length == "known" else self.length
        await write(self._head(response, names, length))
        async for piece in _pieces(response):
            parts = self._split(piece) if length == "chunked" else ()
            chunks = b"".join(b"%x;a=b\r\n%b\r\n" % (len(part), part) for part in parts)
            await write(chunks or piece)
        if length == "chunked":
            await write(b"0\r\n" + (_TRAILERS if self.has_trailers else b"") + b"\r\n")

    def _head(self, response: InterceptedResponse, names: "NameCase", length: str) -> bytes:
        known = [(n.decode(), v.decode("latin-1")) for n, v in response.headers.raw]
        headers = [(name, value) for name, value in known if name.lower() not in _OWN]
        headers += {
            "known": [("Content-Length", str(len(response.body)))],
            "chunked": [("Transfer-Encoding", "chunked")],
            "closed": [],
        }[length]
        headers.append(("Connection", "close"))
        lines = [f"{names(name)}:{value and ' '}{value} " for name, value in headers]
        reason = HTTPStatus(response.status).phrase if self.version == "1.1" else ""
        start = f"HTTP/{self.version} {response.status} {reason}"
        head = "\r\n".join([start, *lines, "", ""]).encode("latin-1")
        return (_HINTS if self.has_hints else b"") + head

    def _split(self, piece: bytes) -> Iterator[bytes]:
        size = max(self.chunk or len(piece), len(piece) // _MOST_CHUNKS, 1)
        for begin in range(0, len(piece), size):
            yield piece[begin : begin + size]


async def _pieces(response: InterceptedResponse) -> AsyncIterator[bytes]:
    if response.body:
        yield response.body
    if response.frames is not None:
        async for frame in response.frames:
            yield frame


FRAMINGS = {
    "length": Framing(),
    "one chunk": Framing(length="chunked", has_trailers=True),
    "bytes": Framing(length="chunked", chunk=1),
    "threes after hints": Framing(length="chunked", chunk=3, has_hints=True),
    "1.0": Framing("1.0", "closed"),
    "closed": Framing("1.1", "closed"),
}

NameCase = Callable[[str], str]
NAME_CASES: dict[str, NameCase] = {
    "lower": str.lower,
    "title": str.title,
    "upper": str.upper,
    "mixed": lambda name: "".join(
        letter.upper() if place % 2 else letter.lower() for place, letter in enumerate(name)
    ),
}
_TYPES = ("application/json", "text/event-stream", "text/html")
CONTENT_TYPES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "charset": lambda kind: f"{kind}; charset=utf-8",
    "capitals": lambda kind: f"{kind.upper()} ;CHARSET=UTF-8",
    "quoted": lambda kind: f'{kind.title()};charset="utf-8";profile="a;b"',
}


def respelled_type(kind: str, spelling: str) -> str:
    """Return a media type of the contract in another spelling, any other as it is."""
    for known in _TYPES:
        if kind.startswith(known):
            return CONTENT_TYPES[spelling](known)
    return kind


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "deflate": ("Deflate", zlib.compress),
}
