"""One turn of a conversation: its plan, what it will change, and who listens to it."""

import asyncio
from collections.abc import AsyncIterator
from itertools import chain

from nemolocal_contract.events import TurnEvent

from .agent.intents import Edit
from .agent.turn_plan import Step
from .sessions import Session
from .silence import Outcome


class Turn:
    """A turn that was begun: its plan, and the events that it has told so far.

    `stages` are the edits that each `Commit` of the plan applies; none for talk. `decided` says
    that what becomes of them stands in the store: done, given up, or still to be applied.
    """

    def __init__(self, session: Session, number: int, plan: list[Step]) -> None:
        self.session = session
        self.number = number
        self.plan = plan
        self.stages: tuple[tuple[Edit, ...], ...] = ()
        self.hold_id: int | None = None
        self.outcome = Outcome()
        self.decided = False
        self._told: asyncio.Queue[TurnEvent | None] = asyncio.Queue()

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Everything that the turn changes, in order."""
        return tuple(chain.from_iterable(self.stages))

    def tell(self, event: TurnEvent | None) -> None:
        """Pass an event on to whoever listens; None is the end."""
        self._told.put_nowait(event)

    async def events(self) -> AsyncIterator[TurnEvent]:
        """The events as they come."""
        while (event := await self._told.get()) is not None:
            yield event
