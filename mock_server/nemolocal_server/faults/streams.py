"""What faults do to the bytes of a reply: pieces, pauses and cuts in place of what was sent."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import msgspec
from starlette.datastructures import MutableHeaders

from nemolocal_contract.sse import HEARTBEAT, encode_frame

from .catalogue import Active, After, CutHow, Dropped, Pace, Truncated

_NO_JSON = '{"content": {"role": "model", "parts": [{"text": '


class Pause(msgspec.Struct, frozen=True):
    """Wait, in seconds of the server's clock."""

    seconds: float


class Cut(msgspec.Struct, frozen=True):
    """End the connection here."""

    how: CutHow


Piece = bytes | Pause | Cut


class Tamper:
    """Changes nothing; a tamper of one reply, which sees its head once and then its body."""

    def head(self, headers: MutableHeaders) -> Cut | None:
        """Before the first byte is sent."""
        del headers
        return None

    def body(self, chunk: bytes, last: bool) -> Iterable[Piece]:
        """What is sent in place of a chunk; of a stream each chunk is an event, the last empty."""
        del last
        yield chunk


class _Cutting(Tamper):
    """Cuts after so many events, or in the middle of the last piece if it comes before."""

    def __init__(self, how: CutHow, after: int) -> None:
        self._how = how
        self._left = after

    def body(self, chunk: bytes, last: bool) -> Iterator[Piece]:
        if self._left and not last:
            self._left -= 1
            yield chunk
            return
        if last:
            yield chunk[: len(chunk) // 2]
        yield Cut(self._how)


class _Dropping(Tamper):
    """Cuts before anything is said."""

    def __init__(self, how: CutHow) -> None:
        self._how = how

    def head(self, headers: MutableHeaders) -> Cut:
        del headers
        return Cut(self._how)


class _Inserting(Tamper):
    """Puts a frame after so many events, or at the end."""

    def __init__(self, frame: bytes, after: int | None) -> None:
        self._frame = frame
        self._left = after

    def body(self, chunk: bytes, last: bool) -> Iterator[Piece]:
        if self._left == 0 or (last and self._frame):
            yield self._frame
            self._frame, self._left = b"", None
        if self._left is not None:
            self._left -= 1
        yield chunk


class _Doubling(Tamper):
    """Says everything twice but heartbeats."""

    def body(self, chunk: bytes, last: bool) -> Iterator[Piece]:
        del last
        yield chunk
        if chunk != HEARTBEAT and b'"heartbeat"' not in chunk:
            yield chunk


class _Splitting(Tamper):
    """Cuts each chunk in two or more at the places that `find` names."""

    def __init__(self, find: Callable[[bytes], list[int]]) -> None:
        self._find = find

    def body(self, chunk: bytes, last: bool) -> Iterator[Piece]:
        del last
        bounds = [0, *self._find(chunk), len(chunk)]
        yield from (chunk[a:b] for a, b in pairwise(bounds))


def _inside_characters(chunk: bytes) -> list[int]:
    """Before every byte that continues a character."""
    return [n for n, byte in enumerate(chunk) if byte & 0xC0 == 0x80]


def _inside_frames(chunk: bytes) -> list[int]:
    """Within `data:`, in the middle, and between the two line ends."""
    return sorted({min(2, len(chunk)), len(chunk) // 2, max(len(chunk) - 1, 0)})


class _Slow(Tamper):
    """Byte by byte."""

    def __init__(self, seconds: float) -> None:
        self._pause = Pause(seconds)

    def body(self, chunk: bytes, last: bool) -> Iterator[Piece]:
        del last
        for number in range(len(chunk)):
            yield self._pause
            yield chunk[number : number + 1]


class _Truncating(Tamper):
    """Half of what was promised, or the promise halved as well (`clean`)."""

    def __init__(self, how: str) -> None:
        self._how = how
        self._left = 0

    def head(self, headers: MutableHeaders) -> None:
        self._left = int(headers.get("content-length", "0")) // 2
        if self._how == "clean":
            headers["content-length"] = str(self._left)

    def body(self, chunk: bytes, last: bool) -> Iterator[Piece]:
        del last
        kept, self._left = chunk[: self._left], max(0, self._left - len(chunk))
        yield kept
        if not self._left and self._how != "clean":
            yield Cut("reset" if self._how == "reset" else "fin")


def tamper_of(fault: Active, endpoint: str, refusal: bytes) -> Tamper | None:
    """What a fault does to the reply; None if nothing. `refusal` is the body of a 2001."""
    match fault.name, fault.args:
        case "cut-fin", After(after):
            return _Cutting("fin", after)
        case "cut-reset", After(after):
            return _Cutting("reset", after)
        case "commit-then-drop", Dropped(how):
            return _Dropping(how)
        case "bad-json", After(after):
            return _Inserting(encode_frame(_NO_JSON), after)
        case "truncated-download", Truncated(how) if endpoint != "render":
            return _Truncating(how)
        case "slow-bytes", Pace(seconds):
            return _Slow(seconds)
        case "out-of-credits-mid-turn", _:
            return _Inserting(encode_frame(refusal.decode()), None)
    return _SIMPLE[fault.name]() if fault.name in _SIMPLE else None


_SIMPLE: dict[str, Callable[[], Tamper]] = {
    "duplicate-event": _Doubling,
    "split-utf8": lambda: _Splitting(_inside_characters),
    "split-frames": lambda: _Splitting(_inside_frames),
}
