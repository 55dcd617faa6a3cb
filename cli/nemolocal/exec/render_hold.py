"""Holds the answers to polls of an export while it is being rendered.

In a scenario a client divides its waits by the speed of the clock, but FFmpeg takes real time: ten
polls would be over before a slow machine has rendered anything. While the client waits for an
answer its own clock stands still, so it sees an export that takes as long as its scenario says.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from nemolocal_contract.endpoints import find_endpoint

_CHECK_SECONDS = 0.01


class RenderHoldMiddleware:
    """ASGI middleware that delays polls.

    A poll `queue_seconds` or more after the newest submit is answered once `count_running`, the
    number of exports that wait or run, is 0. Earlier polls are answered at once: the export is
    still in the queue.
    """

    def __init__(self, app: Any, queue_seconds: float, count_running: Callable[[], int]) -> None:
        self._app = app
        self._queue_seconds = queue_seconds
        self._count_running = count_running
        self._submitted = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on; hold a poll until the renders are done."""
        if scope["type"] == "http":
            found = find_endpoint(scope["method"], scope["path"])
            name = found[0] if found else ""
            if name == "render":
                self._submitted = asyncio.get_running_loop().time()
            elif name == "render_status":
                await self._hold()
        await self._app(scope, receive, send)

    async def _hold(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._submitted >= self._queue_seconds:
            while self._count_running():
                await asyncio.sleep(_CHECK_SECONDS)
