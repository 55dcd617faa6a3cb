"""The agent that asks a language model for the edits of a message, and checks what it answers."""

import asyncio
import logging

import msgspec

from nemolocal_agent import Edit, length_of
from nemolocal_contract.clock import WallClock
from nemolocal_contract.describe import describe_timeline
from nemolocal_contract.describe.text_formats import truncate_text
from nemolocal_contract.draft import Draft
from nemolocal_contract.journal import ModelEntry, ModelOutcome
from nemolocal_contract.responses import encode_json
from nemolocal_contract.text_escaping import escape_controls

from ..context import ServerContext
from ..data.sessions import Asset, SessionRecord
from ..scripted_replies.reply_spec import ReplyError
from ..scripted_replies.scripted_reply import ScriptedReply, build_reply
from .chat_completions import (
    ModelCall,
    ModelFailed,
    build_request,
    edit_tables,
    read_calls,
    read_decline,
)
from .endpoint import ModelEndpoint
from .model_settings import ModelSettings
from .recordings import AnswerRecorder, RecordedAnswer, RecordedAnswers, hash_project

log = logging.getLogger("nemolocal")

_MAX_TIMELINE = 8000
_MAX_NAME = 120
_MAX_UPLOADS = 50
_MAX_DETAIL = 200
# As long as a message, which could ask for the same.
_MAX_CALL_CHARACTERS = 20_000
_REPLAYED = "recorded"


class ModelAnswer(msgspec.Struct, frozen=True):
    """The answer of a model to a message: `entry` for the journal, and edits, a text or neither.

    `reply` has the edits, checked like those of a scripted reply; `text` is said instead of edits.
    """

    entry: ModelEntry
    reply: ScriptedReply | None = None
    text: str = ""

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits; none if there is no usable answer."""
        return (self.reply.edits or ()) if self.reply is not None else ()

    def refused(self, reason: str) -> "ModelAnswer":
        """Return the answer marked as refused: the turn rejects its edits for this reason."""
        return msgspec.structs.replace(self, entry=self._entry("refused", reason))

    def without_edits(self, reason: str) -> "ModelAnswer":
        """Return the answer without its edits, which the message did not ask for."""
        return ModelAnswer(self._entry("destructive", reason))

    def _entry(self, outcome: ModelOutcome, detail: str) -> ModelEntry:
        return msgspec.structs.replace(self.entry, outcome=outcome, detail=detail)


class ModelAgent:
    """Asks the model of the settings; raises `ModelSetupError` if they are not usable."""

    def __init__(self, settings: ModelSettings, context: ServerContext) -> None:
        self._settings = settings
        self._name = settings.name or _REPLAYED
        self._redact = context.store.known_tokens.redact
        self._endpoint = ModelEndpoint(settings)
        self._recorded = None if settings.replay is None else RecordedAnswers(settings.replay)
        self._recorder = None if settings.record is None else AnswerRecorder(settings.record)
        self._clock = WallClock()

    @property
    def pending(self) -> ModelEntry:
        """The entry of a turn whose answer has not come yet."""
        return ModelEntry(self._name, "pending", 0)

    async def ask(
        self, session: SessionRecord, message: str, draft: Draft, assets: list[Asset]
    ) -> ModelAnswer:
        """Return what the model answers; a failure is an answer too, and is logged."""
        started = self._clock.elapsed()
        reply, text, detail = None, "", ""
        outcome: ModelOutcome = "edited"
        try:
            calls = await self._calls(session, self._redact(message), draft, assets)
            text = read_decline(calls) or ""
            if text:
                outcome = "declined"
            else:
                reply = await self._check(calls)
        except ModelFailed as error:
            outcome, detail = error.outcome, self._shown(str(error))
        milliseconds = round((self._clock.elapsed() - started) * 1000)
        return ModelAnswer(ModelEntry(self._name, outcome, milliseconds, detail), reply, text)

    def _shown(self, reason: str) -> str:
        """Return a reason that is safe to log: the model may have written parts of it."""
        text = escape_controls(" ".join(reason.split()))
        return self._redact(truncate_text(text, _MAX_DETAIL))

    async def _calls(
        self, session: SessionRecord, message: str, draft: Draft, assets: list[Asset]
    ) -> tuple[ModelCall, ...]:
        key = hash_project(draft, assets)
        if self._recorded is not None:
            found = self._recorded.find(message, key, self._settings.name)
            if found is None:
                raise ModelFailed(
                    "not_recorded", "no answer is recorded for this message and draft"
                )
            return found
        question = self._redact(describe_project(session, message, draft, assets))
        body = await self._endpoint.complete(build_request(self._settings.name, question))
        calls = read_calls(body)
        written = encode_json(calls).decode()
        if self._endpoint.has_key(written):
            raise ModelFailed("invalid", "its answer contains the API key")
        if len(written) > _MAX_CALL_CHARACTERS:
            raise ModelFailed(
                "invalid", f"its edits have more than {_MAX_CALL_CHARACTERS} characters"
            )
        if self._recorder is not None:
            self._record(self._recorder, RecordedAnswer(message, key, self._settings.name, calls))
        return calls

    def _record(self, recorder: AnswerRecorder, answer: RecordedAnswer) -> None:
        try:
            recorder.add(answer)
        except OSError as error:
            log.warning("an answer of the model could not be recorded: %s", error.strerror)

    async def _check(self, calls: tuple[ModelCall, ...]) -> ScriptedReply:
        """Check the edits like those of a scripted reply; in a thread, since each is tried."""
        try:
            fields = {"edits": edit_tables(calls), "say": ""}
            return await asyncio.to_thread(build_reply, fields, self._name)
        except ReplyError as error:
            raise ModelFailed("invalid", f"its edits cannot be used: {error}") from None


def describe_project(
    session: SessionRecord, message: str, draft: Draft, assets: list[Asset]
) -> str:
    """Return the JSON that the model gets: the message, the timeline and the uploads."""
    uploads = [asset for asset in assets if asset.origin == "upload"]
    described = [
        {
            "number": number,
            "name": truncate_text(asset.filename, _MAX_NAME),
            "kind": asset.info.kind,
            "ms": round(asset.info.duration * 1000),
        }
        for number, asset in enumerate(uploads[:_MAX_UPLOADS], 1)
    ]
    question = {
        "message": message,
        "language": session.language,
        "timeline": truncate_text(describe_timeline(draft), _MAX_TIMELINE),
        "length_ms": length_of(draft),
        "uploads": described,
        "more_uploads": len(uploads) - len(described),
    }
    return encode_json(question).decode()


def log_answer(entry: ModelEntry) -> None:
    """Log the outcome of a request, without the message, which is private."""
    is_useful = entry.outcome in ("edited", "declined", "refused")
    log.log(
        logging.INFO if is_useful else logging.WARNING,
        "model %s: %s after %d ms%s",
        entry.name,
        entry.outcome,
        entry.milliseconds,
        f": {entry.detail}" if entry.detail else "",
    )
