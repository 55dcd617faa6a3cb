"""One turn of a conversation: its plan, what it will change, and who listens to it."""

import asyncio
from collections.abc import AsyncIterator
from itertools import chain

from nemolocal_agent import Edit
from nemolocal_contract.turn_events import TurnEvent

from ..data.sessions import SessionRecord
from .draft_service import StagePreview
from .silent_turns import EditOutcome
from .turn_schedule import TurnStep


class RunningTurn:
    """A turn that was begun: its plan, and the events that it has told so far.

    `stages` are the edits that each `CommitEdits` of the plan applies; none for talk. `previews`
    are what they would have done when the turn began; none after a restart. `is_resolved` says that
    what becomes of them stands in the store: done, given up, or still to be applied.
    """

    def __init__(self, session: SessionRecord, number: int, plan: list[TurnStep]) -> None:
        self.session = session
        self.number = number
        self.steps = plan
        self.stages: tuple[tuple[Edit, ...], ...] = ()
        self.previews: list[StagePreview] = []
        self.hold_id: int | None = None
        self.outcome = EditOutcome()
        self.is_resolved = False
        self._queue: asyncio.Queue[TurnEvent | None] = asyncio.Queue()

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Everything that the turn changes, in order."""
        return tuple(chain.from_iterable(self.stages))

    def preview(self, stage: int) -> StagePreview | None:
        """What a stage would have done when the turn began."""
        return self.previews[stage] if self.previews else None

    def emit(self, event: TurnEvent | None) -> None:
        """Pass an event on to whoever listens; None is the end."""
        self._queue.put_nowait(event)

    async def events(self) -> AsyncIterator[TurnEvent]:
        """The events as they come."""
        while (event := await self._queue.get()) is not None:
            yield event
