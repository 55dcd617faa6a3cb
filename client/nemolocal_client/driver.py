"""Runs flows: performs each operation with the transport, the clock or the local disk.

`AsyncFlowDriver` never blocks the event loop. A flow that is cancelled leaves no part file and no
open stream; calls that were already sent continue in the backend.
"""

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
    """Steps through a flow; `pending` is its next operation, None at the end."""

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self.pending: Operation | None = None
        self.result: T
        self.send(None)

    def send(self, result: object) -> None:
        """Continue the flow with the result of the pending operation."""
        try:
            self.pending = self._flow.send(result)
        except StopIteration as end:
            self._finish(end)

    def throw(self, error: NemoError) -> None:
        """Continue the flow with an error; raises it again if the flow does not handle it."""
        try:
            self.pending = self._flow.throw(error)
        except StopIteration as end:
            self._finish(end)

    def close(self) -> None:
        """Stop the flow."""
        self._flow.close()

    def _finish(self, end: StopIteration) -> None:
        self.pending = None
        self.result = end.value


class FlowDriver:
    """Runs flows; each has its own stream and part files."""

    def __init__(self, transport: Transport, local_io: LocalIO, notify: Notify) -> None:
        self._transport = transport
        self._local_io = local_io
        self._notify = notify

    def run(self, flow: Flow[T]) -> T:
        """Run a flow and return its result; errors of operations are thrown into the flow first."""
        execution = FlowExecution(flow)
        for _ in self._execute(execution):
            pass
        return execution.result

    def lines(self, flow: Flow[object]) -> Iterator[str]:
        """Yield the lines of a flow as they come; closing the iterator stops the flow."""
        return self._execute(FlowExecution(flow))

    def _execute(self, execution: FlowExecution[T]) -> Iterator[str]:
        context = _FlowContext(self._transport, self._local_io, self._notify)
        try:
            while execution.pending is not None:
                if isinstance(execution.pending, OutputLine):
                    yield execution.pending.text
                try:
                    result = context.perform(execution.pending)
                except NemoError as error:
                    execution.throw(error)
                else:
                    execution.send(result)
        finally:
            execution.close()
            context.close()


class _FlowContext:
    """The open stream and the part files of one flow."""

    def __init__(self, transport: Transport, local_io: LocalIO, notify: Notify) -> None:
        self._transport = transport
        self._local_io = local_io
        self._notify = notify
        self._stream: Stream | None = None
        self._parts: set[Path] = set()

    def perform(self, operation: Operation) -> object:
        """Perform an operation and return its result."""
        match operation:
            case HttpCall():
                return self._transport.call(operation)
            case OpenStream():
                return self._open(operation)
            case CheckServer():
                return self._transport.check_server()
            case ReadStream():
                return self._stream.read() if self._stream is not None else StreamEnd()
            case DownloadFile():
                self._parts.add(operation.part)
                return self._transport.download(operation)
            case Sleep(seconds):
                self._local_io.clock.wait(seconds)
            case Notice():
                self._notify(operation)
            case OutputLine():
                pass
            case _:
                return self._local_io.perform(operation)
        return None

    def close(self) -> None:
        """Close the stream and delete the part files of incomplete downloads."""
        if self._stream is not None:
            self._stream.close()
        for part in self._parts:
            delete_part_file(part)

    def _open(self, operation: OpenStream) -> object:
        got = self._transport.open_stream(operation)
        if not isinstance(got, Stream):
            return got
        self._stream = got
        return StreamOpened()


class AsyncFlowDriver:
    """Runs flows; each has its own stream and part files."""

    def __init__(self, transport: AsyncTransport, local_io: LocalIO, notify: AsyncNotify) -> None:
        self._transport = transport
        self._local_io = local_io
        self._notify = notify

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow and return its result; errors of operations are thrown into the flow first."""
        execution = FlowExecution(flow)
        async with aclosing(self._execute(execution)) as lines:
            async for _ in lines:
                pass
        return execution.result

    def lines(self, flow: Flow[object]) -> AsyncGenerator[str, None]:
        """Yield the lines of a flow as they come; closing the iterator stops the flow."""
        return self._execute(FlowExecution(flow))

    async def _execute(self, execution: FlowExecution[T]) -> AsyncGenerator[str, None]:
        context = _AsyncFlowContext(self._transport, self._local_io, self._notify)
        try:
            while execution.pending is not None:
                if isinstance(execution.pending, OutputLine):
                    yield execution.pending.text
                try:
                    result = await context.perform(execution.pending)
                except NemoError as error:
                    execution.throw(error)
                else:
                    execution.send(result)
        finally:
            execution.close()
            await context.close()


class _AsyncFlowContext:
    """The open stream and the part files of one flow."""

    def __init__(self, transport: AsyncTransport, local_io: LocalIO, notify: AsyncNotify) -> None:
        self._transport = transport
        self._local_io = local_io
        self._notify = notify
        self._stream: AsyncStream | None = None
        self._parts: set[Path] = set()

    async def perform(self, operation: Operation) -> object:
        """Perform an operation and return its result."""
        match operation:
            case HttpCall():
                return await self._transport.call(operation, self._send_notice)
            case OpenStream():
                return await self._open(operation)
            case CheckServer():
                return await self._transport.check_server()
            case ReadStream():
                return await self._stream.read() if self._stream is not None else StreamEnd()
            case DownloadFile():
                self._parts.add(operation.part)
                return await self._transport.download(operation, self._send_notice)
            case Sleep(seconds):
                await self._local_io.clock.sleep(seconds)
            case Notice():
                await self._send_notice(operation)
            case OutputLine():
                pass
            case _:
                # Short enough for the event loop: a stat, a rename, a small file.
                return self._local_io.perform(operation)
        return None

    async def close(self) -> None:
        """Close the stream and delete the part files of incomplete downloads."""
        # The part files first: closing the stream waits, and may be cancelled.
        for part in self._parts:
            delete_part_file(part)
        if self._stream is not None:
            await self._stream.close()

    async def _open(self, operation: OpenStream) -> object:
        got = await self._transport.open_stream(operation)
        if not isinstance(got, AsyncStream):
            return got
        self._stream = got
        return StreamOpened()

    async def _send_notice(self, notice: Notice) -> None:
        awaitable = self._notify(notice)
        if inspect.isawaitable(awaitable):
            await awaitable
