"""What faults do to the bytes of a reply: pieces, pauses and cuts in place of what was sent."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import msgspec
from starlette.datastructures import MutableHeaders

from nemolocal_contract.turn_events import HEARTBEAT_BYTES, encode_sse_event

from .catalogue import (
    ActiveFault,
    AfterEventsArgs,
    CutMode,
    DropArgs,
    SlowBytesArgs,
    TruncatedDownloadArgs,
)

_BROKEN_JSON = '{"content": {"role": "model", "parts": [{"text": '


class Pause(msgspec.Struct, frozen=True):
    """Wait, in seconds of the server's clock."""

    seconds: float


class CutConnection(msgspec.Struct, frozen=True):
    """End the connection here."""

    how: CutMode


FilterOutput = bytes | Pause | CutConnection


class BodyFilter:
    """Changes nothing; a tamper of one reply, which sees its head once and then its body."""

    def filter_headers(self, headers: MutableHeaders) -> CutConnection | None:
        """Before the first byte is sent."""
        del headers
        return None

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterable[FilterOutput]:
        """What is sent in place of a chunk; of a stream each chunk is an event, the last empty."""
        del last
        yield chunk


class _CutFilter(BodyFilter):
    """Cuts after so many events, or in the middle of the last piece if it comes before."""

    def __init__(self, how: CutMode, after: int) -> None:
        self._how = how
        self._left = after

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        if self._left and not last:
            self._left -= 1
            yield chunk
            return
        if last:
            yield chunk[: len(chunk) // 2]
        yield CutConnection(self._how)


class _DropFilter(BodyFilter):
    """Cuts before anything is said."""

    def __init__(self, how: CutMode) -> None:
        self._how = how

    def filter_headers(self, headers: MutableHeaders) -> CutConnection:
        del headers
        return CutConnection(self._how)


class _InsertFilter(BodyFilter):
    """Puts a frame after so many events, or at the end."""

    def __init__(self, frame: bytes, after: int | None) -> None:
        self._frame = frame
        self._left = after

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        if self._left == 0 or (last and self._frame):
            yield self._frame
            self._frame, self._left = b"", None
        if self._left is not None:
            self._left -= 1
        yield chunk


class _DuplicateFilter(BodyFilter):
    """Says everything twice but heartbeats."""

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        del last
        yield chunk
        if chunk != HEARTBEAT_BYTES and b'"heartbeat"' not in chunk:
            yield chunk


class _SplitFilter(BodyFilter):
    """Cuts each chunk in two or more at the places that `find` names."""

    def __init__(self, find: Callable[[bytes], list[int]]) -> None:
        self._find = find

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        del last
        bounds = [0, *self._find(chunk), len(chunk)]
        yield from (chunk[a:b] for a, b in pairwise(bounds))


def _inside_characters(chunk: bytes) -> list[int]:
    """Before every byte that continues a character."""
    return [n for n, byte in enumerate(chunk) if byte & 0xC0 == 0x80]


def _inside_frames(chunk: bytes) -> list[int]:
    """Within `data:`, in the middle, and between the two line ends."""
    return sorted({min(2, len(chunk)), len(chunk) // 2, max(len(chunk) - 1, 0)})


class _SlowFilter(BodyFilter):
    """Byte by byte."""

    def __init__(self, seconds: float) -> None:
        self._pause = Pause(seconds)

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        del last
        for number in range(len(chunk)):
            yield self._pause
            yield chunk[number : number + 1]


class _TruncateFilter(BodyFilter):
    """Half of what was promised, or the promise halved as well (`clean`)."""

    def __init__(self, how: str) -> None:
        self._how = how
        self._left = 0

    def filter_headers(self, headers: MutableHeaders) -> None:
        self._left = int(headers.get("content-length", "0")) // 2
        if self._how == "clean":
            headers["content-length"] = str(self._left)

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        del last
        kept, self._left = chunk[: self._left], max(0, self._left - len(chunk))
        yield kept
        if not self._left and self._how != "clean":
            yield CutConnection("reset" if self._how == "reset" else "fin")


def body_filter_for(fault: ActiveFault, endpoint: str, refusal: bytes) -> BodyFilter | None:
    """What a fault does to the reply; None if nothing. `refusal` is the body of a 2001."""
    match fault.name, fault.args:
        case "cut-fin", AfterEventsArgs(after):
            return _CutFilter("fin", after)
        case "cut-reset", AfterEventsArgs(after):
            return _CutFilter("reset", after)
        case "commit-then-drop", DropArgs(how):
            return _DropFilter(how)
        case "bad-json", AfterEventsArgs(after):
            return _InsertFilter(encode_sse_event(_BROKEN_JSON), after)
        case "truncated-download", TruncatedDownloadArgs(how) if endpoint != "render":
            return _TruncateFilter(how)
        case "slow-bytes", SlowBytesArgs(seconds):
            return _SlowFilter(seconds)
        case "out-of-credits-mid-turn", _:
            return _InsertFilter(encode_sse_event(refusal.decode()), None)
    return _SIMPLE[fault.name]() if fault.name in _SIMPLE else None


_SIMPLE: dict[str, Callable[[], BodyFilter]] = {
    "duplicate-event": _DuplicateFilter,
    "split-utf8": lambda: _SplitFilter(_inside_characters),
    "split-frames": lambda: _SplitFilter(_inside_frames),
}
