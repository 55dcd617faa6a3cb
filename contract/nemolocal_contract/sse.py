"""Server-Sent Events as bytes: one encoder and one incremental parser (SSE-1, SSE-3, SSE-4).

Lines end at CR, LF or CRLF and nowhere else. U+2028 and U+0085, at which Python and some clients
split text, are ordinary characters here: JSON may hold them unescaped.
"""

import re
from collections.abc import Iterator

import msgspec

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


class Frame(msgspec.Struct, frozen=True):
    """One event: its data (the `data:` lines joined by a newline), event name and id.

    `data` is "" for an empty `data:` line, which the contract uses as a heartbeat (SSE-3), and for
    which a browser would dispatch nothing.
    """

    data: str
    event: str = ""
    id: str = ""


HEARTBEAT = b"data:\n\n"


def encode_frame(data: str) -> bytes:
    """The bytes of an event with this data; line ends inside it become further `data:` lines."""
    lines = re.split(r"\r\n|\r|\n", data)
    return "".join(f"data: {line}\n" for line in lines).encode() + b"\n"


class FrameParser:
    """Turns any cut of the bytes of a stream into the same frames.

    A `\\r` at the end of a chunk ends its line at once; the `\\n` that may follow in the next chunk
    is then swallowed, so that no frame waits for a byte that may never come.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._after_cr = False
        self._at_start = True
        self._fields: dict[str, list[str]] = {}

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that these bytes complete."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        buffered = self._rest + chunk
        if self._at_start:
            if len(buffered) < len(_BOM) and _BOM.startswith(buffered):
                self._rest = buffered
                return []
            buffered = buffered.removeprefix(_BOM)
            self._at_start = False
        *lines, self._rest = _LINE_END.split(buffered)
        self._after_cr = buffered.endswith(b"\r")
        return list(self._frames(lines))

    def finish(self) -> list[Frame]:
        """The last frame of a stream that ended without its blank line, if there is one."""
        line, self._rest = self._rest, b""
        return list(self._frames([line, b""] if line else [b""]))

    def _frames(self, lines: list[bytes]) -> Iterator[Frame]:
        for line in lines:
            if line:
                name, _, value = line.decode(errors="replace").partition(":")
                self._fields.setdefault(name, []).append(value.removeprefix(" "))
            else:
                yield from self._dispatch()

    def _dispatch(self) -> Iterator[Frame]:
        fields, self._fields = self._fields, {}
        if "data" in fields:
            yield Frame(
                "\n".join(fields["data"]),
                fields.get("event", [""])[-1],
                fields.get("id", [""])[-1],
            )
