"""Server-Sent Events as bytes: one encoder and one incremental parser (SSE-1, SSE-3, SSE-4).

Lines end at CR, LF or CRLF and nowhere else. U+2028 and U+0085, at which Python and some clients
split text, are ordinary characters here: JSON may hold them unescaped.
"""

import re
from collections.abc import Iterator

import msgspec

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"
# What a line takes in memory besides its bytes, about.
_LINE = 64


MAX_EVENT_BYTES = 16 << 20
"""Bytes of an event, line by line: none of the contract's comes near it."""


class SseEventTooLarge(ValueError):
    """An event that has no end, or none within reason."""


class SseEvent(msgspec.Struct, frozen=True):
    """One event: its data (the `data:` lines joined by a newline), event name and id.

    `data` is "" for an empty `data:` line, which the contract uses as a heartbeat (SSE-3), and for
    which a browser would dispatch nothing.
    """

    data: str
    event: str = ""
    id: str = ""


HEARTBEAT_BYTES = b"data:\n\n"


def encode_sse_event(data: str) -> bytes:
    """The bytes of an event with this data; line ends inside it become further `data:` lines."""
    lines = re.split(r"\r\n|\r|\n", data)
    return "".join(f"data: {line}\n" for line in lines).encode() + b"\n"


class SseParser:
    """Turns any cut of the bytes of a stream into the same frames.

    A `\\r` at the end of a chunk ends its line at once; the `\\n` that may follow in the next chunk
    is then swallowed, so that no frame waits for a byte that may never come.
    """

    def __init__(self, largest: int = MAX_EVENT_BYTES) -> None:
        self._largest = largest
        self._rest = bytearray()
        # How much the lines take that belong to the event that is not complete yet.
        self._held = 0
        self._after_cr = False
        self._at_start = True
        self._fields: dict[str, list[str]] = {}

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events that these bytes complete; raises `SseEventTooLarge` if one does not end."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if self._at_start:
            chunk = bytes(self._rest) + chunk
            self._rest.clear()
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                self._rest += chunk
                return []
            chunk = chunk.removeprefix(_BOM)
            self._at_start = False
        # Only what is new is searched, so that a long line is not searched again and again.
        *lines, rest = _LINE_END.split(chunk)
        if lines:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        self._rest += rest
        self._after_cr = chunk.endswith(b"\r")
        frames = list(self._frames(lines))
        if self._held + len(self._rest) > self._largest:
            raise SseEventTooLarge(f"an event of more than {self._largest >> 20} MB")
        return frames

    def finish(self) -> list[SseEvent]:
        """The last frame of a stream that ended without its blank line, if there is one."""
        line = bytes(self._rest)
        self._rest.clear()
        return list(self._frames([line, b""] if line else [b""]))

    def _frames(self, lines: list[bytes]) -> Iterator[SseEvent]:
        for line in lines:
            if line:
                self._held += len(line) + _LINE
                name, _, value = line.decode(errors="replace").partition(":")
                self._fields.setdefault(name, []).append(value.removeprefix(" "))
            else:
                yield from self._dispatch()

    def _dispatch(self) -> Iterator[SseEvent]:
        fields, self._fields = self._fields, {}
        self._held = 0
        if "data" in fields:
            yield SseEvent(
                "\n".join(fields["data"]),
                fields.get("event", [""])[-1],
                fields.get("id", [""])[-1],
            )
