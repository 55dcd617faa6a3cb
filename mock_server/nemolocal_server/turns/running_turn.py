"""A running turn: its plan, its progress, and the events that its stream reads."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import chain

import msgspec

from nemolocal_agent import Edit, NoEdit
from nemolocal_contract.journal import ModelEntry, Understood
from nemolocal_contract.turn_events import TurnEvent

from ..data.sessions import SessionRecord
from .draft_service import StagePreview
from .silent_turns import EditOutcome
from .turn_schedule import TurnStep


class TurnIntent(msgspec.Struct, frozen=True):
    """What a turn does: its edits, or why it makes none.

    `understood` is how much of the message was understood, None if a script decides. `remarks` name
    what was not. `model` is the language model that was asked or, if its outcome is pending, is to
    be asked: it may then do better than these edits. `said` is its text in place of edits,
    `changes` its edits for a turn that is resumed after a restart.
    """

    edits: tuple[Edit, ...] | NoEdit
    understood: Understood | None = None
    remarks: str = ""
    model: ModelEntry | None = None
    said: str = ""
    changes: str | None = None

    @property
    def requested_edits(self) -> tuple[Edit, ...]:
        """The edits, none if the turn only talks; a turn may make more (`RunningTurn.stages`)."""
        return () if isinstance(self.edits, NoEdit) else self.edits

    @property
    def waits_for_model(self) -> bool:
        """Whether a language model still has to be asked."""
        return self.model is not None and self.model.outcome == "pending"


class RunningTurn:
    """A turn with its plan, and the queue of events that its stream reads.

    `stages` are the edits that each `CommitEdits` of the plan applies, none for a turn without
    edits. `previews` are what they would have done when the turn began, none after a restart.
    `heartbeat_seconds` is the interval of heartbeats while media are generated, or a model thinks.
    `understood` is how much of the message was understood, None where it did not matter; `model` is
    the language model that was asked. A turn that waits for one has no plan yet: `on_planned` is
    called when it has. `started` is when a turn began that had to wait, by the clock's `elapsed`.
    `is_resolved` says that the store knows the result: applied, failed, or to be applied late.
    """

    def __init__(self, session: SessionRecord, number: int, steps: list[TurnStep]) -> None:
        self.session = session
        self.number = number
        self.steps = steps
        self.heartbeat_seconds = 0.0
        self.stages: tuple[tuple[Edit, ...], ...] = ()
        self.previews: list[StagePreview] = []
        self.hold_id: int | None = None
        self.outcome = EditOutcome()
        self.understood: Understood | None = None
        self.model: ModelEntry | None = None
        self.on_planned: Callable[[RunningTurn], None] | None = None
        self.started: float | None = None
        self.is_resolved = False
        self._queue: asyncio.Queue[TurnEvent | None] = asyncio.Queue()

    @property
    def edits(self) -> tuple[Edit, ...]:
        """All edits of the turn, in order."""
        return tuple(chain.from_iterable(self.stages))

    @property
    def is_late(self) -> bool:
        """Whether the edits are applied after the stream has closed."""
        return self.outcome.applied_state == "late"

    def adopt(self, planned: "RunningTurn") -> None:
        """Take over the plan that was made for this turn."""
        self.steps, self.stages, self.previews = planned.steps, planned.stages, planned.previews
        self.hold_id, self.outcome = planned.hold_id, planned.outcome
        self.heartbeat_seconds = planned.heartbeat_seconds
        self.understood, self.model = planned.understood, planned.model

    def emit(self, event: TurnEvent | None) -> None:
        """Pass an event to the stream; None ends it."""
        self._queue.put_nowait(event)

    async def events(self) -> AsyncIterator[TurnEvent]:
        """Yield the events of the turn until it ends."""
        while (event := await self._queue.get()) is not None:
            yield event
