"""What waits to be written: exchanges are understood and stored when there is time for it."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from ..data.storage_errors import STORAGE_ERRORS
from .exchange import RecordedExchange

log = logging.getLogger("nemolocal")

MAX_BYTES = 32 * 1024 * 1024
# Every so many seconds it is seen whether there is time, and then a slice is written: one slice is
# all that a stream may have to wait for.
_CHECK_SECONDS = 0.02
_SLICE = 100
_SLICE_BYTES = 512 * 1024
# More exchanges than this in a moment, 2,000 a second, are a load: then requests come first.
BUSY_THRESHOLD = 40


# Where they cannot be written (the disk is full), it is tried again after so many seconds.
_RETRY_SECONDS = 1.0


class JournalWriteQueue:
    """Exchanges in the order in which they ended, which `write` gets in slices.

    `write` is also told how many older ones were given up since it was called last. What it cannot
    write, since the machine does not let it, waits on; where that is too much, the oldest are given
    up, turns of the chat last.
    """

    def __init__(self, write: Callable[[Sequence[RecordedExchange], int], None]) -> None:
        self._write = write
        self._waiting: deque[RecordedExchange] = deque()
        # Turns that came before those that were given up: they go on to wait, first of all.
        self._kept_turns: deque[RecordedExchange] = deque()
        self._dropped = 0
        self._bytes = 0
        self._added_since_check = 0
        self._stuck = False
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._kept_turns)

    def add(self, exchange: RecordedExchange) -> None:
        """Let it wait; where memory runs short, the oldest are written now, or given up."""
        self._waiting.append(exchange)
        exchange.memory_size = exchange.estimate_memory_size()
        self._bytes += exchange.memory_size
        self._added_since_check += 1
        while self._bytes > MAX_BYTES:
            if self._stuck or not self._try_slice():
                self.drop_oldest()
        if self._timer is None:
            self._check_later()

    def drop_oldest(self) -> None:
        """Forget one that nobody will ask for any more: a turn only where nothing else waits."""
        while self._waiting and self._waiting[0].annotations.turn is not None:
            self._kept_turns.append(self._waiting.popleft())
        oldest = (self._waiting or self._kept_turns).popleft()
        self._bytes -= oldest.memory_size
        self._dropped += 1

    @property
    def dropped_count(self) -> int:
        """How many were given up and are in no count that is written yet."""
        return self._dropped

    def flush(self) -> None:
        """Write all that waits; raises what keeps it from being written."""
        while len(self):
            self._write_slice()

    def discard(self) -> None:
        """Forget what waits, as if it had never been."""
        self._waiting.clear()
        self._kept_turns.clear()
        self._dropped = self._bytes = 0

    def close(self) -> None:
        """Write all that can be written, give up the rest, and look no more."""
        while len(self) and self._try_slice():
            pass
        given_up = self._dropped + len(self)
        self.discard()
        self._dropped = given_up
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check_later(self, seconds: float = _CHECK_SECONDS) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._check)

    def _check(self) -> None:
        self._timer = None
        busy, self._added_since_check = self._added_since_check > BUSY_THRESHOLD, 0
        if not len(self):
            return
        if busy and not self._stuck:
            self._check_later()
        else:
            self._check_later(_CHECK_SECONDS if self._try_slice() else _RETRY_SECONDS)

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
        taken: list[RecordedExchange] = []
        room = _SLICE_BYTES
        self._waiting.extendleft(reversed(self._kept_turns))
        self._kept_turns.clear()
        while self._waiting and len(taken) < _SLICE and room > 0:
            taken.append(self._waiting.popleft())
            room -= taken[-1].memory_size
        self._bytes -= _SLICE_BYTES - room
        given_up, self._dropped = self._dropped, 0
        try:
            self._write(taken, given_up)
        except BaseException:
            self._waiting.extendleft(reversed(taken))
            self._bytes += _SLICE_BYTES - room
            self._dropped += given_up
            raise
        self._stuck = False
