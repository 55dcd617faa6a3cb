"""Turns: begun in one transaction, played on the clock, finished without the client.

The work goes on when the client hangs up (SSE-7): a turn is a task of the server, and the stream
only listens to it.
"""

from collections.abc import Collection

from nemolocal_contract.events import Text
from nemolocal_render.ffmpeg import FFmpegFailed

from .agent.edits import CannotEdit
from .agent.generation import stages_of
from .agent.intents import Talk
from .agent.speech import say_failed
from .agent.turn_plan import Abandon, Commit, TurnKey
from .agent.understanding import understand
from .background import Background
from .composer import Composer
from .core import Core
from .director import Director
from .faults.disturbance import CALM, Disturbance
from .holds import Holds
from .outcomes import LateEdit, Outcomes
from .sessions import Session, mark_used
from .silence import Outcome
from .tokens import Token
from .turn import Turn
from .workbench import Workbench

# A hold without an answer belongs to a turn that never ended (CRD-2), or that waits to be applied.
_LOST_HOLDS = """
SELECT id FROM ledger WHERE kind = 'hold' AND id NOT IN
    (SELECT hold_id FROM ledger WHERE hold_id IS NOT NULL
     UNION SELECT hold_id FROM turns JOIN edits USING (session_id, number)
     WHERE waiting AND hold_id IS NOT NULL)
"""


class Turns:
    """Begins turns and plays them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._outcomes = Outcomes(core.store)
        self._workbench = Workbench(core)
        self._holds = Holds(core.store, core.ledger, core.settings.tariff)
        self._director = Director(core, self._outcomes, self._workbench)
        self._composer = Composer(core, self._workbench)
        self._background = Background()

    def recover(self) -> None:
        """After a killed process: turns cut short are failed and their credits given back.

        Late edits whose stream had closed are taken up again, and wait their time anew.
        """
        core = self._core
        with core.store.transaction():
            for hold_id in core.store.values(_LOST_HOLDS):
                core.ledger.release(hold_id, "server stopped during the turn")
            core.store.execute(
                """UPDATE turns SET status = 'failed', ended = :now WHERE status = 'running' AND
                   (session_id, number) NOT IN (SELECT session_id, number FROM edits WHERE waiting)
                """,
                now=core.clock.time(),
            )
        for late in self._outcomes.late_edits():
            self._resume(late)

    async def close(self) -> None:
        """Stop what is playing; `recover` of the next start gives its credits back."""
        await self._background.close()

    @property
    def running(self) -> int:
        """How many turns are playing, or wait to be applied late."""
        return self._background.running

    @property
    def sessions(self) -> set[str]:
        """The sessions for which something runs or waits."""
        return self._background.sessions

    async def stop(self, sessions: Collection[str]) -> bool:
        """Stop what is playing in these sessions, about to be forgotten; was there any?"""
        return await self._background.stop(sessions)

    def begin(
        self, token: Token, session: Session, message: str, disturbance: Disturbance = CALM
    ) -> Turn:
        """Start a turn; 2001, before anything is streamed, where credits lack (CRD-4)."""
        wanted = understand(message)
        with self._core.store.transaction():
            number = 1 + self._core.store.value(
                "SELECT count(*) FROM turns WHERE session_id = :id", id=session.id
            )
            key = TurnKey(token.draw_id, session.ordinal, number, message)
            turn = self._director.plan(token, session, key, wanted, disturbance)
            self._insert(turn, message)
        task = self._background.start(
            session.id, self._play(turn), on_defect=lambda: self._give_up(turn)
        )
        # Stopped before its first step, it could not say that this was the end.
        task.add_done_callback(lambda _: turn.tell(None))
        return turn

    def _insert(self, turn: Turn, message: str) -> None:
        self._core.store.execute(
            """INSERT INTO turns (session_id, number, message, status, silent, hold_id, started)
               VALUES (:session, :number, :message, 'running', :silent, :hold, :now)""",
            session=turn.session.id,
            number=turn.number,
            message=self._core.store.known.without(message),
            silent=not any(isinstance(step.action, Text) for step in turn.plan),
            hold=turn.hold_id,
            now=self._core.clock.time(),
        )
        mark_used(self._core.store, turn.session.id)
        if turn.stages:
            self._outcomes.keep(turn.session.id, turn.number, turn.outcome)

    async def _play(self, turn: Turn) -> None:
        try:
            await self._follow(turn)
        except (CannotEdit, FFmpegFailed) as error:
            self._give_up(turn)
            language = turn.session.language
            reason = error.in_words(language) if isinstance(error, CannotEdit) else error.plain
            gui = self._core.settings.gui
            turn.tell(Text(say_failed(reason, language, gui=gui)))
        finally:
            turn.tell(None)
        if turn.decided and turn.outcome.truth == "late":
            await self._apply_late(turn)

    async def _follow(self, turn: Turn) -> None:
        """Play the plan of a turn, step by step.

        Each is due at its distance from the beginning, so that no delay of one adds to the next.
        """
        clock = self._core.clock
        due = clock.elapsed()
        for step in turn.plan:
            due += step.delay
            await clock.sleep(max(0.0, due - clock.elapsed()))
            if isinstance(step.action, Commit):
                await self._commit(turn, step.action.stage)
            elif isinstance(step.action, Abandon):
                if not turn.decided:
                    self._give_up(turn)
                return
            else:
                turn.tell(step.action)
        if not turn.stages:
            self._end(turn, "done")

    def _give_up(self, turn: Turn) -> None:
        with self._core.store.transaction():
            self._holds.release(turn.session.id, turn.number, "turn failed")
            self._end(turn, "failed")

    async def _commit(self, turn: Turn, stage: int) -> None:
        """The moment of truth: the edit is applied, or never will be, or only later (SSE-5)."""
        if turn.outcome.truth == "applied":
            await self._apply(turn, stage)
            turn.decided = stage + 1 == len(turn.stages)
        elif not turn.decided:
            if turn.outcome.truth == "not_applied":
                self._give_up(turn)
            else:
                self._outcomes.set_waiting(turn.session.id, turn.number, True)
            turn.decided = True

    def _resume(self, late: LateEdit) -> None:
        session = self._core.sessions.get(late.session_id)
        assert session is not None  # a turn always has its session
        turn = Turn(session, late.number, [])
        wanted = understand(late.message)
        turn.stages = () if isinstance(wanted, Talk) else stages_of(wanted)
        turn.outcome = Outcome(True, "late", late.late)
        self._background.start(
            session.id, self._apply_late(turn), on_defect=lambda: self._give_up(turn)
        )

    async def _apply_late(self, turn: Turn) -> None:
        """Nobody listens any more: a failure shows in the draft and the credits only."""
        await self._core.clock.sleep(turn.outcome.late)
        try:
            for stage in range(len(turn.stages)):
                await self._apply(turn, stage)
        except (CannotEdit, FFmpegFailed):
            self._give_up(turn)

    async def _apply(self, turn: Turn, stage: int) -> None:
        """Change the draft and, at the end, take the credits, in one transaction."""
        session, edits = turn.session, turn.stages[stage]
        made = await self._composer.compose(session, edits)
        core = self._core
        with core.store.transaction():
            newest = core.sessions.newest(session.id)
            versions = self._workbench.versions(session, newest, edits, turn.number, made)
            self._workbench.require_export(session, newest.draft, versions[-1].draft)
            for version in versions:
                core.sessions.add_version(session.id, version)
            if stage + 1 == len(turn.stages):
                self._holds.settle(session.id, turn.number)
                self._end(turn, "done")

    def _end(self, turn: Turn, status: str) -> None:
        self._outcomes.set_waiting(turn.session.id, turn.number, False)
        self._core.store.execute(
            """UPDATE turns SET status = :status, ended = :now
               WHERE session_id = :session AND number = :number""",
            status=status,
            now=self._core.clock.time(),
            session=turn.session.id,
            number=turn.number,
        )
