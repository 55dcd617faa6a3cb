"""Decides what a turn does after a language model was asked: its edits, its text, or the fallback.

The model is asked if the rules understand a message only in part or not at all. It can do nothing
that a scripted reply could not do, and cannot remove everything unless the message asks for it.
"""

import msgspec

from nemolocal_agent import EditRejected, NoEdit, split_stages
from nemolocal_agent.destructive_edits import find_unasked
from nemolocal_contract.journal import ModelEntry

from ..context import ServerContext
from ..data.sessions import SessionRecord
from ..language_model.model_agent import ModelAgent, ModelAnswer, log_answer
from .content_analyzer import ContentAnalyzer
from .draft_service import DraftService
from .running_turn import TurnIntent
from .turn_schedule import TurnSeed


class ModelTurns:
    """Asks the model of the settings, if there is one."""

    def __init__(
        self, context: ServerContext, drafts: DraftService, analyzer: ContentAnalyzer
    ) -> None:
        self._context = context
        self._drafts = drafts
        self._analyzer = analyzer
        settings = context.settings.model
        self._agent = ModelAgent(settings, context) if settings.is_enabled else None

    @property
    def pending(self) -> ModelEntry | None:
        """The journal entry of a model that is still to be asked; None without a model."""
        return None if self._agent is None else self._agent.pending

    async def ask(self, session: SessionRecord, seed: TurnSeed, fallback: TurnIntent) -> TurnIntent:
        """Ask the model and return what the turn does; `fallback` without a usable answer."""
        assert self._agent is not None, "no model is set"
        newest, _ = self._context.sessions.newest_and_stamp(session.id)
        assets = self._context.assets.list_for_session(session.id)
        answer = await self._agent.ask(session, seed.message, newest.draft, assets)
        if answer.reply is not None:
            await self._analyzer.prepare(session, answer.edits)
            answer = self._judge(session, seed, answer)
        log_answer(answer.entry)
        if answer.reply is not None:
            changes = answer.reply.changes_json()
            return TurnIntent(answer.edits, "full", model=answer.entry, changes=changes)
        if answer.text:
            said = NoEdit("unknown")
            return TurnIntent(said, fallback.understood, model=answer.entry, said=answer.text)
        if not isinstance(fallback.edits, NoEdit):
            await self._analyzer.prepare(session, fallback.edits)
        return msgspec.structs.replace(fallback, model=answer.entry)

    def _judge(self, session: SessionRecord, seed: TurnSeed, answer: ModelAnswer) -> ModelAnswer:
        """Drop edits that would remove everything, unless the message asks for it.

        Edits that the timeline does not allow stay: the turn refuses them with the reason.
        """
        unasked = find_unasked(answer.edits, seed.message)
        if not unasked:
            try:
                self._drafts.preview(session, split_stages(answer.edits), seed.turn)
            except EditRejected as error:
                if error.code != "nothing_left":
                    return answer.refused(str(error))
                unasked = "remove everything"
            else:
                return answer
        return answer.without_edits(f"it would {unasked}, and the message does not say so")
