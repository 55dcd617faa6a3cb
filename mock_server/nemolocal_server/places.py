"""Places to work in, fair between their owners: nobody waits long for what somebody else wants."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from contextvars import ContextVar

OWNER: ContextVar[str] = ContextVar("owner", default="")
"""Whose work a task does. It goes through whatever stands between an export and its executor."""

# A render that has its place for so many seconds keeps nobody else from beginning.
PATIENCE = 15.0
# So many of those at most: each holds memory.
_MOST_OVERDUE = 4


class _Stay:
    """One that has a place, or waits for it."""

    def __init__(self, owner: Hashable) -> None:
        self.owner = owner
        self.begun = asyncio.get_running_loop().create_future()
        self.overdue = False


class Places:
    """So many places, and who is in them.

    The next to begin is the one whose owner has the fewest, and among those has waited longest
    since one of his began; first come, first served for the rest. Whoever stays longer than
    `patience` seconds goes on, but an owner who has no place yet may begin beside; nobody may where
    it is None.
    """

    def __init__(self, count: int, patience: float | None = PATIENCE) -> None:
        self._count = count
        self._patience = patience
        self._waiting: list[_Stay] = []
        self._inside: list[_Stay] = []
        # When somebody of an owner began last, counted in beginnings.
        self._begun: dict[Hashable, int] = {}

    @property
    def taken(self) -> int:
        """How many work at the moment."""
        return len(self._inside)

    @asynccontextmanager
    async def place(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a place, and have it."""
        stay = _Stay(owner)
        self._waiting.append(stay)
        self._admit()
        try:
            await stay.begun
            yield
        finally:
            # Whoever is cancelled may have been let in a moment before.
            (self._inside if stay in self._inside else self._waiting).remove(stay)
            self._admit()

    def _admit(self) -> None:
        while (stay := self._next()) is not None:
            self._waiting.remove(stay)
            self._inside.append(stay)
            self._remember(stay.owner)
            stay.begun.set_result(None)
            if self._patience is not None:
                asyncio.get_running_loop().call_later(self._patience, self._outstay, stay)

    def _next(self) -> _Stay | None:
        """Who may begin now."""
        owners = [stay.owner for stay in self._inside]
        free = self._count - len(owners)
        # Whoever was cancelled is still in the list until its task goes on.
        waiting = [stay for stay in self._waiting if not stay.begun.done()]
        if free > 0:
            return min(waiting, key=self._turn, default=None)
        overdue = min(sum(stay.overdue for stay in self._inside), _MOST_OVERDUE)
        if free + overdue <= 0:
            return None
        return next((stay for stay in waiting if stay.owner not in owners), None)

    def _turn(self, stay: _Stay) -> tuple[int, int]:
        """The smaller, the earlier."""
        own = sum(one.owner == stay.owner for one in self._inside)
        return own, self._begun.get(stay.owner, 0)

    def _remember(self, owner: Hashable) -> None:
        present = {stay.owner for stay in (*self._waiting, *self._inside)}
        latest = max(self._begun.values(), default=0)
        self._begun = {name: at for name, at in self._begun.items() if name in present}
        self._begun[owner] = latest + 1

    def _outstay(self, stay: _Stay) -> None:
        stay.overdue = True
        self._admit()
