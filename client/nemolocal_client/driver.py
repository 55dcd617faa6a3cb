"""Runs flows: performs each operation with the transport, the clock or the local disk.

`AsyncFlowDriver` never blocks the event loop. A flow that is cancelled leaves no part file and no
open stream; calls that were already sent continue in the backend.
"""

import inspect
import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Generic, TypeVar

from nemolocal_contract.clock import Clock

from .errors import NemoError
from .local_files import (
    InputFiles,
    choose_destination,
    delete_part_file,
    file_identity,
    file_size,
    move_into_place,
)
from .operations import (
    AsyncNotify,
    CheckDestination,
    CheckServer,
    DownloadFile,
    FindFiles,
    Flow,
    GetTime,
    HttpCall,
    LoadClientId,
    LoadInputs,
    LoadSessions,
    LoadTokens,
    LocalOperation,
    MoveFile,
    Notice,
    Notify,
    OpenStream,
    Operation,
    OutputLine,
    ReadStream,
    RenewClientId,
    SaveSession,
    SaveToken,
    Sleep,
    StatFiles,
    StreamEnd,
    StreamOpened,
)
from .profile import IdentityStore, InputStore
from .transport import AsyncStream, AsyncTransport, Stream, Transport

T = TypeVar("T")


class LocalIO:
    """Performs the operations that neither use the network nor wait."""

    def __init__(self, base_url: str, clock: Clock, store: IdentityStore) -> None:
        self.base_url = base_url
        self.clock = clock
        self._store = store
        self._inputs = InputFiles()

    def perform(self, operation: LocalOperation) -> object:
        """Perform an operation and return its result."""
        match operation:
            case GetTime():
                return self.clock.time()
            case LoadClientId():
                return self._store.client_id(self.base_url)
            case RenewClientId():
                return self._store.renew_client_id(self.base_url)
            case LoadTokens():
                newest = self._store.token(self.base_url)
                earlier = self._store.earlier_tokens(self.base_url)
                return () if newest is None else (newest, *earlier)
            case LoadSessions():
                return self._store.sessions(self.base_url)
            case StatFiles(paths, session_id):
                self._protect(paths, session_id)
                return tuple(map(file_size, paths))
            case CheckDestination(path, overwrite, number_inputs):
                inputs = self._inputs
                return choose_destination(
                    path, inputs, overwrite=overwrite, number_inputs=number_inputs
                )
            case MoveFile(part, destination, overwrite):
                return move_into_place(part, destination, self._inputs, overwrite=overwrite)
            case FindFiles(names):
                return tuple(name for name in names if os.path.isfile(name))
            case _:
                self._perform_without_result(operation)
                return None

    def _protect(self, paths: Sequence[Path], session_id: str) -> None:
        files = [found for path in paths if (found := file_identity(path)) is not None]
        self._inputs.add_identities(files)
        if session_id and isinstance(self._store, InputStore):
            self._store.keep_inputs(self.base_url, session_id, files)

    def _perform_without_result(self, operation: SaveToken | SaveSession | LoadInputs) -> None:
        """Perform an operation whose result is None."""
        match operation:
            case SaveToken(saved):
                self._store.keep(self.base_url, saved)
            case LoadInputs(session_id):
                if isinstance(self._store, InputStore):
                    self._inputs.add_identities(self._store.inputs(self.base_url, session_id))
            case _:
                self._store.keep_session(self.base_url, operation.saved_session)


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
