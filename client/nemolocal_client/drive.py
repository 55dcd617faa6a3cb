"""The sync loop: does what a flow asks for, with the transport, the clock and the desk."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from .desk import Desk
from .effects import (
    Call,
    CheckServer,
    Download,
    Effect,
    Flow,
    Line,
    Notice,
    Notify,
    Opened,
    OpenStream,
    ReadStream,
    StreamEnd,
    Wait,
)
from .errors import NemoError
from .files import discard
from .transport import Stream, Transport
from .walk import Walk

T = TypeVar("T")


class Driver:
    """Runs flows; each has a stream and part files of its own."""

    def __init__(self, transport: Transport, desk: Desk, notify: Notify) -> None:
        self._transport = transport
        self._desk = desk
        self._notify = notify

    def run(self, flow: Flow[T]) -> T:
        """The outcome of a flow; an error of an effect is thrown into the flow first."""
        walk = Walk(flow)
        for _ in self._follow(walk):
            pass
        return walk.outcome

    def lines(self, flow: Flow[object]) -> Iterator[str]:
        """What there is to show, as it comes; the flow is given up where nobody wants more."""
        return self._follow(Walk(flow))

    def _follow(self, walk: Walk[T]) -> Iterator[str]:
        errand = _Errand(self._transport, self._desk, self._notify)
        try:
            while walk.wants is not None:
                if isinstance(walk.wants, Line):
                    yield walk.wants.text
                try:
                    reply = errand.perform(walk.wants)
                except NemoError as error:
                    walk.refuse(error)
                else:
                    walk.answer(reply)
        finally:
            walk.close()
            errand.end()


class _Errand:
    """What one flow has open."""

    def __init__(self, transport: Transport, desk: Desk, notify: Notify) -> None:
        self._transport = transport
        self._desk = desk
        self._notify = notify
        self._stream: Stream | None = None
        self._parts: set[Path] = set()

    def perform(self, effect: Effect) -> object:
        """Do it; its answer."""
        match effect:
            case Call():
                return self._transport.call(effect)
            case OpenStream():
                return self._open(effect)
            case CheckServer():
                return self._transport.check()
            case ReadStream():
                return self._stream.read() if self._stream is not None else StreamEnd()
            case Download():
                self._parts.add(effect.part)
                return self._transport.download(effect)
            case Wait(seconds):
                self._desk.clock.wait(seconds)
            case Notice():
                self._notify(effect)
            case Line():
                pass
            case _:
                return self._desk.answer(effect)
        return None

    def end(self) -> None:
        """Hang up, and leave nothing of downloads that did not complete."""
        if self._stream is not None:
            self._stream.close()
        for part in self._parts:
            discard(part)

    def _open(self, effect: OpenStream) -> object:
        got = self._transport.open_stream(effect)
        if not isinstance(got, Stream):
            return got
        self._stream = got
        return Opened()
