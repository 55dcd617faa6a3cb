"""The director: decides what a turn will be, before anything of it is said or done."""

from .agent.edits import CannotEdit
from .agent.generation import is_generation, stages_of
from .agent.intents import Edit, Talk
from .agent.speech import say_done, say_failed, say_talk
from .agent.tools import Job, chain_jobs, group_edits
from .agent.turn_plan import TurnKey, plan_edit, plan_generation, plan_talk
from .core import Core
from .faults.disturbance import Disturbance
from .holds import Holds
from .outcomes import Outcomes
from .sessions import Session
from .silence import Outcome, draw_outcome
from .tokens import Token
from .turn import Turn
from .workbench import Workbench


class Director:
    """Plans turns; holds their credits, which raises 2001 where they lack (CRD-4)."""

    def __init__(self, core: Core, outcomes: Outcomes, workbench: Workbench) -> None:
        self._core = core
        self._holds = Holds(core.store, core.ledger, core.settings.tariff)
        self._outcomes = outcomes
        self._workbench = workbench

    def plan(
        self,
        token: Token,
        session: Session,
        key: TurnKey,
        wanted: tuple[Edit, ...] | Talk,
        disturbance: Disturbance,
    ) -> Turn:
        """The turn that answers what is wanted, disturbed by the faults in force."""
        if isinstance(wanted, Talk):
            turn = self._talk(token, session, key, self._answer(wanted, session, key))
        else:
            turn = self._edit_if_possible(token, session, key, wanted, disturbance.outcome)
        limit = self._core.settings.turn_times.limit
        turn.plan = disturbance.disturb(turn.plan, self._heartbeat(token), limit)
        return turn

    def _edit_if_possible(
        self,
        token: Token,
        session: Session,
        key: TurnKey,
        edits: tuple[Edit, ...],
        forced: Outcome | None,
    ) -> Turn:
        stages, times = stages_of(edits), self._core.settings.turn_times
        try:
            jobs = self._foresee(session, stages)
        except CannotEdit as error:
            reason = error.in_words(session.language)
            return self._talk(
                token,
                session,
                key,
                say_failed(reason, session.language, gui=self._core.settings.gui),
            )
        if any(map(is_generation, edits)):
            # A generation does what it says, and says so, unless a fault is in force (SSE-8).
            outcome = forced or Outcome()
            text = None if outcome.silent else self._done(session, key, jobs)
            plan = plan_generation(jobs, text, key, self._core.draw, self._heartbeat(token), times)
        else:
            outcome = forced or self._draw_outcome(token, key)
            text = None if outcome.silent else self._done(session, key, jobs)
            plan = plan_edit(jobs[0], text, key, self._core.draw, self._heartbeat(token), times)
        turn = Turn(session, key.turn, plan)
        turn.stages, turn.outcome = stages, outcome
        turn.hold_id = self._holds.take(token, session, edits)
        return turn

    def _foresee(
        self, session: Session, stages: tuple[tuple[Edit, ...], ...]
    ) -> list[tuple[Job, ...]]:
        """What each stage will do, call by call; raises `CannotEdit`."""
        newest = self._core.sessions.newest(session.id)
        before = newest.draft
        foreseen: list[tuple[Job, ...]] = []
        done: tuple[Edit, ...] = ()
        for edits in stages:
            groups, drafts = group_edits(edits), [before]
            for group in groups:
                done += group
                drafts.append(self._workbench.foresee(session, newest, done))
            foreseen.append(chain_jobs(groups, drafts))
            before = drafts[-1]
        self._workbench.require_export(session, newest.draft, before)
        return foreseen

    def _talk(self, token: Token, session: Session, key: TurnKey, text: str) -> Turn:
        times = self._core.settings.turn_times
        plan = plan_talk(text, key, self._core.draw, self._heartbeat(token), times)
        return Turn(session, key.turn, plan)

    def _done(self, session: Session, key: TurnKey, stages: list[tuple[Job, ...]]) -> str:
        jobs = [job for stage in stages for job in stage]
        edits = tuple(edit for job in jobs for edit in job.edits)
        settings = self._core.settings
        chance = self._core.draw.fraction("screen", *key.parts()) if settings.gui else None
        return say_done(edits, jobs[-1].after, session.language, chance)

    def _answer(self, wanted: Talk, session: Session, key: TurnKey) -> str:
        return say_talk(wanted, session.language, key.message, gui=self._core.settings.gui)

    def _draw_outcome(self, token: Token, key: TurnKey) -> Outcome:
        ordinal = self._outcomes.next_ordinal(token.id)
        return draw_outcome(self._core.settings.silence, self._core.draw, key, ordinal)

    def _heartbeat(self, token: Token) -> float:
        """Seconds between heartbeats in the dialect of this token (SSE-3)."""
        return (token.dialect or self._core.settings.dialect).heartbeat_seconds
