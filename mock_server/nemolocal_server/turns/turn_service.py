"""Turns: planned and stored in one transaction, then played on the clock.

A turn is a task of the server and its stream only listens, so it goes on when the client
disconnects (SSE-7).
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator

from nemolocal_agent import (
    AddMusic,
    AddSound,
    Edit,
    EditRejected,
    Generate,
    NoEdit,
    split_stages,
    stand_in_for,
    understand_message,
    write_failure_reply,
    write_remarks,
)
from nemolocal_contract.clock import Clock, ManualClock, get_wait_speed
from nemolocal_contract.turn_events import Heartbeat, RawEvent, Text
from nemolocal_render.ffmpeg_cli import FFmpegFailed

from ..background_tasks import SessionTasks
from ..context import ServerContext
from ..data.sessions import SessionRecord
from ..data.tokens import TokenRecord
from ..errors import ContractError
from ..faults.catalogue import ActiveFault
from ..scripted_replies.reply_captions import adds_captions, with_captions
from ..scripted_replies.scripted_reply import ScriptedReply
from .content_analyzer import ContentAnalyzer
from .draft_service import DraftService
from .late_edits import late_edits
from .media_generator import MediaGenerator
from .model_turns import ModelTurns
from .running_turn import RunningTurn, TurnIntent
from .silent_turns import EditOutcome
from .turn_planner import TurnPlanner, not_understood_by
from .turn_repository import LateEdit, TurnRepository
from .turn_schedule import AbortTurn, CommitEdits, TurnSeed, TurnStep

log = logging.getLogger("nemolocal")


class TurnService:
    """Starts turns and plays them."""

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._repository = TurnRepository(context)
        self._analyzer = ContentAnalyzer(context)
        self._drafts = DraftService(context, self._analyzer)
        self._planner = TurnPlanner(context, self._repository, self._drafts)
        self._media_generator = MediaGenerator(context, self._drafts)
        self._model = ModelTurns(context, self._drafts, self._analyzer)
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
        if intent.waits_for_model:
            return intent, False
        edits = intent.requested_edits
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
        if intent.waits_for_model:
            return self._start_asking(token, session, message, faults, reply, intent)
        with self._context.store.transaction():
            number = self._repository.next_number(session.id)
            seed = TurnSeed(token.draw_id, session.ordinal, number, message)
            turn = self._planner.plan(token, session, seed, intent, faults, reply)
            self._repository.insert(
                session.id,
                number,
                message,
                turn.hold_id,
                has_text=any(map(_has_text, turn.steps)),
                outcome=turn.outcome if turn.stages else None,
                scripted=_changes_of(turn, intent, reply),
            )
        self._start_task(turn, self._run(turn))
        return turn

    def _start_asking(
        self,
        token: TokenRecord,
        session: SessionRecord,
        message: str,
        faults: tuple[ActiveFault, ...],
        reply: ScriptedReply | None,
        fallback: TurnIntent,
    ) -> RunningTurn:
        """Start a turn that asks a language model first, with the price of an edit held."""
        holds = self._repository.holds
        with self._context.store.transaction():
            number = self._repository.next_number(session.id)
            turn = RunningTurn(session, number, [])
            turn.understood, turn.model = fallback.understood, fallback.model
            turn.heartbeat_seconds = self._planner.heartbeat_seconds(token)
            turn.started = self._context.clock.elapsed()
            price = None if reply is None else reply.spec.credits
            turn.hold_id = (
                holds.take_editing(token, session)
                if price is None
                else holds.take_amount(token, price)
            )
            self._repository.insert(
                session.id, number, message, turn.hold_id, has_text=True, outcome=None
            )
        seed = TurnSeed(token.draw_id, session.ordinal, number, message)
        self._start_task(turn, self._ask_and_run(turn, token, seed, faults, reply, fallback))
        return turn

    def _start_task(self, turn: RunningTurn, work: Coroutine[None, None, None]) -> None:
        task = self.tasks.start(turn.session.id, work, on_defect=lambda: self._fail(turn))
        # A task that is cancelled before its first step does not end the stream itself.
        task.add_done_callback(lambda _: turn.emit(None))

    async def _ask_and_run(
        self,
        turn: RunningTurn,
        token: TokenRecord,
        seed: TurnSeed,
        faults: tuple[ActiveFault, ...],
        reply: ScriptedReply | None,
        fallback: TurnIntent,
    ) -> None:
        session = turn.session
        with _held(self._context.clock):
            async with self._heartbeats(turn):
                intent = await self._model.ask(session, seed, fallback)
        try:
            with self._context.store.transaction():
                # The price that was held until now may be another than that of these edits.
                self._repository.holds.release(session.id, turn.number, "edits are known")
                turn.adopt(self._planner.plan(token, session, seed, intent, faults, reply))
                self._repository.replan(
                    session.id,
                    turn.number,
                    turn.hold_id,
                    has_text=any(map(_has_text, turn.steps)),
                    outcome=turn.outcome if turn.stages else None,
                    scripted=_changes_of(turn, intent, reply),
                )
        except ContractError as error:  # the credits are not enough for a generated clip
            turn.model = intent.model
            self._fail(turn)
            turn.emit(Text(error.message))
            self._note(turn)
        else:
            self._note(turn)
            await self._run(turn)

    def _note(self, turn: RunningTurn) -> None:
        if turn.on_planned is not None:
            turn.on_planned(turn)

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
        is_said = reply is not None and reply.spec.say is not None
        asked = None if is_said or found.understood == "full" else self._model.pending
        is_trying = not is_said and not_understood_by(token, self._context.settings) == "try"
        if found.no_edit is not None and found.understood == "none" and is_trying:
            return TurnIntent(stand_in_for(found.no_edit, message), "none", model=asked)
        intent = found.intent
        if reply is not None and reply.captions is not None and not isinstance(intent, NoEdit):
            if not adds_captions(intent):
                log.warning("scripted reply %s: its captions are not used", reply.name)
            intent = with_captions(intent, reply.captions)
        return TurnIntent(intent, found.understood, remarks, asked)

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
        begun = clock.elapsed()
        # What a model has thought is a part of the turn: its heartbeats have been sent.
        due = begun if turn.started is None else turn.started
        for step in turn.steps:
            due += step.delay
            if due <= begun and isinstance(step.action, Heartbeat):
                continue
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
        async with self._heartbeats(turn) if _makes_media(edits) else contextlib.nullcontext():
            await self._analyzer.prepare(session, edits)
            asset_ids = await self._media_generator.generate(session, edits, turn.number, preview)
        with self._context.store.transaction():
            self._drafts.commit(session, edits, turn.number, asset_ids, preview)
            if stage + 1 == len(turn.stages):
                self._repository.succeed(
                    session.id, turn.number, is_edit=True, is_late=turn.is_late
                )

    @contextlib.asynccontextmanager
    async def _heartbeats(self, turn: RunningTurn) -> AsyncIterator[None]:
        """Send heartbeats meanwhile, which may take longer than planned (SSE-3).

        On a manual clock no time passes meanwhile.
        """
        clock = self._context.clock
        if turn.heartbeat_seconds <= 0 or get_wait_speed(clock) is None:
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


def _changes_of(turn: RunningTurn, intent: TurnIntent, reply: ScriptedReply | None) -> str | None:
    """What an edit that is applied late needs after a restart, if the message does not say it."""
    if not turn.is_late:
        return None
    return intent.changes or (None if reply is None else reply.changes_json())


def _makes_media(edits: tuple[Edit, ...]) -> bool:
    return any(isinstance(edit, AddMusic | AddSound | Generate) for edit in edits)


@contextlib.contextmanager
def _held(clock: Clock) -> Iterator[None]:
    """Keep a manual clock from running ahead of real work."""
    with clock.hold() if isinstance(clock, ManualClock) else contextlib.nullcontext():
        yield


def _has_text(step: TurnStep) -> bool:
    action = step.action
    return isinstance(action, Text) or (isinstance(action, RawEvent) and action.has_text)
