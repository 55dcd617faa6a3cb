"""Sections 1, 3 and 8: ids in paths, whose they are, and what a refusal leaves (GEN-7, SES-3)."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import Endpoint
from nemolocal_contract.responses import ResponseCode

from ..account_context import TargetAccount
from ..assertions import (
    CheckFailed,
    NotApplicable,
    expect_equal,
    expect_type,
    require_field,
)
from ..context import CheckContext
from ..endpoint_requests import (
    TITLE_DRAFT,
    UNKNOWN_RENDER,
    UNKNOWN_SESSION,
    EndpointRequest,
    label,
)
from ..error_assertions import constant_words, expect_error, refusal_words
from ..render_replies import flatten_render
from ..server_check import server_check
from ..stable_fields import known_state
from ..target import TargetResponse

_OF_A_USER = (wire.SESSION, wire.UPLOAD, wire.STATE)
_OF_A_SESSION = (wire.UPLOAD, wire.CHAT, wire.STATE, wire.CLAIM_TOKEN, wire.RENDER)
_OF_A_RENDER = (wire.RENDER_STATUS, wire.RENDER_CANCEL, wire.RENDER_DOWNLOAD)


def own_user_id(context: CheckContext) -> str:
    """Return the caller's user id, from the token reply or else the state."""
    if context.account.user_id:
        return context.account.user_id
    try:
        return str(context.read_state(context.session)["user_id"])
    except (CheckFailed, KeyError):
        raise NotApplicable("the user id of this token is unknown") from None


def _expect_not_found(
    context: CheckContext, what: str, endpoint: Endpoint, response: TargetResponse
) -> str:
    """Require 1002 and return its message; a failure names the endpoint."""
    code, chat = ResponseCode.SESSION_NOT_FOUND, endpoint == wire.CHAT
    try:
        return expect_error(context, response, code, chat=chat)
    except CheckFailed as failed:
        said = f"{label(endpoint)} with {what}: {failed.what}"
        raise CheckFailed(said, failed.expected, failed.actual) from None


@server_check("general.user.own-id-session", "GEN-7", prerequisite="session")
def session_opens_under_the_own_id(context: CheckContext) -> None:
    """A session created under the caller's own user id MUST be available under `me`."""
    body = {"task_name": "project", "language": "en"}
    data = context.call(wire.SESSION, user=own_user_id(context), json=body).data
    session = expect_type("data.session_id", require_field("data", data, "session_id"), str)
    shown = context.call(wire.STATE, session=session).data
    expect_equal("its session_id", require_field("data", shown, "session_id"), session)


@server_check("general.user.own-id-upload", "GEN-7", prerequisite="session")
def upload_goes_to_the_own_id(context: CheckContext) -> None:
    """An upload under the caller's own user id MUST be accepted as under `me`."""
    session = context.new_session()
    data = context.upload(session, "picture.png", user=own_user_id(context)).data
    expect_equal("number of files", len(require_field("data", data, "files")), 1)


@server_check("general.user.foreign-everywhere", "GEN-7", prerequisite="session", tokens=1)
def foreign_user_id_is_not_found_anywhere(context: CheckContext) -> None:
    """Every path with another user's id MUST be refused with 1002, even if that user does not
    exist.
    """
    session, other = context.new_session(), context.new_account()
    users = ("anon_somebody_else", *([other.user_id] if other.user_id else []))
    for user in users:
        for endpoint in _OF_A_USER:
            request = EndpointRequest(session=session, user=user)
            response = request.send(context, endpoint, context.account.token)
            _expect_not_found(context, "another user id", endpoint, response)
    infos = require_field("data", context.read_state(session), "state", "video_infos")
    expect_equal("video_infos after refused uploads", infos, [])


@server_check("general.user.foreign-path", "GEN-7", "SES-3", prerequisite="session", tokens=1)
def foreign_id_opens_no_foreign_session(context: CheckContext) -> None:
    """Another user's session under that user's id MUST be refused with 1002 for its state and
    uploads.
    """
    other, user = context.new_account(), own_user_id(context)
    for endpoint in (wire.STATE, wire.UPLOAD):
        request = EndpointRequest(session=context.session, user=user)
        response = request.send(context, endpoint, other.token)
        _expect_not_found(context, "another's id and session", endpoint, response)


@server_check(
    "general.user.no-hint-anywhere",
    *("GEN-7", "SES-3", "REN-8"),
    prerequisite="render",
    tokens=1,
)
def what_is_foreign_looks_like_nothing_anywhere(context: CheckContext) -> None:
    """Every call MUST refuse another user's session or render with the same message as one that
    does not exist.
    """
    other = context.new_account()
    render, task = str(context.completed_export["id"]), _task(context, context.session)
    held = EndpointRequest(session=context.session, task=task, render=render)
    never = EndpointRequest()
    for endpoint in (*_OF_A_SESSION, *_OF_A_RENDER):
        refusals = []
        for request in (held, never, never):
            response = request.send(context, endpoint, other.token)
            named = request.render if endpoint in _OF_A_RENDER else request.session
            refusals.append(refusal_words(response, named))
        foreign, unknown, again = refusals
        held_words, words = constant_words(foreign[2], unknown[2], again[2])
        # Whether it is refused at all, and how, is left to other checks.
        what = f"status, code and message of {label(endpoint)}"
        expect_equal(what, (*foreign[:2], held_words), (*unknown[:2], words))


@server_check("session.unknown.claim", "SES-3", prerequisite="token")
def claim_of_an_unknown_session(context: CheckContext) -> None:
    """A claim token request for a session that does not exist MUST be refused with 1002."""
    body = {"task_id": "1", "session_id": UNKNOWN_SESSION}
    response = context.call(wire.CLAIM_TOKEN, json=body)
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)


@server_check("session.foreign.export", "SES-3", "GEN-7", prerequisite="session", tokens=1)
def foreign_session_cannot_be_exported(context: CheckContext) -> None:
    """An export of another user's session MUST be refused with 1002 and create no render."""
    other, render = context.new_account(), context.new_render_id()
    response = context.submit_export(render, context.session, TITLE_DRAFT, other)
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)
    for account in (other, context.account):
        expect_no_render(context, render, account)


def expect_no_render(
    context: CheckContext, render: str, account: TargetAccount | None = None
) -> None:
    """Require that a render is as unknown as one that never was."""
    own, unknown, again = (
        refusal_words(context.call(wire.RENDER_STATUS, account, render=name), name)
        for name in (render, UNKNOWN_RENDER, UNKNOWN_RENDER)
    )
    own_words, words = constant_words(own[2], unknown[2], again[2])
    expect_equal("the status of the render", (*own[:2], own_words), (*unknown[:2], words))


@server_check("session.foreign.unchanged", "SES-3", "GEN-7", prerequisite="edit", tokens=1)
def refused_calls_leave_a_foreign_session_alone(context: CheckContext) -> None:
    """A refused call to another user's session MUST NOT change the session or a balance."""
    other, session = context.new_account(), context.edited_session
    before = _held(context, session), context.read_balance(), context.read_balance(other)
    for endpoint in (wire.UPLOAD, wire.CLAIM_TOKEN):
        EndpointRequest(session=session).send(context, endpoint, other.token)
    context.send_message(session, "add a title 'Mine' for 1 second", other)
    after = _held(context, session), context.read_balance(), context.read_balance(other)
    expect_equal("state and balances", after, before)


def _held(context: CheckContext, session: str) -> dict[str, Any]:
    return known_state(context.read_state(session))


def _task(context: CheckContext, session: str) -> str:
    return str(require_field("data", context.read_state(session), "task_id"))


@server_check("render.unknown.everywhere", "REN-8", "SES-3", prerequisite="token")
def unknown_render_is_not_found_anywhere(context: CheckContext) -> None:
    """Status, cancel and fallback download of a render that does not exist MUST be refused with
    1002.
    """
    for endpoint in _OF_A_RENDER:
        response = EndpointRequest(render=UNKNOWN_RENDER).send(
            context, endpoint, context.account.token
        )
        _expect_not_found(context, "an unknown render", endpoint, response)


@server_check("render.foreign.unchanged", "REN-8", "REN-6", prerequisite="render", tokens=1)
def foreign_cancel_changes_nothing(context: CheckContext) -> None:
    """A refused cancel or a repeated submit MUST NOT change a completed render."""
    # Not its status now: an earlier check may have tried the same.
    before = context.completed_export
    render = str(before["id"])
    for token in (context.new_account().token, None):
        EndpointRequest(render=render).send(context, wire.RENDER_CANCEL, token)
    context.submit_export(render, context.edited_session, TITLE_DRAFT)
    after = flatten_render(context.call(wire.RENDER_STATUS, render=render).json)
    for name in ("id", "status"):
        expect_equal(name, after.get(name), before.get(name))
