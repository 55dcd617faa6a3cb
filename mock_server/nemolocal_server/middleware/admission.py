"""Admission of requests: a burst of thousands is begun step by step, and health never waits for it.

An event loop runs all that is ready before it looks at the network again. Were each request of a
burst begun at once, whoever asks for health meanwhile would wait until all have been answered.
"""

import asyncio
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

from nemolocal_contract import endpoints

_HEALTH = endpoints.HEALTH.path()

# How many requests begin in one turn of the event loop: some ten milliseconds of work.
_MAX_PER_TURN = 8
# While more come in, one request begins in so many turns: a turn accepts one connection only.
_TURNS_PER_REQUEST_IN_BURST = 16
_QUIET_TURNS = 2


class AdmissionMiddleware:
    """Begins requests in the order they came, a few in each turn of the event loop."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._waiting: deque[asyncio.Future[None]] = deque()
        # From the first request until none has come, begun or waited for two turns: one is seen
        # in the turn after that in which it came.
        self._active = False
        self._came = False
        self._turns = self._quiet = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != _HEALTH:
            await self._admission()
        await self._app(scope, receive, send)

    async def _admission(self) -> None:
        loop = asyncio.get_running_loop()
        if self._active:
            admitted = loop.create_future()
            self._waiting.append(admitted)
            self._came = True
            await admitted
        else:
            self._active, self._turns, self._quiet = True, 0, 0
            loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        came, self._came = self._came, False
        self._turns += 1
        begun = 0
        if not came:
            begun = self._admit(_MAX_PER_TURN)
        elif self._turns >= _TURNS_PER_REQUEST_IN_BURST:
            begun = self._admit(1)
        self._quiet = 0 if begun or self._waiting else self._quiet + 1
        self._active = self._quiet < _QUIET_TURNS
        if self._active:
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _admit(self, most: int) -> int:
        """Let the first ones in; how many they were."""
        self._turns = begun = 0
        while self._waiting and begun < most:
            admitted = self._waiting.popleft()
            if not admitted.done():  # it is, where the request was given up meanwhile
                admitted.set_result(None)
                begun += 1
        return begun
