"""Section 1: the envelope and the HTTP status of each failure of each endpoint (GEN-1, GEN-2)."""

import uuid
from collections.abc import Iterator

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import Endpoint
from nemolocal_contract.responses import ResponseCode, http_status

from ..assertions import (
    CheckFailed,
    NotApplicable,
    expect_equal,
    expect_true,
    expect_type,
    require_field,
)
from ..context import GENERATE_CLIP, CheckContext
from ..endpoint_requests import (
    GUARDED_ENDPOINTS,
    UNKNOWN_TOKEN,
    EndpointRequest,
    label,
    require_uploads,
)
from ..error_assertions import (
    error_code,
    expect_error_envelope,
    expect_error_status,
    matching_error_styles,
)
from ..server_check import server_check
from ..target import TargetResponse

_OF_A_SESSION = (wire.UPLOAD, wire.CHAT, wire.STATE, wire.CLAIM_TOKEN, wire.RENDER)
_OF_A_RENDER = (wire.RENDER_STATUS, wire.RENDER_CANCEL, wire.RENDER_DOWNLOAD)
# Requests that lack something.
_BAD_REQUESTS: tuple[tuple[Endpoint, dict[str, object]], ...] = (
    (wire.SESSION, {"content": b"{", "json": None}),
    (wire.CLAIM_TOKEN, {"json": {"session_id": "1"}}),
    (wire.CHAT, {"json": {"new_message": {"parts": [{"text": "x"}]}}}),
    (wire.RENDER, {"json": {"id": "render_1"}}),
)
Provoked = tuple[str, TargetResponse, ResponseCode]


def _provoked(context: CheckContext) -> Iterator[Provoked]:
    """Yield each failure of each endpoint that costs nothing: where, what came, and what is due.

    Whether it comes at all is left to the checks of its rule.
    """
    token, request = context.account.token, EndpointRequest()
    for what, response in request.send_all(context, UNKNOWN_TOKEN):
        yield what, response, ResponseCode.BAD_TOKEN
    for endpoint in (*_OF_A_SESSION, *_OF_A_RENDER):
        response = request.send(context, endpoint, token)
        yield label(endpoint), response, ResponseCode.SESSION_NOT_FOUND
    foreign = EndpointRequest(user="anon_somebody_else").send(context, wire.SESSION, token)
    yield label(wire.SESSION), foreign, ResponseCode.SESSION_NOT_FOUND
    for endpoint, body in _BAD_REQUESTS:
        response = request.send(context, endpoint, token, **body)
        yield label(endpoint), response, ResponseCode.BAD_REQUEST
    yield label(wire.TOKEN), context.request_token(None), ResponseCode.BAD_REQUEST
    yield from _provoked_by_uploads(context)
    blocked = EndpointRequest(session=context.session).send(
        context, wire.RENDER, token, attributed=False
    )
    yield label(wire.RENDER), blocked, ResponseCode.EXPORT_BLOCKED
    if context.has_control:
        yield from _provoked_by_new_accounts(context)


def _provoked_by_uploads(context: CheckContext) -> Iterator[Provoked]:
    other = [("other", ("a.mp4", b"x"))]
    refused = context.call(wire.UPLOAD, session=context.session, files=other)
    yield label(wire.UPLOAD), refused, ResponseCode.BAD_REQUEST
    files = [("files", ("notes.txt", b"text"))]
    refused = context.call(wire.UPLOAD, session=context.session, files=files)
    yield label(wire.UPLOAD), refused, ResponseCode.UNSUPPORTED_FILE
    urls = {"urls": ["file:///etc/passwd"], "source_type": "url"}
    refused = context.call(wire.UPLOAD, session=context.session, json=urls)
    yield f"{label(wire.UPLOAD)} of a URL", refused, ResponseCode.UNSUPPORTED_FILE


def _provoked_by_new_accounts(context: CheckContext) -> Iterator[Provoked]:
    """Yield the failures that are provoked with accounts of their own, of which there are many."""
    client_id = str(uuid.uuid4())
    context.request_token(client_id)
    yield label(wire.TOKEN), context.request_token(client_id), ResponseCode.RATE_LIMITED
    if context.settings.tariff.generation:
        account = context.make_account(credits=0)
        stream = context.send_message(context.new_session(account), GENERATE_CLIP, account)
        yield label(wire.CHAT), stream.response, ResponseCode.NO_CREDITS


def _is_due(response: TargetResponse, code: ResponseCode) -> bool:
    """Whether the envelope has this code; the ADK's `{"detail": …}` has none."""
    try:
        return error_code(response) == code
    except CheckFailed:  # no JSON
        return False


@server_check("general.status.everywhere", "GEN-2", prerequisite="session")
def every_failure_has_the_status_of_one_style(context: CheckContext) -> None:
    """Every failure of every endpoint MUST follow one style of HTTP status."""
    styles: dict[str, set[str]] = {}
    for what, response, code in _provoked(context):
        if not _is_due(response, code):
            continue
        try:
            expect_error_status(response, code)
        except CheckFailed as failed:
            raise CheckFailed(f"{what}: {failed.what}", failed.expected, failed.actual) from None
        styles[f"{int(code)} of {what}: {response.status}"] = matching_error_styles(response, code)
    common = set.intersection(*styles.values()) if styles else {""}
    odd = [what for what, fitting in styles.items() if len(fitting) == 1]
    expect_true("the HTTP statuses", bool(common), "one style for all", odd)


@server_check(
    "general.status.of-size",
    *("GEN-2", "GEN-1", "UPL-4"),
    prerequisite="session",
    needs_control=True,
)
def too_large_has_the_status_of_the_style(context: CheckContext) -> None:
    """Code 4002 MUST come with HTTP 200 or 413, in the style of the other failures."""
    response = context.oversized_upload
    if not _is_due(response, ResponseCode.FILE_TOO_LARGE):
        raise NotApplicable("the file was not refused with 4002 (see `upload.size.skill`)")
    expect_error_status(response, ResponseCode.FILE_TOO_LARGE)
    expect_error_envelope(response)
    other = context.target.request("GET", wire.BALANCE.template)
    styles = matching_error_styles(other, ResponseCode.BAD_TOKEN) or {"envelope", "http"}
    wanted = sorted(http_status(ResponseCode.FILE_TOO_LARGE, style) for style in styles)
    fits = response.status in wanted
    expect_true(
        f"the HTTP status beside {other.status} of 1001", fits, str(wanted), response.status
    )


@server_check("general.envelope.each-failure", "GEN-1", prerequisite="session")
def every_failure_has_the_envelope(context: CheckContext) -> None:
    """Every failure of every endpoint MUST have its code, a non-empty `message` and `data` null."""
    for what, response, code in _provoked(context):
        if not _is_due(response, code):
            continue
        try:
            expect_error_envelope(response)
            _expect_json(response)
        except CheckFailed as failed:
            said = f"{int(code)} of {what}: {failed.what}"
            raise CheckFailed(said, failed.expected, failed.actual) from None


@server_check("general.envelope.token", "GEN-1", "AUTH-1", tokens=1)
def token_reply_has_the_envelope(context: CheckContext) -> None:
    """The token call MUST return HTTP 200, JSON as application/json, `code` 0 and an object in
    `data`.
    """
    response = context.take_token(str(uuid.uuid4()))
    expect_equal("the HTTP status", response.status, 200)
    expect_equal("code", require_field("the reply", response.json, "code"), 0)
    expect_type("data", require_field("the reply", response.json, "data"), dict)
    _expect_json(response)


@server_check("general.envelope.each-success", "GEN-1", prerequisite="session")
def every_success_has_the_envelope(context: CheckContext) -> None:
    """Every JSON success MUST have `code` 0 and an object in `data`, as application/json."""
    require_uploads(context)
    task = str(require_field("data", context.read_state(context.session), "task_id"))
    request = EndpointRequest(session=context.session, task=task)
    spare = EndpointRequest(session=context.new_session())
    for endpoint in GUARDED_ENDPOINTS:
        if endpoint == wire.CHAT or endpoint in (wire.RENDER, *_OF_A_RENDER):
            continue
        own = spare if endpoint == wire.UPLOAD else request
        response = own.send(context, endpoint, context.account.token)
        what = label(endpoint)
        expect_equal(f"code of {what}", require_field(what, response.json, "code"), 0)
        expect_type(f"data of {what}", require_field(what, response.json, "data"), dict)
        _expect_json(response)


def _expect_json(response: TargetResponse) -> None:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    expect_equal("content-type", kind, "application/json")
