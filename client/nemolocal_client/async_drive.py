"""The async loop: what `drive` does, without ever blocking the event loop.

A flow that is cancelled leaves no part file and no open stream; what it had asked for goes on in
the backend.
"""

import inspect
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

from .async_transport import AsyncStream, AsyncTransport
from .desk import Desk
from .effects import (
    AsyncNotify,
    Call,
    CheckServer,
    Download,
    Effect,
    Flow,
    Line,
    Notice,
    Opened,
    OpenStream,
    ReadStream,
    StreamEnd,
    Wait,
)
from .errors import NemoError
from .files import discard
from .walk import Walk

T = TypeVar("T")


class AsyncDriver:
    """Runs flows; each has a stream and part files of its own."""

    def __init__(self, transport: AsyncTransport, desk: Desk, notify: AsyncNotify) -> None:
        self._transport = transport
        self._desk = desk
        self._notify = notify

    async def run(self, flow: Flow[T]) -> T:
        """The outcome of a flow; an error of an effect is thrown into the flow first."""
        walk = Walk(flow)
        async with aclosing(self._follow(walk)) as lines:
            async for _ in lines:
                pass
        return walk.outcome

    def lines(self, flow: Flow[object]) -> AsyncGenerator[str, None]:
        """What there is to show, as it comes; the flow is given up where nobody wants more."""
        return self._follow(Walk(flow))

    async def _follow(self, walk: Walk[T]) -> AsyncGenerator[str, None]:
        errand = _Errand(self._transport, self._desk, self._notify)
        try:
            while walk.wants is not None:
                if isinstance(walk.wants, Line):
                    yield walk.wants.text
                try:
                    reply = await errand.perform(walk.wants)
                except NemoError as error:
                    walk.refuse(error)
                else:
                    walk.answer(reply)
        finally:
            walk.close()
            await errand.end()


class _Errand:
    """What one flow has open."""

    def __init__(self, transport: AsyncTransport, desk: Desk, notify: AsyncNotify) -> None:
        self._transport = transport
        self._desk = desk
        self._notify = notify
        self._stream: AsyncStream | None = None
        self._parts: set[Path] = set()

    async def perform(self, effect: Effect) -> object:
        """Do it; its answer."""
        match effect:
            case Call():
                return await self._transport.call(effect, self._tell)
            case OpenStream():
                return await self._open(effect)
            case CheckServer():
                return await self._transport.check()
            case ReadStream():
                return await self._stream.read() if self._stream is not None else StreamEnd()
            case Download():
                self._parts.add(effect.part)
                return await self._transport.download(effect, self._tell)
            case Wait(seconds):
                await self._desk.clock.sleep(seconds)
            case Notice():
                await self._tell(effect)
            case Line():
                pass
            case _:
                # Quick answers of the disk: a stat, a rename, a small file of our own.
                return self._desk.answer(effect)
        return None

    async def end(self) -> None:
        """Hang up, and leave nothing of downloads that did not complete."""
        # The parts first: hanging up waits, and whoever cancelled may not wait for it.
        for part in self._parts:
            discard(part)
        if self._stream is not None:
            await self._stream.close()

    async def _open(self, effect: OpenStream) -> object:
        got = await self._transport.open_stream(effect)
        if not isinstance(got, AsyncStream):
            return got
        self._stream = got
        return Opened()

    async def _tell(self, notice: Notice) -> None:
        told = self._notify(notice)
        if inspect.isawaitable(told):
            await told
