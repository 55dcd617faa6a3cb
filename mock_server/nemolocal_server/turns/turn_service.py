"""Turns: begun in one transaction, played on the clock, finished without the client.

The work goes on when the client hangs up (SSE-7): a turn is a task of the server, and the stream
only listens to it.
"""

from collections.abc import Collection

from nemolocal_agent import EditRejected, NoEdit, parse_message, split_stages, write_failure_reply
from nemolocal_contract.turn_events import Text
from nemolocal_render.ffmpeg_cli import FFmpegFailed

from ..background_tasks import SessionTasks
from ..context import ServerContext
from ..data.sessions import SessionRecord, touch_session
from ..data.tokens import TokenRecord
from ..faults.turn_faults import NO_TURN_FAULTS, TurnFaults
from .credit_holds import CreditHolds
from .draft_service import DraftService
from .edit_outcomes import EditOutcomeRepository, LateEdit
from .media_generator import MediaGenerator
from .running_turn import RunningTurn
from .silent_turns import EditOutcome
from .turn_planner import TurnPlanner
from .turn_schedule import AbortTurn, CommitEdits, TurnSeed

# A hold without an answer belongs to a turn that never ended (CRD-2), or that waits to be applied.
_LOST_HOLDS = """
SELECT id FROM ledger WHERE kind = 'hold' AND id NOT IN
    (SELECT hold_id FROM ledger WHERE hold_id IS NOT NULL
     UNION SELECT hold_id FROM turns JOIN edits USING (session_id, number)
     WHERE waiting AND hold_id IS NOT NULL)
"""


class TurnService:
    """Begins turns and plays them."""

    def __init__(self, core: ServerContext) -> None:
        self._context = core
        self._outcomes = EditOutcomeRepository(core.store)
        self._drafts = DraftService(core)
        self._holds = CreditHolds(core.store, core.ledger, core.settings.tariff)
        self._planner = TurnPlanner(core, self._outcomes, self._drafts)
        self._media_generator = MediaGenerator(core, self._drafts)
        self._tasks = SessionTasks()

    def recover(self) -> None:
        """After a killed process: turns cut short are failed and their credits given back.

        Late edits whose stream had closed are taken up again, and wait their time anew.
        """
        core = self._context
        with core.store.transaction():
            for hold_id in core.store.fetch_column(_LOST_HOLDS):
                core.ledger.release(hold_id, "server stopped during the turn")
            core.store.execute(
                """UPDATE turns SET status = 'failed', ended = :now WHERE status = 'running' AND
                   (session_id, number) NOT IN (SELECT session_id, number FROM edits WHERE waiting)
                """,
                now=core.clock.time(),
            )
        for late in self._outcomes.late_edits():
            self._resume_late_edit(late)

    async def close(self) -> None:
        """Stop what is playing; `recover` of the next start gives its credits back."""
        await self._tasks.close()

    @property
    def running_count(self) -> int:
        """How many turns are playing, or wait to be applied late."""
        return self._tasks.running_count

    @property
    def active_sessions(self) -> set[str]:
        """The sessions for which something runs or waits."""
        return self._tasks.active_sessions

    async def stop(self, sessions: Collection[str]) -> bool:
        """Stop what is playing in these sessions, about to be forgotten; was there any?"""
        return await self._tasks.stop(sessions)

    def start(
        self,
        token: TokenRecord,
        session: SessionRecord,
        message: str,
        faults: TurnFaults = NO_TURN_FAULTS,
    ) -> RunningTurn:
        """Start a turn; 2001, before anything is streamed, where credits lack (CRD-4)."""
        wanted = parse_message(message)
        with self._context.store.transaction():
            number = 1 + self._context.store.fetch_value(
                "SELECT count(*) FROM turns WHERE session_id = :id", id=session.id
            )
            key = TurnSeed(token.draw_id, session.ordinal, number, message)
            turn = self._planner.plan(token, session, key, wanted, faults)
            self._insert(turn, message)
        task = self._tasks.start(session.id, self._run(turn), on_defect=lambda: self._fail(turn))
        # Stopped before its first step, it could not say that this was the end.
        task.add_done_callback(lambda _: turn.emit(None))
        return turn

    def _insert(self, turn: RunningTurn, message: str) -> None:
        self._context.store.execute(
            """INSERT INTO turns (session_id, number, message, status, silent, hold_id, started)
               VALUES (:session, :number, :message, 'running', :silent, :hold, :now)""",
            session=turn.session.id,
            number=turn.number,
            message=self._context.store.known_tokens.redact(message),
            silent=not any(isinstance(step.action, Text) for step in turn.steps),
            hold=turn.hold_id,
            now=self._context.clock.time(),
        )
        touch_session(self._context.store, turn.session.id)
        if turn.stages:
            self._outcomes.add(turn.session.id, turn.number, turn.outcome)

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
        if turn.is_resolved and turn.outcome.applied_state == "late":
            await self._apply_late(turn)

    async def _run_steps(self, turn: RunningTurn) -> None:
        """Play the plan of a turn, step by step.

        Each is due at its distance from the beginning, so that no delay of one adds to the next.
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
            self._finish(turn, "done")

    def _fail(self, turn: RunningTurn) -> None:
        with self._context.store.transaction():
            self._holds.release(turn.session.id, turn.number, "turn failed")
            self._finish(turn, "failed")

    async def _commit(self, turn: RunningTurn, stage: int) -> None:
        """The moment of truth: the edit is applied, or never will be, or only later (SSE-5)."""
        if turn.outcome.applied_state == "applied":
            await self._apply(turn, stage)
            turn.is_resolved = stage + 1 == len(turn.stages)
        elif not turn.is_resolved:
            if turn.outcome.applied_state == "not_applied":
                self._fail(turn)
            else:
                self._outcomes.set_waiting(turn.session.id, turn.number, True)
            turn.is_resolved = True

    def _resume_late_edit(self, late: LateEdit) -> None:
        session = self._context.sessions.get(late.session_id)
        assert session is not None  # a turn always has its session
        turn = RunningTurn(session, late.number, [])
        wanted = parse_message(late.message)
        turn.stages = () if isinstance(wanted, NoEdit) else split_stages(wanted)
        turn.outcome = EditOutcome(True, "late", late.late)
        self._tasks.start(session.id, self._apply_late(turn), on_defect=lambda: self._fail(turn))

    async def _apply_late(self, turn: RunningTurn) -> None:
        """Nobody listens any more: a failure shows in the draft and the credits only."""
        await self._context.clock.sleep(turn.outcome.late_seconds)
        try:
            for stage in range(len(turn.stages)):
                await self._apply(turn, stage)
        except (EditRejected, FFmpegFailed):
            self._fail(turn)

    async def _apply(self, turn: RunningTurn, stage: int) -> None:
        """Change the draft and, at the end, take the credits, in one transaction."""
        session, edits = turn.session, turn.stages[stage]
        preview = turn.preview(stage)
        made = await self._media_generator.generate(session, edits, turn.number, preview)
        with self._context.store.transaction():
            self._drafts.commit(session, edits, turn.number, made, preview)
            if stage + 1 == len(turn.stages):
                self._holds.settle(session.id, turn.number)
                self._finish(turn, "done")

    def _finish(self, turn: RunningTurn, status: str) -> None:
        if turn.outcome.applied_state == "late":
            self._outcomes.set_waiting(turn.session.id, turn.number, False)
        self._context.store.execute(
            """UPDATE turns SET status = :status, ended = :now
               WHERE session_id = :session AND number = :number""",
            status=status,
            now=self._context.clock.time(),
            session=turn.session.id,
            number=turn.number,
        )
