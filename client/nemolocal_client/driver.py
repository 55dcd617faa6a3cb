"""The sync loop: does what a flow asks for, with the transport, the clock and the desk."""

import inspect
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Generic, TypeVar

from .errors import NemoError
from .local_files import delete_part_file
from .local_io import LocalIO
from .operations import (
    AsyncNotify,
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
from .transport import AsyncStream, AsyncTransport, Stream, Transport

T = TypeVar("T")


class FlowExecution(Generic[T]):
    """Goes through a flow, an effect at a time; `wants` is None when it has come to its end."""

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self.pending: Operation | None = None
        self.result: T
        self.send(None)

    def send(self, reply: object) -> None:
        """The flow gets what it wanted, and goes on to its next wish."""
        try:
            self.pending = self._flow.send(reply)
        except StopIteration as end:
            self._finish(end)

    def throw(self, error: NemoError) -> None:
        """What the flow wanted went wrong; the error comes back where it does not deal with it."""
        try:
            self.pending = self._flow.throw(error)
        except StopIteration as end:
            self._finish(end)

    def close(self) -> None:
        """Give the flow up, wherever it is."""
        self._flow.close()

    def _finish(self, end: StopIteration) -> None:
        self.pending = None
        self.result = end.value


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


class AsyncFlowDriver:
    """Runs flows; each has a stream and part files of its own."""

    def __init__(self, transport: AsyncTransport, desk: LocalIO, notify: AsyncNotify) -> None:
        self._transport = transport
        self._local_io = desk
        self._notify = notify

    async def run(self, flow: Flow[T]) -> T:
        """The outcome of a flow; an error of an effect is thrown into the flow first."""
        walk = FlowExecution(flow)
        async with aclosing(self._execute(walk)) as lines:
            async for _ in lines:
                pass
        return walk.result

    def lines(self, flow: Flow[object]) -> AsyncGenerator[str, None]:
        """What there is to show, as it comes; the flow is given up where nobody wants more."""
        return self._execute(FlowExecution(flow))

    async def _execute(self, walk: FlowExecution[T]) -> AsyncGenerator[str, None]:
        errand = _AsyncFlowContext(self._transport, self._local_io, self._notify)
        try:
            while walk.pending is not None:
                if isinstance(walk.pending, OutputLine):
                    yield walk.pending.text
                try:
                    reply = await errand.perform(walk.pending)
                except NemoError as error:
                    walk.throw(error)
                else:
                    walk.send(reply)
        finally:
            walk.close()
            await errand.close()


class _AsyncFlowContext:
    """What one flow has open."""

    def __init__(self, transport: AsyncTransport, desk: LocalIO, notify: AsyncNotify) -> None:
        self._transport = transport
        self._local_io = desk
        self._notify = notify
        self._stream: AsyncStream | None = None
        self._parts: set[Path] = set()

    async def perform(self, effect: Operation) -> object:
        """Do it; its answer."""
        match effect:
            case HttpCall():
                return await self._transport.call(effect, self._send_notice)
            case OpenStream():
                return await self._open(effect)
            case CheckServer():
                return await self._transport.check_server()
            case ReadStream():
                return await self._stream.read() if self._stream is not None else StreamEnd()
            case DownloadFile():
                self._parts.add(effect.part)
                return await self._transport.download(effect, self._send_notice)
            case Sleep(seconds):
                await self._local_io.clock.sleep(seconds)
            case Notice():
                await self._send_notice(effect)
            case OutputLine():
                pass
            case _:
                # Quick answers of the disk: a stat, a rename, a small file of our own.
                return self._local_io.perform(effect)
        return None

    async def close(self) -> None:
        """Hang up, and leave nothing of downloads that did not complete."""
        # The parts first: hanging up waits, and whoever cancelled may not wait for it.
        for part in self._parts:
            delete_part_file(part)
        if self._stream is not None:
            await self._stream.close()

    async def _open(self, effect: OpenStream) -> object:
        got = await self._transport.open_stream(effect)
        if not isinstance(got, AsyncStream):
            return got
        self._stream = got
        return StreamOpened()

    async def _send_notice(self, notice: Notice) -> None:
        told = self._notify(notice)
        if inspect.isawaitable(told):
            await told
