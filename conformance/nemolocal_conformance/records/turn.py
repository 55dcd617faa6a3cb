"""A turn of the conversation: what was asked, what the stream said and when, and how it ended."""

import functools
from collections.abc import Iterator

import msgspec

from nemolocal_contract.codes import Code
from nemolocal_contract.envelope import decode_json
from nemolocal_contract.events import Heartbeat, Text, decode_events
from nemolocal_contract.sse import Frame, FrameParser

from .act import Act

_EXCUSES = ("i encountered a temporary issue", "遇到临时问题", "遇到了临时问题")
# What a journal keeps of a body: a longer one says nothing of its end.
_KEPT = 64 * 1024


class Sign(msgspec.Struct, frozen=True):
    """Something that came over the stream, so many seconds after the request; or a heartbeat."""

    at: float
    news: bool


class Turn:
    """A message that began to be worked on, and was charged."""

    def __init__(self, act: Act) -> None:
        self.act = act

    @property
    def session(self) -> str:
        return self.act.session

    @property
    def message(self) -> str:
        return self.act.message

    @property
    def ended(self) -> float:
        return self.act.entry.ended

    @property
    def listened(self) -> float:
        """Seconds from the request to the end of the stream."""
        return self.ended - self.act.entry.started

    @property
    def credits(self) -> int:
        """What it cost, as far as the journal knows."""
        return self.act.entry.turn.cost if self.act.entry.turn else 0

    @property
    def complete(self) -> bool:
        """Whether the stream came to its own end (SSE-4)."""
        return self.act.entry.ending == "complete"

    @property
    def cut(self) -> bool:
        """Whether the connection broke, and not by the client."""
        return self.act.entry.ending in ("cut by fault", "cut by server")

    @property
    def hung_up(self) -> bool:
        """Whether the client went before the end."""
        return self.act.entry.ending == "cut by client"

    @property
    def silent(self) -> bool:
        """Whether it ended well and without a word for the user (SSE-5); excuses are none."""
        return self.complete and not self.failure and not self._said

    @functools.cached_property
    def failure(self) -> int:
        """The code with which the stream broke off, 0 where it did not."""
        return next(filter(None, map(_failure, _frames(self._bytes))), 0)

    @functools.cached_property
    def signs(self) -> tuple[Sign, ...]:
        """What came when, as far as chunks and body are kept."""
        return tuple(self._signs())

    @functools.cached_property
    def _bytes(self) -> bytes:
        return self.act.entry.response_body.encode()

    @property
    def _said(self) -> bool:
        entry = self.act.entry
        if entry.turn is not None and entry.response_size > _KEPT:
            return not entry.turn.silent
        return entry.response_size > _KEPT or any(_texts(self._bytes))

    def _signs(self) -> Iterator[Sign]:
        parser, begin = FrameParser(), 0
        for at, size in self.act.entry.chunks:
            piece, begin = self._bytes[begin : begin + size], begin + size
            for frame in parser.feed(piece):
                beats = [isinstance(event, Heartbeat) for event in decode_events(frame)]
                yield Sign(at, not all(beats))


def turn_of(act: Act) -> Turn | None:
    """The turn that a chat request began; None where none was begun."""
    entry = act.entry
    if act.endpoint != "chat":
        return None
    streams = entry.response_headers.get("content-type", "").startswith("text/event-stream")
    lost = not entry.status and entry.ending != "complete"
    return Turn(act) if entry.turn is not None or streams or lost else None


def _texts(body: bytes) -> Iterator[str]:
    for frame in _frames(body):
        for event in decode_events(frame):
            if isinstance(event, Text) and not _excuse(event.text):
                yield event.text.strip()


def _excuse(text: str) -> bool:
    """Clients ignore the text that reports a temporary issue (SSE-9)."""
    lowered = text.lower()
    return any(excuse in lowered for excuse in _EXCUSES)


def _frames(body: bytes) -> list[Frame]:
    parser = FrameParser()
    return [*parser.feed(body), *parser.finish()]


def _failure(frame: Frame) -> int:
    if '"code"' not in frame.data:
        return 0
    try:
        body = decode_json(frame.data)
    except (msgspec.DecodeError, RecursionError):
        return 0
    code = body.get("code") if isinstance(body, dict) else None
    return code if type(code) is int and code != Code.OK else 0
