"""Plans turns: refusals, holds, edits and texts, and their times."""

import logging

from nemolocal_agent import (
    EditRejected,
    NoEdit,
    is_generation,
    split_stages,
    with_subtitles,
    write_declined_reply,
    write_edit_reply,
    write_failure_reply,
    write_no_edit_reply,
    write_question_reply,
)

from ..context import ServerContext
from ..data.sessions import SessionRecord
from ..data.tokens import NotUnderstood, TokenRecord
from ..faults.catalogue import ActiveFault
from ..faults.turn_faults import NO_TURN_FAULTS, turn_faults_for
from ..scripted_replies.scripted_reply import ScriptedReply
from ..settings import Settings
from .draft_service import DraftService
from .running_turn import RunningTurn, TurnIntent
from .scripted_turns import ScriptedTurn, scripted_outcome
from .silent_turns import EditOutcome, choose_outcome
from .turn_repository import TurnRepository
from .turn_schedule import TurnScheduler, TurnSeed, limit_duration

log = logging.getLogger("nemolocal")


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
        settings, heartbeat = self._settings, self.heartbeat_seconds(token)
        scheduler = TurnScheduler(seed, self._context.rng, heartbeat, settings.turn_times)
        effect = turn_faults_for(faults) if faults else NO_TURN_FAULTS
        try:
            turn = self._preview(session, seed, intent)
        except EditRejected as error:
            if reply is not None:
                log.warning("scripted reply %s: its edits are refused: %s", reply.name, error)
            turn = self._plan_refusal(session, seed, scheduler, error)
        else:
            if reply is not None:
                self._plan_reply(turn, token, seed, intent, effect.outcome, scheduler, reply)
            elif isinstance(intent.edits, NoEdit):
                text = self._no_edit_text(token, session, seed, intent, intent.edits)
                turn.steps = scheduler.reply(text)
            else:
                self._plan_edit(turn, token, seed, intent, effect.outcome, scheduler)
            turn.heartbeat_seconds = heartbeat
        if faults:
            turn.steps = effect.apply(turn.steps, heartbeat)
        turn.steps = limit_duration(turn.steps, settings.turn_times.limit)
        turn.understood, turn.model = intent.understood, intent.model
        return turn

    def heartbeat_seconds(self, token: TokenRecord) -> float:
        """The interval of heartbeats in the streams of this token."""
        return (token.dialect or self._settings.dialect).heartbeat_seconds

    def _preview(self, session: SessionRecord, seed: TurnSeed, intent: TurnIntent) -> RunningTurn:
        """Return a turn without steps, with what its edits will do; raises `EditRejected`."""
        turn = RunningTurn(session, seed.turn, [])
        if edits := intent.requested_edits:
            turn.stages = split_stages(edits)
            turn.previews = self._drafts.preview(session, turn.stages, seed.turn)
        return turn

    def _plan_edit(
        self,
        turn: RunningTurn,
        token: TokenRecord,
        seed: TurnSeed,
        intent: TurnIntent,
        forced: EditOutcome | None,
        scheduler: TurnScheduler,
    ) -> None:
        """Plan a turn that edits; a fault may force the outcome."""
        is_generated = any(map(is_generation, intent.requested_edits))
        # A generation is never silent, unless a fault says so (SSE-8).
        turn.outcome = forced or (
            EditOutcome() if is_generated else self._choose_outcome(token, seed)
        )
        text = None if turn.outcome.silent else self._success_text(turn, seed, intent.remarks)
        calls = [preview.calls for preview in turn.previews]
        turn.steps = (
            scheduler.generation(calls, text) if is_generated else scheduler.edit(calls[0], text)
        )
        turn.hold_id = self._repository.holds.take(token, turn.session, intent.requested_edits)

    def _plan_reply(
        self,
        turn: RunningTurn,
        token: TokenRecord,
        seed: TurnSeed,
        intent: TurnIntent,
        forced: EditOutcome | None,
        scheduler: TurnScheduler,
        reply: ScriptedReply,
    ) -> None:
        """Plan the turn of a scripted reply; the agent decides what the reply leaves out."""
        turn.outcome = forced or scripted_outcome(reply, self._settings.silence.late_seconds)
        text = reply.spec.say
        if text is None and isinstance(intent.edits, NoEdit):
            text = self._no_edit_text(token, turn.session, seed, intent, intent.edits)
        elif text is None and turn.previews:
            text = self._success_text(turn, seed, intent.remarks)
        turn.steps = ScriptedTurn(
            reply,
            text=None if turn.outcome.silent else text or None,
            calls=[call for preview in turn.previews for call in preview.calls],
            stages=len(turn.stages),
            is_generation=any(map(is_generation, intent.requested_edits)),
        ).steps(scheduler)
        holds, price = self._repository.holds, reply.spec.credits
        turn.hold_id = (
            holds.take(token, turn.session, intent.requested_edits)
            if price is None
            else holds.take_amount(token, price)
        )

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
        self,
        token: TokenRecord,
        session: SessionRecord,
        seed: TurnSeed,
        intent: TurnIntent,
        no_edit: NoEdit,
    ) -> str:
        if intent.said:
            return write_declined_reply(intent.said, session.language, gui=self._settings.gui)
        is_asking = not_understood_by(token, self._settings) == "ask"
        write = (
            write_question_reply
            if is_asking and no_edit.topic == "unknown"
            else write_no_edit_reply
        )
        return write(no_edit, session.language, seed.message, gui=self._settings.gui)

    def _success_text(self, turn: RunningTurn, seed: TurnSeed, remarks: str) -> str:
        calls = [call for preview in turn.previews for call in preview.calls]
        edits = with_subtitles(
            (edit for call in calls for edit in call.edits), turn.previews[-1].pool
        )
        chance = self._context.rng.random("screen", *seed.key()) if self._settings.gui else None
        return write_edit_reply(edits, calls[-1].after, turn.session.language, chance, remarks)

    def _choose_outcome(self, token: TokenRecord, seed: TurnSeed) -> EditOutcome:
        policy = self._settings.silence
        ordinal = self._repository.next_ordinal(token.id) if policy.counts_edits else 1
        return choose_outcome(policy, self._context.rng, seed, ordinal)


def not_understood_by(token: TokenRecord, settings: Settings) -> NotUnderstood:
    """Return what happens to a message of this token that is not understood."""
    return token.not_understood or settings.not_understood
