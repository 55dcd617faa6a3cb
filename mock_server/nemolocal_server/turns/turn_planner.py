"""The planner: decides what a turn will be, before anything of it is said or done."""

from collections.abc import Sequence

from nemolocal_agent import (
    Edit,
    EditRejected,
    NoEdit,
    PlannedToolCall,
    is_generation,
    split_stages,
    write_edit_reply,
    write_failure_reply,
    write_no_edit_reply,
)

from ..context import ServerContext
from ..data.sessions import SessionRecord
from ..data.tokens import TokenRecord
from ..faults.turn_faults import TurnFaults
from .credit_holds import CreditHolds
from .draft_service import DraftService
from .edit_outcomes import EditOutcomeRepository
from .running_turn import RunningTurn
from .silent_turns import EditOutcome, choose_outcome
from .turn_schedule import TurnSeed, schedule_edit, schedule_generation, schedule_reply


class TurnPlanner:
    """Plans turns; holds their credits, which raises 2001 where they lack (CRD-4)."""

    def __init__(
        self, core: ServerContext, outcomes: EditOutcomeRepository, drafts: DraftService
    ) -> None:
        self._context = core
        self._holds = CreditHolds(core.store, core.ledger, core.settings.tariff)
        self._outcomes = outcomes
        self._drafts = drafts

    def plan(
        self,
        token: TokenRecord,
        session: SessionRecord,
        key: TurnSeed,
        wanted: tuple[Edit, ...] | NoEdit,
        faults: TurnFaults,
    ) -> RunningTurn:
        """The turn that answers what is wanted, disturbed by the faults in force."""
        if isinstance(wanted, NoEdit):
            turn = self._talk(token, session, key, self._talk_text(wanted, session, key))
        else:
            turn = self._edit_if_possible(token, session, key, wanted, faults.outcome)
        limit = self._context.settings.turn_times.limit
        turn.steps = faults.apply(turn.steps, self._heartbeat(token), limit)
        return turn

    def _edit_if_possible(
        self,
        token: TokenRecord,
        session: SessionRecord,
        key: TurnSeed,
        edits: tuple[Edit, ...],
        forced: EditOutcome | None,
    ) -> RunningTurn:
        stages, times = split_stages(edits), self._context.settings.turn_times
        try:
            previews = self._drafts.preview(session, stages, key.turn)
        except EditRejected as error:
            reason = error.message_in(session.language)
            return self._talk(
                token,
                session,
                key,
                write_failure_reply(reason, session.language, gui=self._context.settings.gui),
            )
        jobs = [preview.calls for preview in previews]
        if any(map(is_generation, edits)):
            # A generation does what it says, and says so, unless a fault is in force (SSE-8).
            outcome = forced or EditOutcome()
            text = None if outcome.silent else self._success_text(session, key, jobs)
            plan = schedule_generation(
                jobs, text, key, self._context.rng, self._heartbeat(token), times
            )
        else:
            outcome = forced or self._choose_outcome(token, key)
            text = None if outcome.silent else self._success_text(session, key, jobs)
            plan = schedule_edit(
                jobs[0], text, key, self._context.rng, self._heartbeat(token), times
            )
        turn = RunningTurn(session, key.turn, plan)
        turn.stages, turn.previews, turn.outcome = stages, previews, outcome
        turn.hold_id = self._holds.take(token, session, edits)
        return turn

    def _talk(
        self, token: TokenRecord, session: SessionRecord, key: TurnSeed, text: str
    ) -> RunningTurn:
        times = self._context.settings.turn_times
        plan = schedule_reply(text, key, self._context.rng, self._heartbeat(token), times)
        return RunningTurn(session, key.turn, plan)

    def _success_text(
        self,
        session: SessionRecord,
        key: TurnSeed,
        stages: Sequence[tuple[PlannedToolCall, ...]],
    ) -> str:
        jobs = [job for stage in stages for job in stage]
        edits = tuple(edit for job in jobs for edit in job.edits)
        settings = self._context.settings
        chance = self._context.rng.random("screen", *key.key()) if settings.gui else None
        return write_edit_reply(edits, jobs[-1].after, session.language, chance)

    def _talk_text(self, wanted: NoEdit, session: SessionRecord, key: TurnSeed) -> str:
        return write_no_edit_reply(
            wanted, session.language, key.message, gui=self._context.settings.gui
        )

    def _choose_outcome(self, token: TokenRecord, key: TurnSeed) -> EditOutcome:
        policy = self._context.settings.silence
        ordinal = self._outcomes.next_ordinal(token.id) if policy.counts_edits else 1
        return choose_outcome(policy, self._context.rng, key, ordinal)

    def _heartbeat(self, token: TokenRecord) -> float:
        """Seconds between heartbeats in the dialect of this token (SSE-3)."""
        return (token.dialect or self._context.settings.dialect).heartbeat_seconds
