"""Turns: planned and stored in one transaction, then played on the clock.

A turn is a task of the server and its stream only listens, so it goes on when the client
disconnects (SSE-7).
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from itertools import chain

import msgspec

from nemolocal_agent import (
    AddMusic,
    AddSound,
    Edit,
    EditRejected,
    Generate,
    NoEdit,
    is_generation,
    split_stages,
    stand_in_for,
    understand_message,
    with_subtitles,
    write_edit_reply,
    write_failure_reply,
    write_no_edit_reply,
    write_question_reply,
    write_remarks,
)
from nemolocal_contract.clock import get_wait_speed
from nemolocal_contract.journal import Understood
from nemolocal_contract.turn_events import Heartbeat, RawEvent, Text, TurnEvent
from nemolocal_render.ffmpeg_cli import FFmpegFailed

from ..background_tasks import SessionTasks
from ..context import ServerContext
from ..data.sessions import SessionRecord
from ..data.tokens import NotUnderstood, TokenRecord
from ..faults.catalogue import ActiveFault
from ..faults.turn_faults import NO_TURN_FAULTS, turn_faults_for
from ..scripted_replies.reply_captions import adds_captions, with_captions
from ..scripted_replies.scripted_reply import ScriptedReply
from ..settings import Settings
from .content_analyzer import ContentAnalyzer
from .draft_service import DraftService, StagePreview
from .late_edits import late_edits
from .media_generator import MediaGenerator
from .scripted_turns import ScriptedTurn, scripted_outcome
from .silent_turns import EditOutcome, choose_outcome
from .turn_repository import LateEdit, TurnRepository
from .turn_schedule import (
    AbortTurn,
    CommitEdits,
    TurnScheduler,
    TurnSeed,
    TurnStep,
    limit_duration,
)

log = logging.getLogger("nemolocal")


class TurnIntent(msgspec.Struct, frozen=True):
    """What a turn does: its edits, or why it only talks.

    `understood` is how much of the message was understood, None if a script decides. `remarks` name
    what was not.
    """

    edits: tuple[Edit, ...] | NoEdit
    understood: Understood | None = None
    remarks: str = ""


class RunningTurn:
    """A turn with its plan, and the queue of events that its stream reads.

    `stages` are the edits that each `CommitEdits` of the plan applies, none for a turn without
    edits. `previews` are what they would have done when the turn began, none after a restart.
    `heartbeat_seconds` is the interval of heartbeats while media are generated.
    `understood` is how much of the message was understood, None where it did not matter.
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

    def emit(self, event: TurnEvent | None) -> None:
        """Pass an event to the stream; None ends it."""
        self._queue.put_nowait(event)

    async def events(self) -> AsyncIterator[TurnEvent]:
        """Yield the events of the turn until it ends."""
        while (event := await self._queue.get()) is not None:
            yield event


class TurnPlanner:
    """Decides everything about a turn before it starts, and holds its credits."""

    def __init__(
        self, context: ServerContext, repository: TurnRepository, drafts: DraftService
    ) -> None:
        self._context = context
        self._settings = context.settings
        self._repository = repository
        self._drafts = drafts

    def plan(
        self,
        token: TokenRecord,
        session: SessionRecord,
        seed: TurnSeed,
        intent: TurnIntent,
        faults: tuple[ActiveFault, ...] = (),
        reply: ScriptedReply | None = None,
    ) -> RunningTurn:
        """Plan the turn that answers a message; 2001 if credits are missing (CRD-4)."""
        settings = self._settings
        heartbeat = (token.dialect or settings.dialect).heartbeat_seconds
        scheduler = TurnScheduler(seed, self._context.rng, heartbeat, settings.turn_times)
        effect = turn_faults_for(faults) if faults else NO_TURN_FAULTS
        if reply is not None:
            turn = self._plan_reply(token, session, seed, intent, effect.outcome, scheduler, reply)
        elif isinstance(intent.edits, NoEdit):
            text = self._no_edit_text(token, session, seed, intent.edits)
            turn = RunningTurn(session, seed.turn, scheduler.reply(text))
        else:
            turn = self._plan_edit(token, session, seed, intent, effect.outcome, scheduler)
        if faults:
            turn.steps = effect.apply(turn.steps, heartbeat)
        turn.steps = limit_duration(turn.steps, settings.turn_times.limit)
        return turn

    def _plan_edit(
        self,
        token: TokenRecord,
        session: SessionRecord,
        seed: TurnSeed,
        intent: TurnIntent,
        forced: EditOutcome | None,
        scheduler: TurnScheduler,
    ) -> RunningTurn:
        """Plan a turn that edits, or only says why it cannot; a fault may force the outcome."""
        assert not isinstance(intent.edits, NoEdit)
        edits = intent.edits
        stages = split_stages(edits)
        try:
            previews = self._drafts.preview(session, stages, seed.turn)
        except EditRejected as error:
            return self._plan_refusal(session, seed, scheduler, error)
        calls = [preview.calls for preview in previews]
        is_generated = any(map(is_generation, edits))
        # A generation is never silent, unless a fault says so (SSE-8).
        outcome = forced or (EditOutcome() if is_generated else self._choose_outcome(token, seed))
        text = (
            None if outcome.silent else self._success_text(session, seed, previews, intent.remarks)
        )
        if is_generated:
            steps = scheduler.generation(calls, text)
        else:
            steps = scheduler.edit(calls[0], text)
        turn = RunningTurn(session, seed.turn, steps)
        turn.stages, turn.previews, turn.outcome = stages, previews, outcome
        turn.hold_id = self._repository.holds.take(token, session, edits)
        turn.heartbeat_seconds = scheduler.heartbeat
        return turn

    def _plan_reply(
        self,
        token: TokenRecord,
        session: SessionRecord,
        seed: TurnSeed,
        intent: TurnIntent,
        forced: EditOutcome | None,
        scheduler: TurnScheduler,
        reply: ScriptedReply,
    ) -> RunningTurn:
        """Plan the turn of a scripted reply; the agent decides what the reply leaves out."""
        edits = () if isinstance(intent.edits, NoEdit) else intent.edits
        stages = split_stages(edits) if edits else ()
        try:
            previews = self._drafts.preview(session, stages, seed.turn) if stages else []
        except EditRejected as error:
            log.warning("scripted reply %s: its edits are refused: %s", reply.name, error)
            return self._plan_refusal(session, seed, scheduler, error)
        turn = RunningTurn(session, seed.turn, [])
        turn.outcome = forced or scripted_outcome(reply, self._settings.silence.late_seconds)
        text = reply.spec.say
        if text is None and isinstance(intent.edits, NoEdit):
            text = self._no_edit_text(token, session, seed, intent.edits)
        elif text is None and previews:
            text = self._success_text(session, seed, previews, intent.remarks)
        turn.stages, turn.previews = stages, previews
        turn.steps = ScriptedTurn(
            reply,
            text=None if turn.outcome.silent else text or None,
            calls=[call for preview in previews for call in preview.calls],
            stages=len(stages),
            is_generation=any(map(is_generation, edits)),
        ).steps(scheduler)
        holds, price = self._repository.holds, reply.spec.credits
        turn.hold_id = (
            holds.take(token, session, edits) if price is None else holds.take_amount(token, price)
        )
        turn.heartbeat_seconds = scheduler.heartbeat
        return turn

    def _plan_refusal(
        self,
        session: SessionRecord,
        seed: TurnSeed,
        scheduler: TurnScheduler,
        error: EditRejected,
    ) -> RunningTurn:
        reason, language = error.message_in(session.language), session.language
        refusal = write_failure_reply(reason, language, gui=self._settings.gui)
        return RunningTurn(session, seed.turn, scheduler.reply(refusal))

    def _no_edit_text(
        self, token: TokenRecord, session: SessionRecord, seed: TurnSeed, intent: NoEdit
    ) -> str:
        is_asking = not_understood_by(token, self._settings) == "ask"
        write = (
            write_question_reply if is_asking and intent.topic == "unknown" else write_no_edit_reply
        )
        return write(intent, session.language, seed.message, gui=self._settings.gui)

    def _success_text(
        self, session: SessionRecord, seed: TurnSeed, previews: list[StagePreview], remarks: str
    ) -> str:
        calls = [call for preview in previews for call in preview.calls]
        edits = with_subtitles((edit for call in calls for edit in call.edits), previews[-1].pool)
        chance = self._context.rng.random("screen", *seed.key()) if self._settings.gui else None
        return write_edit_reply(edits, calls[-1].after, session.language, chance, remarks)

    def _choose_outcome(self, token: TokenRecord, seed: TurnSeed) -> EditOutcome:
        policy = self._settings.silence
        ordinal = self._repository.next_ordinal(token.id) if policy.counts_edits else 1
        return choose_outcome(policy, self._context.rng, seed, ordinal)


class TurnService:
    """Starts turns and plays them."""

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._repository = TurnRepository(context)
        self._analyzer = ContentAnalyzer(context)
        self._drafts = DraftService(context, self._analyzer)
        self._planner = TurnPlanner(context, self._repository, self._drafts)
        self._media_generator = MediaGenerator(context, self._drafts)
        self.tasks = SessionTasks()

    def next_number(self, session_id: str) -> int:
        """Return the number of the session's next turn, from 1."""
        return self._repository.next_number(session_id)

    def recover(self) -> None:
        """Fail the turns that a killed process left running, and give their credits back.

        Late edits whose stream had closed are resumed, and wait their full time again.
        """
        for late in self._repository.recover():
            self._resume_late_edit(late)

    async def understand(
        self,
        token: TokenRecord,
        session: SessionRecord,
        message: str,
        reply: ScriptedReply | None = None,
    ) -> tuple[TurnIntent, bool]:
        """Return what a message asks for, and whether files were analyzed for it meanwhile."""
        intent = self._understand(token, session, message, reply)
        edits = () if isinstance(intent.edits, NoEdit) else intent.edits
        return intent, await self._analyzer.prepare(session, edits)

    def start(
        self,
        token: TokenRecord,
        session: SessionRecord,
        message: str,
        faults: tuple[ActiveFault, ...] = (),
        reply: ScriptedReply | None = None,
        intent: TurnIntent | None = None,
    ) -> RunningTurn:
        """Start a turn; 2001 before anything is streamed if credits are missing (CRD-4).

        `intent` is what `understand` has returned for the message.
        """
        if intent is None:
            intent = self._understand(token, session, message, reply)
        with self._context.store.transaction():
            number = self._repository.next_number(session.id)
            seed = TurnSeed(token.draw_id, session.ordinal, number, message)
            turn = self._planner.plan(token, session, seed, intent, faults, reply)
            turn.understood = intent.understood
            self._repository.insert(
                session.id,
                number,
                message,
                turn.hold_id,
                has_text=any(map(_has_text, turn.steps)),
                outcome=turn.outcome if turn.stages else None,
                scripted=reply.changes_json() if reply is not None and turn.is_late else None,
            )
        task = self.tasks.start(session.id, self._run(turn), on_defect=lambda: self._fail(turn))
        # A task that is cancelled before its first step does not end the stream itself.
        task.add_done_callback(lambda _: turn.emit(None))
        return turn

    def _understand(
        self,
        token: TokenRecord,
        session: SessionRecord,
        message: str,
        reply: ScriptedReply | None,
    ) -> TurnIntent:
        """Return what a turn does. A reply with a text of its own needs no stand-in."""
        if reply is not None and reply.edits is not None:
            return TurnIntent(reply.edits)
        found = understand_message(message)
        remarks = write_remarks(found.left_out, found.notes, session.language)
        if found.no_edit is not None and found.understood == "none":
            is_said = reply is not None and reply.spec.say is not None
            if not is_said and not_understood_by(token, self._context.settings) == "try":
                return TurnIntent(stand_in_for(found.no_edit, message), "none")
        intent = found.intent
        if reply is not None and reply.captions is not None and not isinstance(intent, NoEdit):
            if not adds_captions(intent):
                log.warning(
                    "scripted reply %s: no captions are added, its own are not used", reply.name
                )
            intent = with_captions(intent, reply.captions)
        return TurnIntent(intent, found.understood, remarks)

    async def _run(self, turn: RunningTurn) -> None:
        try:
            await self._run_steps(turn)
        except (EditRejected, FFmpegFailed) as error:
            self._fail(turn)
            language = turn.session.language
            reason = (
                error.message_in(language)
                if isinstance(error, EditRejected)
                else error.user_message
            )
            gui = self._context.settings.gui
            turn.emit(Text(write_failure_reply(reason, language, gui=gui)))
        finally:
            turn.emit(None)
        if turn.is_resolved and turn.is_late:
            await self._apply_late(turn)

    async def _run_steps(self, turn: RunningTurn) -> None:
        """Play the plan of a turn, step by step.

        Each step is due at its distance from the start, so that delays do not add up.
        """
        clock = self._context.clock
        due = clock.elapsed()
        for step in turn.steps:
            due += step.delay
            await clock.sleep(max(0.0, due - clock.elapsed()))
            if isinstance(step.action, CommitEdits):
                await self._commit(turn, step.action.stage)
            elif isinstance(step.action, AbortTurn):
                if not turn.is_resolved:
                    self._fail(turn)
                return
            else:
                turn.emit(step.action)
        if not turn.stages:
            is_paid = turn.hold_id is not None
            self._repository.succeed(turn.session.id, turn.number, is_edit=is_paid, is_late=False)

    def _fail(self, turn: RunningTurn) -> None:
        self._repository.fail(turn.session.id, turn.number, is_late=turn.is_late)

    async def _commit(self, turn: RunningTurn, stage: int) -> None:
        """Apply the edits of a stage, give them up, or leave them for later (SSE-5)."""
        if turn.outcome.applied_state == "applied":
            await self._apply(turn, stage)
            turn.is_resolved = stage + 1 == len(turn.stages)
        elif not turn.is_resolved:
            if turn.is_late:
                self._repository.set_waiting(turn.session.id, turn.number, True)
            else:
                self._fail(turn)
            turn.is_resolved = True

    def _resume_late_edit(self, late: LateEdit) -> None:
        session = self._context.sessions.get(late.session_id)
        assert session is not None  # a turn always has its session
        turn = RunningTurn(session, late.number, [])
        turn.stages = split_stages(late_edits(late))
        turn.outcome = EditOutcome(True, "late", late.late)
        self.tasks.start(session.id, self._apply_late(turn), on_defect=lambda: self._fail(turn))

    async def _apply_late(self, turn: RunningTurn) -> None:
        """Apply all edits after a wait; only the draft and the credits show a failure."""
        await self._context.clock.sleep(turn.outcome.late_seconds)
        try:
            for stage in range(len(turn.stages)):
                await self._apply(turn, stage)
        except (EditRejected, FFmpegFailed):
            self._fail(turn)

    async def _apply(self, turn: RunningTurn, stage: int) -> None:
        """Change the draft and, after the last stage, charge the credits in one transaction."""
        session, edits = turn.session, turn.stages[stage]
        preview = turn.previews[stage] if turn.previews else None
        async with self._heartbeats(turn, edits):
            await self._analyzer.prepare(session, edits)
            asset_ids = await self._media_generator.generate(session, edits, turn.number, preview)
        with self._context.store.transaction():
            self._drafts.commit(session, edits, turn.number, asset_ids, preview)
            if stage + 1 == len(turn.stages):
                self._repository.succeed(
                    session.id, turn.number, is_edit=True, is_late=turn.is_late
                )

    @contextlib.asynccontextmanager
    async def _heartbeats(self, turn: RunningTurn, edits: tuple[Edit, ...]) -> AsyncIterator[None]:
        """Send heartbeats while media are generated, which may take longer than planned (SSE-3).

        On a manual clock no time passes meanwhile.
        """
        clock = self._context.clock
        is_generating = any(isinstance(edit, AddMusic | AddSound | Generate) for edit in edits)
        if not is_generating or turn.heartbeat_seconds <= 0 or get_wait_speed(clock) is None:
            yield
            return

        async def send() -> None:
            while True:
                await clock.sleep(turn.heartbeat_seconds)
                turn.emit(Heartbeat())

        sender = asyncio.create_task(send())
        try:
            yield
        finally:
            sender.cancel()


def not_understood_by(token: TokenRecord, settings: Settings) -> NotUnderstood:
    """What a message of this token gets that is not understood."""
    return token.not_understood or settings.not_understood


def _has_text(step: TurnStep) -> bool:
    action = step.action
    return isinstance(action, Text) or (isinstance(action, RawEvent) and action.has_text)
