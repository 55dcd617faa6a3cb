"""A semaphore that is fair between owners, so that one with much work does not block the others."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from contextvars import ContextVar

CURRENT_OWNER: ContextVar[str] = ContextVar("owner", default="")
"""The owner of a task's work. It passes through everything between an export and its executor."""

# A slot that is used for longer no longer blocks other owners, in seconds.
OVERDUE_SECONDS = 15.0
# The maximum of such slots: each holds memory.
_MAX_OVERDUE = 4


class _Slot:
    """A slot that is used or waited for."""

    def __init__(self, owner: Hashable) -> None:
        self.owner = owner
        self.admitted = asyncio.get_running_loop().create_future()
        self.is_overdue = False


class FairSemaphore:
    """A fixed number of slots.

    The next slot goes to the owner with the fewest slots, and among those to the one whose last
    start is longest ago; then first come, first served. After `overdue_seconds` a slot stays in
    use, but an owner without a slot may get an extra one beside it; with None there is no extra.
    """

    def __init__(self, count: int, overdue_seconds: float | None = OVERDUE_SECONDS) -> None:
        self._count = count
        self._overdue_seconds = overdue_seconds
        self._waiting: list[_Slot] = []
        self._running: list[_Slot] = []
        # The number of the last start of each owner.
        self._last_start: dict[Hashable, int] = {}

    @property
    def in_use(self) -> int:
        """The number of slots in use."""
        return len(self._running)

    @asynccontextmanager
    async def slot(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a slot and use it."""
        slot = _Slot(owner)
        self._waiting.append(slot)
        self._admit()
        try:
            await slot.admitted
            yield
        finally:
            # A cancelled task may have been admitted a moment before.
            (self._running if slot in self._running else self._waiting).remove(slot)
            self._admit()

    def _admit(self) -> None:
        while (slot := self._next()) is not None:
            self._waiting.remove(slot)
            self._running.append(slot)
            self._record_start(slot.owner)
            slot.admitted.set_result(None)
            if self._overdue_seconds is not None:
                asyncio.get_running_loop().call_later(
                    self._overdue_seconds, self._mark_overdue, slot
                )

    def _next(self) -> _Slot | None:
        owners = [slot.owner for slot in self._running]
        free = self._count - len(owners)
        # A cancelled task stays in the list until it runs again.
        waiting = [slot for slot in self._waiting if not slot.admitted.done()]
        if free > 0:
            return min(waiting, key=self._priority, default=None)
        overdue = min(sum(slot.is_overdue for slot in self._running), _MAX_OVERDUE)
        if free + overdue <= 0:
            return None
        return next((slot for slot in waiting if slot.owner not in owners), None)

    def _priority(self, slot: _Slot) -> tuple[int, int]:
        """Return a sort key: the smallest one is next."""
        running = sum(other.owner == slot.owner for other in self._running)
        return running, self._last_start.get(slot.owner, 0)

    def _record_start(self, owner: Hashable) -> None:
        owners = {slot.owner for slot in (*self._waiting, *self._running)}
        latest = max(self._last_start.values(), default=0)
        self._last_start = {
            name: number for name, number in self._last_start.items() if name in owners
        }
        self._last_start[owner] = latest + 1

    def _mark_overdue(self, slot: _Slot) -> None:
        slot.is_overdue = True
        self._admit()
