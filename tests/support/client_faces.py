"""The sync and the async client, so that one test can drive both.

`BlockingAsyncClient` is the async client called like the sync one.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Self, cast

from nemolocal_client import AsyncClient, Client
from nemolocal_client.operations import Flow

ClientFactory = Callable[..., Client]
# Runs a coroutine to its end.
WaitFor = Callable[[Coroutine[Any, Any, Any]], Any]


class BlockingAsyncClient:
    """An async client whose calls block: each runs in a loop of its own, or by `wait_for`."""

    def __init__(self, *arguments: Any, wait_for: WaitFor | None = None, **options: Any) -> None:
        self._client = AsyncClient(*arguments, **options)
        # Unlike a bare loop it ends what is still pending when it is closed, as `asyncio.run` does.
        self._runner = asyncio.Runner()
        self._wait_for = wait_for or self._runner.run
        self._is_closed = False

    def __repr__(self) -> str:
        return repr(self._client)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        if not inspect.iscoroutinefunction(value):
            return value
        return lambda *given, **named: self._wait_for(value(*given, **named))

    def stream(self, message: str) -> Iterator[str]:
        return self.lines(self._client.workspace.say(message))

    def lines(self, flow: Flow[Any]) -> Iterator[str]:
        lines = self._client.lines(flow)
        try:
            while (line := self._wait_for(_next(lines))) is not None:
                yield line
        finally:
            self._wait_for(_close(lines))

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._wait_for(self._client.close())
            self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


async def _next(lines: Any) -> str | None:
    return cast("str | None", await anext(lines, None))


async def _close(lines: Any) -> None:
    await lines.aclose()


FACES: dict[str, ClientFactory] = {
    "sync": Client,
    "async": cast("ClientFactory", BlockingAsyncClient),
}
