"""So many at once, and in turn: who asks for much waits for those who ask for little."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class FairPlaces:
    """Places for work; who waits is served owner by owner, each owner's in the order they came.

    It belongs to the event loop in which it is first waited for.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        # An owner that has been served goes to the end.
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def of(self, owner: Hashable) -> AsyncIterator[None]:
        """A place for one piece of an owner's work, as long as the block runs."""
        await self._take(owner)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, owner: Hashable) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # It was handed the place in the same moment.
                self._give_back()
            raise

    def _give_back(self) -> None:
        """The place goes to the next who still waits."""
        while self._waiting:
            owner, turns = next(iter(self._waiting.items()))
            del self._waiting[owner]
            turn = turns.popleft()
            if turns:
                self._waiting[owner] = turns
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
