"""Validates responses to a message: an error or a valid stream (section 5, CRD-4)."""

import contextlib
from typing import Any

import msgspec

from nemolocal_contract.responses import ResponseCode, decode_json
from nemolocal_contract.turn_events import Text, UnreadableEvent

from ..assertions import CheckFailed, expect_equal, expect_true
from ..context import PUT_ON_TIMELINE, CheckContext
from ..error_assertions import expect_error, expect_error_status
from ..target import TurnStream
from .expected_errors import matches_expected_error
from .script import TALK_MESSAGES, MessageStep
from .server_model import (
    CreditState,
    ModelSession,
    ServerModel,
    states_after_edit,
    states_lacking_credits,
)
from .session_responses import FILE_TYPES
from .violation import under_rule

_STREAM = "text/event-stream"


def validate_turn(
    context: CheckContext, model: ServerModel, step: MessageStep, stream: TurnStream
) -> None:
    """Validate a turn, whichever way it ends."""
    due = model.expected_session_errors(step, step.session)
    if not step.message.strip():
        due.required[ResponseCode.BAD_REQUEST] = "GEN-6"
    if matches_expected_error(context, stream.response, due, chat=True):
        return
    session, account = model.sessions[step.session], model.accounts[step.by]
    if stream.response.media_type == "application/json":
        _validate_refusal(context, model, step, stream)
        return
    _validate_stream(stream)
    if _is_surely_an_edit(session, step.message):
        with under_rule("CRD-4"):
            poor = _states_too_poor(model, step)
            expect_equal("an edit without enough credits", poor == account.credit_states, False)
    if step.message in TALK_MESSAGES:
        with under_rule("SSE-5"):
            expect_true(
                "texts of an answer", bool(stream.events_of(Text)), "at least one", stream.events
            )
        account.credit_rule = "CRD-3"
        return
    session.turns_since_read += 1
    _validate_credits(model, step, stream)


def _is_surely_an_edit(session: ModelSession, message: str) -> bool:
    """Whether this is certainly an edit: there is something to put on the timeline."""
    return message == PUT_ON_TIMELINE and any(FILE_TYPES[name] != "audio" for name in session.files)


def _validate_refusal(
    context: CheckContext, model: ServerModel, step: MessageStep, stream: TurnStream
) -> None:
    """Require that a rejected turn is one that the account cannot pay for (CRD-4)."""
    poor, account = _states_too_poor(model, step), model.accounts[step.by]
    with under_rule("CRD-4" if poor else "SSE-1"):
        expect_true(
            "the reply", bool(poor), "a stream", stream.response.body.decode(errors="replace")
        )
        message = expect_error(context, stream.response, ResponseCode.NO_CREDITS)
        if account.created_at is not None:  # the user of a given token is unknown
            link = f"?bind={account.user_id}"
            expect_true("message", link in message, link, message)
    with under_rule("GEN-2"):
        expect_error_status(stream.response, ResponseCode.NO_CREDITS)
    account.credit_states, account.credit_rule = poor, "CRD-4"


def _states_too_poor(model: ServerModel, step: MessageStep) -> frozenset[CreditState]:
    states, session = model.accounts[step.by].credit_states, model.sessions[step.session]
    return states_lacking_credits(states, session.id, step.message, model.settings.tariff)


def _validate_credits(model: ServerModel, step: MessageStep, stream: TurnStream) -> None:
    """Update the credits after an edit; a turn without a tool call is not an edit."""
    session, account = model.sessions[step.session], model.accounts[step.by]
    account.credit_rule = "CRD-3"
    if not stream.has_edit:
        return
    session.edits_since_read += 1
    tariff = model.settings.tariff
    states = states_after_edit(account.credit_states, session.id, step.message, tariff)
    if not states:
        with under_rule("CRD-4"):
            raise CheckFailed("an edit without enough credits", "code 2001", "a stream that edits")
    account.credit_states = states


def _validate_stream(stream: TurnStream) -> None:
    response = stream.response
    with under_rule("SSE-1"):
        expect_equal("the HTTP status", response.status, 200)
        expect_equal("content-type", response.media_type, _STREAM)
    with under_rule("SSE-4"):
        expect_equal("the end of the body", response.ending, "complete")
        done = [f.data for f in stream.frames if f.data.strip().strip('"').lower() == "[done]"]
        expect_equal("done events", done, [])
    with under_rule("SSE-1"):
        expect_equal("frames that are no JSON", stream.events_of(UnreadableEvent), [])
        expect_true("the stream", not stream.is_torn, "a blank line last", response.body)
    with under_rule("SSE-2"):
        shapes = {"typed" if "type" in body else "adk" for body in _bodies(stream)}
        expect_true("shapes of events", len(shapes) <= 1, "one", sorted(shapes))
        expect_equal("tool results without a call before them", stream.unmatched_results, [])


def _bodies(stream: TurnStream) -> list[dict[str, Any]]:
    bodies = []
    for frame in stream.frames:
        with contextlib.suppress(msgspec.DecodeError):
            bodies.append(decode_json(frame.data))
    return [body for body in bodies if isinstance(body, dict)]
