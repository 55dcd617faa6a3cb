"""Places to work in, fair between their owners: nobody waits long for what somebody else wants."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from contextvars import ContextVar

CURRENT_OWNER: ContextVar[str] = ContextVar("owner", default="")
"""Whose work a task does. It goes through whatever stands between an export and its executor."""

# A render that has its place for so many seconds keeps nobody else from beginning.
OVERDUE_SECONDS = 15.0
# So many of those at most: each holds memory.
_MOST_OVERDUE = 4


class _Slot:
    """One that has a place, or waits for it."""

    def __init__(self, owner: Hashable) -> None:
        self.owner = owner
        self.admitted = asyncio.get_running_loop().create_future()
        self.overdue = False


class FairSemaphore:
    """So many places, and who is in them.

    The next to begin is the one whose owner has the fewest, and among those has waited longest
    since one of his began; first come, first served for the rest. Whoever stays longer than
    `patience` seconds goes on, but an owner who has no place yet may begin beside; nobody may where
    it is None.
    """

    def __init__(self, count: int, patience: float | None = OVERDUE_SECONDS) -> None:
        self._count = count
        self._overdue_seconds = patience
        self._waiting: list[_Slot] = []
        self._running: list[_Slot] = []
        # When somebody of an owner began last, counted in beginnings.
        self._last_admitted: dict[Hashable, int] = {}

    @property
    def in_use(self) -> int:
        """How many work at the moment."""
        return len(self._running)

    @asynccontextmanager
    async def slot(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a place, and have it."""
        stay = _Slot(owner)
        self._waiting.append(stay)
        self._admit()
        try:
            await stay.admitted
            yield
        finally:
            # Whoever is cancelled may have been let in a moment before.
            (self._running if stay in self._running else self._waiting).remove(stay)
            self._admit()

    def _admit(self) -> None:
        while (stay := self._next()) is not None:
            self._waiting.remove(stay)
            self._running.append(stay)
            self._remember(stay.owner)
            stay.admitted.set_result(None)
            if self._overdue_seconds is not None:
                asyncio.get_running_loop().call_later(
                    self._overdue_seconds, self._mark_overdue, stay
                )

    def _next(self) -> _Slot | None:
        """Who may begin now."""
        owners = [stay.owner for stay in self._running]
        free = self._count - len(owners)
        # Whoever was cancelled is still in the list until its task goes on.
        waiting = [stay for stay in self._waiting if not stay.admitted.done()]
        if free > 0:
            return min(waiting, key=self._priority, default=None)
        overdue = min(sum(stay.overdue for stay in self._running), _MOST_OVERDUE)
        if free + overdue <= 0:
            return None
        return next((stay for stay in waiting if stay.owner not in owners), None)

    def _priority(self, stay: _Slot) -> tuple[int, int]:
        """The smaller, the earlier."""
        own = sum(one.owner == stay.owner for one in self._running)
        return own, self._last_admitted.get(stay.owner, 0)

    def _remember(self, owner: Hashable) -> None:
        present = {stay.owner for stay in (*self._waiting, *self._running)}
        latest = max(self._last_admitted.values(), default=0)
        self._last_admitted = {
            name: at for name, at in self._last_admitted.items() if name in present
        }
        self._last_admitted[owner] = latest + 1

    def _mark_overdue(self, stay: _Slot) -> None:
        stay.overdue = True
        self._admit()
