"""Innocent changes of streams: the lines of their frames, heartbeats, and what stands beside."""

from collections.abc import AsyncIterator, Callable

FrameChange = Callable[[bytes], bytes]
_BOM = b"\xef\xbb\xbf"


def frame_of_text(text: str) -> bytes:
    """Return a frame with this text, whose lines become lines of data."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "".join(f"data: {line}\n" for line in lines).encode() + b"\n"


def with_comments(frame: bytes) -> bytes:
    """Comments stand between the events and in them, also empty ones."""
    return b": keep-alive\n\n:\n: data: no data\n" + frame


def with_other_fields(frame: bytes) -> bytes:
    """Events have the name that they have anyway, an id, a time to reconnect, unknown fields."""
    return b"event: message\nid: 7\nretry: 3000\nunknown\nfield: x\n" + frame


def without_space(frame: bytes) -> bytes:
    """No space follows `data:`."""
    return frame.replace(b"data: ", b"data:")


def with_crlf(frame: bytes) -> bytes:
    """Lines end with CRLF."""
    return frame.replace(b"\n", b"\r\n")


def with_cr(frame: bytes) -> bytes:
    """Lines end with CR."""
    return frame.replace(b"\n", b"\r")


def is_heartbeat(frame: bytes) -> bool:
    """Whether a frame of the reference is a heartbeat of either form."""
    said = frame.removeprefix(b"data:").strip()
    return said in (b"", b'{"type":"heartbeat"}')


def doubled_heartbeats(frame: bytes) -> bytes:
    """Heartbeats come twice."""
    return frame + frame if is_heartbeat(frame) else frame


def spaced_heartbeats(frame: bytes) -> bytes:
    """An empty data line has spaces, or is there twice."""
    empty = not frame.removeprefix(b"data:").strip()
    return b"data:  \n\ndata\n\ndata: \ndata:\n\n" if empty else frame


def told_heartbeats(frame: bytes) -> bytes:
    """A comment comes with each heartbeat, and a heartbeat before each event."""
    beat = b": still working\n\ndata:\n\n"
    return b": still working\n\n" + frame if is_heartbeat(frame) else beat + frame


async def with_byte_order_mark(frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield a byte order mark and the frames."""
    yield _BOM
    async for frame in frames:
        yield frame
