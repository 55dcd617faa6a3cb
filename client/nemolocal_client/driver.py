"""The sync loop: does what a flow asks for, with the transport, the clock and the desk."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from .errors import NemoError
from .flow_execution import FlowExecution
from .local_files import delete_part_file
from .local_io import LocalIO
from .operations import (
    CheckServer,
    DownloadFile,
    Flow,
    HttpCall,
    Notice,
    Notify,
    OpenStream,
    Operation,
    OutputLine,
    ReadStream,
    Sleep,
    StreamEnd,
    StreamOpened,
)
from .transport import Stream, Transport

T = TypeVar("T")


class FlowDriver:
    """Runs flows; each has a stream and part files of its own."""

    def __init__(self, transport: Transport, desk: LocalIO, notify: Notify) -> None:
        self._transport = transport
        self._local_io = desk
        self._notify = notify

    def run(self, flow: Flow[T]) -> T:
        """The outcome of a flow; an error of an effect is thrown into the flow first."""
        walk = FlowExecution(flow)
        for _ in self._execute(walk):
            pass
        return walk.result

    def lines(self, flow: Flow[object]) -> Iterator[str]:
        """What there is to show, as it comes; the flow is given up where nobody wants more."""
        return self._execute(FlowExecution(flow))

    def _execute(self, walk: FlowExecution[T]) -> Iterator[str]:
        errand = _FlowContext(self._transport, self._local_io, self._notify)
        try:
            while walk.pending is not None:
                if isinstance(walk.pending, OutputLine):
                    yield walk.pending.text
                try:
                    reply = errand.perform(walk.pending)
                except NemoError as error:
                    walk.throw(error)
                else:
                    walk.send(reply)
        finally:
            walk.close()
            errand.close()


class _FlowContext:
    """What one flow has open."""

    def __init__(self, transport: Transport, desk: LocalIO, notify: Notify) -> None:
        self._transport = transport
        self._local_io = desk
        self._notify = notify
        self._stream: Stream | None = None
        self._parts: set[Path] = set()

    def perform(self, effect: Operation) -> object:
        """Do it; its answer."""
        match effect:
            case HttpCall():
                return self._transport.call(effect)
            case OpenStream():
                return self._open(effect)
            case CheckServer():
                return self._transport.check_server()
            case ReadStream():
                return self._stream.read() if self._stream is not None else StreamEnd()
            case DownloadFile():
                self._parts.add(effect.part)
                return self._transport.download(effect)
            case Sleep(seconds):
                self._local_io.clock.wait(seconds)
            case Notice():
                self._notify(effect)
            case OutputLine():
                pass
            case _:
                return self._local_io.perform(effect)
        return None

    def close(self) -> None:
        """Hang up, and leave nothing of downloads that did not complete."""
        if self._stream is not None:
            self._stream.close()
        for part in self._parts:
            delete_part_file(part)

    def _open(self, effect: OpenStream) -> object:
        got = self._transport.open_stream(effect)
        if not isinstance(got, Stream):
            return got
        self._stream = got
        return StreamOpened()
