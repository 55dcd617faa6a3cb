"""What waits to be written: exchanges are understood and stored when there is time for it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from .exchange import Exchange

MAX_BYTES = 32 * 1024 * 1024
# Every so many seconds it is seen whether there is time, and then a slice is written: one slice is
# all that a stream may have to wait for.
_MOMENT = 0.02
_SLICE = 100
_SLICE_BYTES = 512 * 1024
# More exchanges than this in a moment, 2,000 a second, are a load: then requests come first.
BUSY = 40


class Backlog:
    """Exchanges in the order in which they ended, which `write` gets in slices.

    `write` is also told how many older ones were given up since it was called last.
    """

    def __init__(self, write: Callable[[Sequence[Exchange], int], None]) -> None:
        self._write = write
        self._waiting: deque[Exchange] = deque()
        self._given_up = 0
        self._bytes = 0
        self._fresh = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, exchange: Exchange) -> None:
        """Let it wait; where memory runs short, the oldest are written now."""
        self._waiting.append(exchange)
        exchange.weight = exchange.weigh()
        self._bytes += exchange.weight
        self._fresh += 1
        while self._bytes > MAX_BYTES:
            self._write_slice()
        if self._timer is None:
            self._look_later()

    def give_up_oldest(self) -> None:
        """Forget one that nobody will ask for any more."""
        self._bytes -= self._waiting.popleft().weight
        self._given_up += 1

    def clear_up(self) -> None:
        """Write all that waits."""
        while self._waiting:
            self._write_slice()

    def discard(self) -> None:
        """Forget what waits, as if it had never been."""
        self._waiting.clear()
        self._given_up = self._bytes = 0

    def close(self) -> None:
        """Write all that waits, and look no more."""
        self.clear_up()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_MOMENT, self._look)

    def _look(self) -> None:
        self._timer = None
        busy, self._fresh = self._fresh > BUSY, 0
        if self._waiting:
            self._look_later()
            if not busy:
                self._write_slice()

    def _write_slice(self) -> None:
        # Taken out first: what cannot be written is no reason to try for ever.
        taken: list[Exchange] = []
        room = _SLICE_BYTES
        while self._waiting and len(taken) < _SLICE and room > 0:
            taken.append(self._waiting.popleft())
            room -= taken[-1].weight
        self._bytes -= _SLICE_BYTES - room
        given_up, self._given_up = self._given_up, 0
        self._write(taken, given_up)
