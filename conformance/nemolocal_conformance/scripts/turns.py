"""Answers to a turn: a refusal, or a stream that must be one (section 5, CRD-4)."""

import contextlib
from typing import Any

import msgspec

from nemolocal_contract.codes import Code
from nemolocal_contract.envelope import decode_json
from nemolocal_contract.events import Text, ToolCall, ToolResult, Unreadable

from ..expectations import Broken, expect, expect_that
from ..failures import expect_failure, expect_style
from ..peer import Told
from ..stage import PUT_ON_TIMELINE, Stage
from .finding import under
from .model import Account, Model, Session, after_edit, lacking
from .refusals import refused
from .script import TALK, Say
from .sessions import KINDS

_STREAM = "text/event-stream"


def judge_turn(stage: Stage, model: Model, step: Say, told: Told) -> None:
    """One turn, in every way that it may end."""
    due = model.due_in_session(step, step.session)
    if not step.message.strip():
        due.must[Code.BAD_REQUEST] = "GEN-6"
    if refused(stage, told.answer, due, chat=True):
        return
    session, account = model.sessions[step.session], model.accounts[step.by]
    if told.answer.headers.get("content-type", "").startswith("application/json"):
        _judge_refusal(stage, account, session, step, told)
        return
    _judge_stream(told)
    if _must_pay(session, step.message):
        with under("CRD-4"):
            poor = lacking(account.worlds, session.id, step.message)
            expect("an edit without enough credits", poor == account.worlds, False)
    if step.message in TALK:
        with under("SSE-5"):
            expect_that("texts of an answer", bool(told.of(Text)), "at least one", told.events)
        account.moved = "CRD-3"
        return
    session.turns += 1
    _judge_credits(account, session, step, told)


def _must_pay(session: Session, message: str) -> bool:
    """Whether this is an edit beyond doubt: there is something to put on the timeline."""
    return message == PUT_ON_TIMELINE and any(KINDS[name] != "audio" for name in session.files)


def _judge_refusal(stage: Stage, account: Account, session: Session, step: Say, told: Told) -> None:
    """A turn that is not worked on must be one for which there are too few credits (CRD-4)."""
    poor = lacking(account.worlds, session.id, step.message)
    with under("CRD-4" if poor else "SSE-1"):
        expect_that("the reply", bool(poor), "a stream", told.answer.body.decode(errors="replace"))
        message = expect_failure(stage, told.answer, Code.NO_CREDITS)
        if account.made is not None:  # a token that was given may be anybody's
            link = f"?bind={account.user_id}"
            expect_that("message", link in message, link, message)
    with under("GEN-2"):
        expect_style(told.answer, Code.NO_CREDITS)
    account.worlds, account.moved = poor, "CRD-4"


def _judge_credits(account: Account, session: Session, step: Say, told: Told) -> None:
    """An edit is paid for; what calls no tool is no edit."""
    account.moved = "CRD-3"
    if not told.edited:
        return
    session.edits += 1
    worlds = after_edit(account.worlds, session.id, step.message)
    if not worlds:
        with under("CRD-4"):
            raise Broken("an edit without enough credits", "code 2001", "a stream that edits")
    account.worlds = worlds


def _judge_stream(told: Told) -> None:
    answer = told.answer
    with under("SSE-1"):
        expect("the HTTP status", answer.status, 200)
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        expect("content-type", kind, _STREAM)
    with under("SSE-4"):
        expect("the end of the body", answer.ending, "complete")
        done = [f.data for f in told.frames if f.data.strip().strip('"').lower() == "[done]"]
        expect("done events", done, [])
    with under("SSE-1"):
        expect("frames that are no JSON", told.of(Unreadable), [])
        expect_that("the stream", answer.body.endswith(b"\n\n"), "a blank line last", answer.body)
    with under("SSE-2"):
        shapes = {"typed" if "type" in body else "adk" for body in _bodies(told)}
        expect_that("shapes of events", len(shapes) <= 1, "one", sorted(shapes))
        _judge_tools(told)


def _judge_tools(told: Told) -> None:
    """A result answers a call that came before it."""
    open_calls: list[str] = []
    for event in told.of(ToolCall, ToolResult):
        if isinstance(event, ToolCall):
            open_calls.append(event.id)
        else:
            expect_that("the call of a result", event.id in open_calls, str(open_calls), event.id)


def _bodies(told: Told) -> list[dict[str, Any]]:
    bodies = []
    for frame in told.frames:
        with contextlib.suppress(msgspec.DecodeError):
            bodies.append(decode_json(frame.data))
    return [body for body in bodies if isinstance(body, dict)]
