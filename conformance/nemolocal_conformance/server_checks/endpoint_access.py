"""Sections 1 and 2 at every endpoint: bearer tokens, scopes, attribution, tokens in URLs."""

import uuid

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import ATTRIBUTION, Endpoint
from nemolocal_contract.responses import ResponseCode

from ..assertions import CheckFailed, expect_equal, expect_true, expect_type, require_field
from ..context import CheckContext
from ..endpoint_requests import (
    GUARDED_ENDPOINTS,
    TITLE_DRAFT,
    UNKNOWN_TOKEN,
    EndpointRequest,
    label,
    require_uploads,
)
from ..error_assertions import error_code, expect_error
from ..server_check import server_check
from ..target import TargetResponse
from .ownership import expect_no_render

# The endpoints that a scope opens, and those that it does not. Which one opens a claim token, or
# the status of a render, is told nowhere.
_OPENED_BY: dict[str, tuple[Endpoint, ...]] = {
    "read": (wire.BALANCE, wire.STATE),
    "write": (wire.SESSION, wire.CHAT),
    "upload": (wire.UPLOAD,),
    "render": (wire.RENDER,),
}
_SCOPED = (wire.BALANCE, wire.STATE, wire.SESSION, wire.CHAT, wire.UPLOAD, wire.RENDER)
_OPENED_BY["*"] = _SCOPED
# A token that may write may also export, as anonymous ones do.
_LEFT_OPEN = {("write", wire.RENDER)}


def expect_bad_token(context: CheckContext, what: str, response: TargetResponse) -> None:
    """Require 1001; a failure names the endpoint."""
    try:
        expect_error(context, response, ResponseCode.BAD_TOKEN)
    except CheckFailed as failed:
        raise CheckFailed(f"{what}: {failed.what}", failed.expected, failed.actual) from None


@server_check("general.bearer.forms", "GEN-3", prerequisite="session")
def every_call_requires_a_bearer_token(context: CheckContext) -> None:
    """Every call except the token call MUST be refused with 1001 without a known bearer token."""
    token, request = context.account.token, EndpointRequest(session=context.session)
    forms = {
        "no token": {},
        "an unknown token": {"Authorization": f"Bearer {UNKNOWN_TOKEN}"},
        "another scheme": {"Authorization": f"Basic {token}"},
        "no scheme": {"Authorization": token},
    }
    for form, headers in forms.items():
        for what, response in request.send_all(context, None, headers=headers):
            expect_bad_token(context, f"{what} with {form}", response)


@server_check("general.bearer.render", "GEN-3", "REN-8", prerequisite="render")
def existing_render_requires_its_token(context: CheckContext) -> None:
    """Every call about an existing render MUST be refused with 1001 if its token is unknown."""
    request = EndpointRequest(render=str(context.completed_export["id"]))
    for endpoint in (wire.RENDER_STATUS, wire.RENDER_CANCEL, wire.RENDER_DOWNLOAD):
        response = request.send(context, endpoint, UNKNOWN_TOKEN)
        expect_bad_token(context, label(endpoint), response)


@server_check("token.claim.nowhere", "AUTH-7", "GEN-3", prerequisite="session")
def claim_token_is_no_bearer_anywhere(context: CheckContext) -> None:
    """Every call MUST be refused with 1001 if its bearer token is a claim token."""
    task = str(require_field("data", context.read_state(context.session), "task_id"))
    request = EndpointRequest(session=context.session, task=task)
    data = request.send(context, wire.CLAIM_TOKEN, context.account.token).data
    claim = expect_type("claim_token", require_field("data", data, "claim_token"), str)
    for what, response in request.send_all(context, claim):
        expect_bad_token(context, what, response)


@server_check("token.revoked.everywhere", "GEN-3", "AUTH-6", needs_control=True)
def revoked_token_is_refused_everywhere(context: CheckContext) -> None:
    """Every call with a revoked token MUST be refused with 1001."""
    account = context.make_account()
    request = EndpointRequest(session=context.new_session(account))
    context.control.change_token(account.token_reply["id"], revoked=True)
    for what, response in request.send_all(context, account.token):
        expect_bad_token(context, what, response)


@server_check("token.life.everywhere", "AUTH-5", "GEN-3", needs_control=True)
def expired_token_is_refused_everywhere(context: CheckContext) -> None:
    """Every call with an expired token MUST be refused with 1001."""
    account = context.make_account()
    request = EndpointRequest(session=context.new_session(account))
    context.control.change_token(account.token_reply["id"], expires_in=1)
    context.control.advance_clock(2)
    for what, response in request.send_all(context, account.token):
        expect_bad_token(context, what, response)


@server_check("token.scope.each", "AUTH-6", needs_control=True, assumed=True)
def each_scope_opens_its_calls_only(context: CheckContext) -> None:
    """A token with one scope MUST be allowed the calls of that scope and no others."""
    require_uploads(context)
    account = context.make_account(scopes=["*"])
    request = EndpointRequest(session=context.new_session(account))
    for scope, opened in _OPENED_BY.items():
        context.control.change_token(account.token_reply["id"], scopes=[scope])
        for endpoint in _SCOPED:
            if (scope, endpoint) in _LEFT_OPEN:
                continue
            what = f"{label(endpoint)} with the scope {scope}"
            response = request.send(context, endpoint, account.token)
            if endpoint in opened:
                _expect_answered(what, endpoint, response)
            else:
                expect_bad_token(context, what, response)


@server_check("token.scope.anonymous", "AUTH-6", prerequisite="session")
def anonymous_token_may_read_write_and_upload(context: CheckContext) -> None:
    """An anonymous token MUST be allowed to read, write and upload."""
    require_uploads(context)
    request = EndpointRequest(session=context.new_session())
    for endpoint in (wire.BALANCE, wire.STATE, wire.SESSION, wire.CHAT, wire.UPLOAD):
        response = request.send(context, endpoint, context.account.token)
        _expect_answered(label(endpoint), endpoint, response)


def _expect_answered(what: str, endpoint: Endpoint, response: TargetResponse) -> None:
    """Require a success, whatever it holds."""
    expect_equal(f"the HTTP status of {what}", response.status, 200)
    if endpoint != wire.CHAT:
        expect_equal(f"code of {what}", error_code(response), 0)


@server_check("general.attribution.each", "GEN-4", prerequisite="render")
def no_call_but_the_export_needs_attribution(context: CheckContext) -> None:
    """Every call except an export MUST work when one attribution header is missing."""
    require_uploads(context)
    data = context.read_state(context.session)
    request = EndpointRequest(
        session=context.session,
        task=str(require_field("data", data, "task_id")),
        render=str(context.completed_export["id"]),
    )
    # What an upload adds would show to other checks, and a render is cancelled by one.
    spare = EndpointRequest(session=context.new_session())
    for endpoint in GUARDED_ENDPOINTS:
        if endpoint == wire.RENDER:
            continue
        own = spare if endpoint in (wire.UPLOAD, wire.RENDER_CANCEL) else request
        for left_out in ATTRIBUTION:
            headers = {name: "x" for name in ATTRIBUTION if name != left_out}
            response = own.send(
                context, endpoint, context.account.token, attributed=False, headers=headers
            )
            what = f"{label(endpoint)} without {left_out}"
            if endpoint == wire.RENDER_CANCEL:
                refused = error_code(response) == ResponseCode.EXPORT_BLOCKED
                expect_equal(f"{what} refused with 402", refused, False)
            elif endpoint in (wire.RENDER_STATUS, wire.RENDER_DOWNLOAD):
                expect_equal(f"the HTTP status of {what}", response.status, 200)
            else:
                _expect_answered(what, endpoint, response)


@server_check("token.new.unattributed", "GEN-4", "AUTH-1", tokens=3)
def token_call_needs_no_attribution(context: CheckContext) -> None:
    """The token call MUST work when one attribution header is missing."""
    for left_out in ATTRIBUTION:
        headers = {name: "x" for name in ATTRIBUTION if name != left_out}
        client_id = str(uuid.uuid4())
        response = context.take_token(client_id, attributed=False, headers=headers)
        require_field(f"data, without {left_out}", response.data, "token")


@server_check("general.token-in-url.everywhere", "GEN-5", prerequisite="session")
def token_in_any_url_is_refused(context: CheckContext) -> None:
    """Every call with a token in its query or path MUST be refused with 1001, even if its header is
    valid.
    """
    token, session = context.account.token, context.new_session()
    for query in (f"?token={token}", f"?page=1&access_token={token}"):
        for what, response in EndpointRequest(session=session).send_all(
            context, token, query=query
        ):
            expect_bad_token(context, f"{what}{query.replace(token, '…')}", response)
    places = (
        (EndpointRequest(user=token, session=session), (wire.SESSION, wire.UPLOAD, wire.STATE)),
        (EndpointRequest(session=token), (wire.UPLOAD, wire.STATE)),
        (
            EndpointRequest(render=token),
            (wire.RENDER_STATUS, wire.RENDER_CANCEL, wire.RENDER_DOWNLOAD),
        ),
    )
    for request, endpoints in places:
        for endpoint in endpoints:
            response = request.send(context, endpoint, token)
            expect_bad_token(context, f"{label(endpoint)} with a token in its path", response)
    uploads = require_field("data", context.read_state(session), "state", "video_infos")
    expect_true("video_infos", not uploads, "empty after refused uploads", uploads)


@server_check("render.attribution.effect", "REN-2", prerequisite="edit", assumed=True)
def export_without_attribution_makes_no_render(context: CheckContext) -> None:
    """An export that is refused with 402 MUST NOT create a render."""
    render = context.new_render_id()
    response = context.submit_export(render, context.edited_session, TITLE_DRAFT, attributed=False)
    if response.status != ResponseCode.EXPORT_BLOCKED:
        return  # accepted, which is left to `render.attribution.missing`
    expect_no_render(context, render)
