"""The event feed: what has changed on the server, coalesced to four events a second.

Each listener holds a position and compares it with the state of the server four times a second. So
a request pays nothing for listeners, a slow listener has no queue, and one that reconnects gets
everything that it missed in one event.
"""

import asyncio
import contextlib
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncGenerator
from operator import attrgetter

import msgspec

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.control_api import Changes, EntryRange

from ..context import ServerContext
from ..faults.fault_service import FaultService
from ..scripted_replies.reply_service import ReplyService

INTERVAL_SECONDS = 0.25
"""The minimum time between two events of a listener, in real time."""

MAX_LISTENERS = 100
"""The number of listeners at once; each costs the server four comparisons a second."""

MAX_POSITIONS = 4096
"""The number of positions from which a listener can resume."""


class FeedPosition(msgspec.Struct, frozen=True):
    """The state of the server at an event, as far as the feed compares it.

    `faults` and `replies` are hashes of what is armed and registered, with its counts.
    """

    number: int
    restarts: int
    change: int
    journal: int
    clock: float
    faults: int
    replies: int


class FeedEvent(msgspec.Struct, frozen=True):
    """An event for a listener; `changes` is None after a reset or a restore."""

    number: int
    changes: Changes | None


class ChangeFeed:
    """Compares the state of the server with the positions of listeners."""

    def __init__(self, context: ServerContext, faults: FaultService, replies: ReplyService) -> None:
        self._context = context
        self._faults = faults
        self._replies = replies
        # Higher than all numbers of an earlier process, so that its positions are not found here.
        self._number = int(context.store.wall_clock.time() * 1000)
        self._positions: deque[FeedPosition] = deque(maxlen=MAX_POSITIONS)
        self._closed = asyncio.Event()
        self.listeners = 0

    def current(self) -> FeedPosition:
        """Return the position of the server now, with a new number if anything has changed."""
        store, clock = self._context.store, self._context.clock
        now = FeedPosition(
            number=self._number,
            restarts=store.changes.restarts,
            change=store.changes.number,
            journal=store.fetch_value("SELECT seq FROM sqlite_sequence WHERE name = 'journal'")
            or 0,
            clock=clock.time() if isinstance(clock, ManualClock) else 0.0,
            faults=hash(tuple((armed.id, armed.hits) for armed in self._faults.registry.armed)),
            replies=hash(
                tuple((entry.reply.name, entry.uses) for entry in self._replies.registered)
            ),
        )
        if self._positions and self._positions[-1] == now:
            return self._positions[-1]
        self._number += 1
        now = msgspec.structs.replace(now, number=self._number)
        self._positions.append(now)
        return now

    def find(self, number: int) -> FeedPosition | None:
        """Return the position with this number; None if it is unknown or too old."""
        at = bisect_left(self._positions, number, key=attrgetter("number"))
        if at == len(self._positions) or self._positions[at].number != number:
            return None
        return self._positions[at]

    def next_event(self, since: FeedPosition | None) -> tuple[FeedPosition, FeedEvent | None]:
        """Return the current position, and the event that leads there; None if nothing changed.

        `since` is None for a position that is unknown.
        """
        now = self.current()
        if now is since:
            return now, None
        log = self._context.store.changes
        if since is None or since.restarts != now.restarts or not log.remembers(since.change):
            return now, FeedEvent(now.number, None)
        changed = log.since(since.change)
        is_longer = now.journal > since.journal
        changes = Changes(
            journal=EntryRange(since.journal + 1, now.journal) if is_longer else None,
            sessions=tuple(changed["session"]),
            renders=tuple(changed["render"]),
            clock=now.clock != since.clock,
            faults=now.faults != since.faults,
            replies=now.replies != since.replies,
        )
        return now, FeedEvent(now.number, changes)

    async def listen(self, since: int | None) -> AsyncGenerator[FeedEvent]:
        """Yield the events after the event `since`, or from now on, until the server stops."""
        position = self.current() if since is None else self.find(since)
        self.listeners += 1
        try:
            while not self._closed.is_set():
                position, event = self.next_event(position)
                if event is not None:
                    yield event
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closed.wait(), INTERVAL_SECONDS)
        finally:
            self.listeners -= 1

    def close(self) -> None:
        """End all streams, since the server stops."""
        self._closed.set()
