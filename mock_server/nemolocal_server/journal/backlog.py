"""What waits to be written: exchanges are understood and stored when there is time for it."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from ..machine_limits import STORAGE_ERRORS
from .exchange import Exchange

log = logging.getLogger("nemolocal")

MAX_BYTES = 32 * 1024 * 1024
# Every so many seconds it is seen whether there is time, and then a slice is written: one slice is
# all that a stream may have to wait for.
_MOMENT = 0.02
_SLICE = 100
_SLICE_BYTES = 512 * 1024
# More exchanges than this in a moment, 2,000 a second, are a load: then requests come first.
BUSY = 40


# Where they cannot be written (the disk is full), it is tried again after so many seconds.
_AGAIN = 1.0


class Backlog:
    """Exchanges in the order in which they ended, which `write` gets in slices.

    `write` is also told how many older ones were given up since it was called last. What it cannot
    write, since the machine does not let it, waits on; where that is too much, the oldest are given
    up, turns of the chat last.
    """

    def __init__(self, write: Callable[[Sequence[Exchange], int], None]) -> None:
        self._write = write
        self._waiting: deque[Exchange] = deque()
        # Turns that came before those that were given up: they go on to wait, first of all.
        self._spared: deque[Exchange] = deque()
        self._given_up = 0
        self._bytes = 0
        self._fresh = 0
        self._stuck = False
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._spared)

    def add(self, exchange: Exchange) -> None:
        """Let it wait; where memory runs short, the oldest are written now, or given up."""
        self._waiting.append(exchange)
        exchange.weight = exchange.weigh()
        self._bytes += exchange.weight
        self._fresh += 1
        while self._bytes > MAX_BYTES:
            if self._stuck or not self._try_slice():
                self.give_up_oldest()
        if self._timer is None:
            self._look_later()

    def give_up_oldest(self) -> None:
        """Forget one that nobody will ask for any more: a turn only where nothing else waits."""
        while self._waiting and self._waiting[0].truth.turn is not None:
            self._spared.append(self._waiting.popleft())
        oldest = (self._waiting or self._spared).popleft()
        self._bytes -= oldest.weight
        self._given_up += 1

    @property
    def given_up(self) -> int:
        """How many were given up and are in no count that is written yet."""
        return self._given_up

    def clear_up(self) -> None:
        """Write all that waits; raises what keeps it from being written."""
        while len(self):
            self._write_slice()

    def discard(self) -> None:
        """Forget what waits, as if it had never been."""
        self._waiting.clear()
        self._spared.clear()
        self._given_up = self._bytes = 0

    def close(self) -> None:
        """Write all that can be written, give up the rest, and look no more."""
        while len(self) and self._try_slice():
            pass
        given_up = self._given_up + len(self)
        self.discard()
        self._given_up = given_up
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self, seconds: float = _MOMENT) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        busy, self._fresh = self._fresh > BUSY, 0
        if not len(self):
            return
        if busy and not self._stuck:
            self._look_later()
        else:
            self._look_later(_MOMENT if self._try_slice() else _AGAIN)

    def _try_slice(self) -> bool:
        """Write a slice; False, said once in the log, where the machine does not let us."""
        try:
            self._write_slice()
        except STORAGE_ERRORS as error:
            if not self._stuck:
                log.warning("the journal cannot be written, and waits: %s", error)
            self._stuck = True
        return not self._stuck

    def _write_slice(self) -> None:
        taken: list[Exchange] = []
        room = _SLICE_BYTES
        self._waiting.extendleft(reversed(self._spared))
        self._spared.clear()
        while self._waiting and len(taken) < _SLICE and room > 0:
            taken.append(self._waiting.popleft())
            room -= taken[-1].weight
        self._bytes -= _SLICE_BYTES - room
        given_up, self._given_up = self._given_up, 0
        try:
            self._write(taken, given_up)
        except BaseException:
            self._waiting.extendleft(reversed(taken))
            self._bytes += _SLICE_BYTES - room
            self._given_up += given_up
            raise
        self._stuck = False
