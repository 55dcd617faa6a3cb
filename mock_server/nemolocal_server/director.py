"""The director: decides what a turn will be, before anything of it is said or done."""

from .agent.edits import CannotEdit
from .agent.generation import is_generation, stages_of
from .agent.intents import Edit, Talk
from .agent.speech import say_done, say_failed, say_talk
from .agent.turn_plan import TurnKey, plan_edit, plan_generation, plan_talk
from .core import Core
from .faults.disturbance import Disturbance
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
        refusal = "" if isinstance(wanted, Talk) else self._refusal(session, wanted)
        if isinstance(wanted, Talk):
            turn = self._talk(token, session, key, say_talk(wanted, session.language))
        elif refusal:
            turn = self._talk(token, session, key, say_failed(refusal, session.language))
        elif any(map(is_generation, wanted)):
            turn = self._generate(token, session, key, wanted, disturbance.outcome)
        else:
            turn = self._edit(token, session, key, wanted, disturbance.outcome)
        turn.plan = disturbance.disturb(turn.plan, self._heartbeat(token))
        return turn

    def _refusal(self, session: Session, edits: tuple[Edit, ...]) -> str:
        try:
            self._workbench.foresee(session, edits)
        except CannotEdit as error:
            return str(error)
        return ""

    def _talk(self, token: Token, session: Session, key: TurnKey, text: str) -> Turn:
        plan = plan_talk(text, key, self._core.draw, self._heartbeat(token))
        return Turn(session, key.turn, plan)

    def _edit(
        self,
        token: Token,
        session: Session,
        key: TurnKey,
        edits: tuple[Edit, ...],
        forced: Outcome | None,
    ) -> Turn:
        outcome = forced or self._draw_outcome(token, key)
        text = None if outcome.silent else self._done(session, edits)
        plan = plan_edit(edits, text, key, self._core.draw, self._heartbeat(token))
        turn = Turn(session, key.turn, plan)
        turn.stages, turn.outcome = (edits,), outcome
        turn.hold_id = self._hold(token, session, edits)
        return turn

    def _generate(
        self,
        token: Token,
        session: Session,
        key: TurnKey,
        edits: tuple[Edit, ...],
        forced: Outcome | None,
    ) -> Turn:
        """A generation does what it says, and says so, unless a fault is in force (SSE-8)."""
        stages = stages_of(edits)
        outcome = forced or Outcome()
        text = None if outcome.silent else self._done(session, (*stages[0], *stages[1]))
        plan = plan_generation(stages, text, key, self._core.draw, self._heartbeat(token))
        turn = Turn(session, key.turn, plan)
        turn.stages, turn.outcome = stages, outcome
        turn.hold_id = self._hold(token, session, edits)
        return turn

    def _done(self, session: Session, edits: tuple[Edit, ...]) -> str:
        return say_done(edits, self._workbench.foresee(session, edits), session.language)

    def _hold(self, token: Token, session: Session, edits: tuple[Edit, ...]) -> int | None:
        """Freeze what the edits cost: each clip, and editing once a session (CRD-3)."""
        tariff = self._core.settings.tariff
        clips = sum(map(is_generation, edits))
        editing = clips < len(edits) and not self._edited_before(session)
        cost = clips * tariff.generation + editing * tariff.editing
        what = " and ".join(["generation"] * bool(clips) + ["editing"] * editing)
        return self._core.ledger.hold(token, cost, what)

    def _edited_before(self, session: Session) -> bool:
        """Has a turn of this session held credits for editing, and not lost them again?"""
        return bool(
            self._core.store.value(
                """SELECT 1 FROM turns JOIN ledger ON ledger.id = turns.hold_id
                   WHERE session_id = :id AND status != 'failed' AND reason LIKE '%editing'""",
                id=session.id,
            )
        )

    def _draw_outcome(self, token: Token, key: TurnKey) -> Outcome:
        ordinal = self._outcomes.next_ordinal(token.id)
        return draw_outcome(self._core.settings.silence, self._core.draw, key, ordinal)

    def _heartbeat(self, token: Token) -> float:
        """Seconds between heartbeats in the dialect of this token (SSE-3)."""
        return (token.dialect or self._core.settings.dialect).heartbeat_seconds
