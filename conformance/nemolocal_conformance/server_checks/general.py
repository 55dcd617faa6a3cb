"""Section 1: the envelope, errors, the bearer token, attribution (GEN-1 to GEN-7)."""

import uuid
from email.utils import parsedate_to_datetime
from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import Endpoint, bearer_header
from nemolocal_contract.responses import ResponseCode

from ..account_context import TargetAccount
from ..assertions import (
    CheckFailed,
    expect_equal,
    expect_true,
    expect_type,
    require_field,
)
from ..context import GENERATE_CLIP, CheckContext
from ..endpoint_requests import UNKNOWN_RENDER, UNKNOWN_SESSION, UNKNOWN_TOKEN
from ..error_assertions import (
    constant_words,
    error_code,
    expect_error,
    expect_error_envelope,
    expect_error_status,
    is_error,
    matching_error_styles,
)
from ..samples import PICTURE, read_sample
from ..server_check import server_check
from ..stable_fields import known_state
from ..target import turn_body
from .ownership import own_user_id

_UNKNOWN_PATH = "/api/there/is/nothing/here"


@server_check("general.envelope.success", "GEN-1", prerequisite="token")
def success_has_an_envelope(context: CheckContext) -> None:
    """A successful JSON reply MUST be an object with `code` 0 and `data`."""
    body = context.call(wire.BALANCE).json
    expect_equal("code", require_field("the envelope", body, "code"), 0)
    expect_true(
        "data", isinstance(require_field("the envelope", body, "data"), dict), "an object", body
    )


@server_check("general.envelope.failure", "GEN-1", prerequisite="token")
def failure_has_an_envelope(context: CheckContext) -> None:
    """A failure MUST be an object with a `code`, a non-empty `message` and `data` null."""
    path = wire.SESSION.path(user=wire.CURRENT_USER)
    responses = (
        context.call(wire.STATE, session=UNKNOWN_SESSION),
        context.target.request("POST", path, token=UNKNOWN_TOKEN, json={"task_name": "project"}),
        context.request_token(None),
    )
    # Whether they are rejected at all is left to other checks.
    refused = [response for response in responses if is_error(response)]
    expect_true("failures", bool(refused), "at least one of three", len(refused))
    for response in refused:
        expect_error_envelope(response)


@server_check("general.status.of-failures", "GEN-2", prerequisite="session")
def status_of_a_failure_is_known(context: CheckContext) -> None:
    """Codes 1001, 1002 and 4001 MUST come with HTTP 200, or with 401, 404 and 415."""
    expect_error_status(
        context.target.request("GET", wire.BALANCE.template), ResponseCode.BAD_TOKEN
    )
    unknown = context.call(wire.STATE, session=UNKNOWN_SESSION)
    expect_error_status(unknown, ResponseCode.SESSION_NOT_FOUND)
    files = [("files", ("notes.txt", b"text"))]
    refused = context.call(wire.UPLOAD, session=context.session, files=files)
    expect_error_status(refused, ResponseCode.UNSUPPORTED_FILE)


@server_check("general.status.of-credits", "GEN-2", needs_control=True)
def status_of_lacking_credits_is_known(context: CheckContext) -> None:
    """Code 2001 MUST come with HTTP 200 or 402."""
    context.require_price("generation")
    account = context.make_account(credits=0)
    stream = context.send_message(context.new_session(account), GENERATE_CLIP, account)
    expect_error_status(stream.response, ResponseCode.NO_CREDITS)


@server_check("general.status.one-style", "GEN-2", prerequisite="session")
def failures_follow_one_style(context: CheckContext) -> None:
    """Codes 1001, 1002 and 4001 MUST follow one style of HTTP status at every endpoint."""
    never, files = UNKNOWN_SESSION, [("files", ("notes.txt", b"text"))]
    refusals = [
        (context.target.request("GET", wire.BALANCE.template), ResponseCode.BAD_TOKEN),
        (context.call(wire.STATE, session=never), ResponseCode.SESSION_NOT_FOUND),
        (context.call(wire.UPLOAD, session=never, files=files), ResponseCode.SESSION_NOT_FOUND),
        (
            context.call(wire.RENDER_STATUS, render=UNKNOWN_RENDER),
            ResponseCode.SESSION_NOT_FOUND,
        ),
        (
            context.call(wire.UPLOAD, session=context.session, files=files),
            ResponseCode.UNSUPPORTED_FILE,
        ),
    ]
    # A response that is not an error, or has no known status, is left to other checks.
    styles = [
        found for response, code in refusals if (found := matching_error_styles(response, code))
    ]
    common = set.intersection(*styles) if styles else {""}
    seen = [(int(code), response.status) for response, code in refusals]
    expect_true("the HTTP status", bool(common), "one style for all", seen)


@server_check("general.envelope.content-type", "GEN-1", prerequisite="token")
def envelope_is_json(context: CheckContext) -> None:
    """An envelope MUST be served as application/json."""
    expect_equal("content-type", context.call(wire.BALANCE).media_type, "application/json")


@server_check("general.bearer.missing", "GEN-3")
def no_token_is_refused(context: CheckContext) -> None:
    """A call without a bearer token MUST be refused with 1001."""
    response = context.target.request("GET", wire.BALANCE.template)
    expect_error(context, response, ResponseCode.BAD_TOKEN)


@server_check("general.bearer.malformed", "GEN-3", prerequisite="token")
def malformed_authorization_is_refused(context: CheckContext) -> None:
    """An Authorization header other than `Bearer <token>` MUST be refused with 1001, even with a
    valid token.
    """
    token = context.account.token
    for header in ("Bearer", f"Basic {token}", f"Token {token}", f"Bearer {token} {token}", token):
        response = context.target.request(
            "GET", wire.BALANCE.template, headers={"Authorization": header}
        )
        expect_error(context, response, ResponseCode.BAD_TOKEN)


@server_check("general.bearer.unknown", "GEN-3")
def unknown_token_is_refused(context: CheckContext) -> None:
    """A token that was never issued MUST be refused with 1001."""
    response = context.target.request("GET", wire.BALANCE.template, token=UNKNOWN_TOKEN)
    expect_error(context, response, ResponseCode.BAD_TOKEN)


@server_check("general.bearer.everywhere", "GEN-3")
def every_call_requires_a_token(context: CheckContext) -> None:
    """Every call except the token call MUST be refused with 1001 if its token is unknown."""
    sid = UNKNOWN_SESSION
    requests: dict[Endpoint, dict[str, Any]] = {
        wire.SESSION: {"json": {"task_name": "project", "language": "en"}},
        wire.STATE: {},
        wire.UPLOAD: {"files": [("files", (PICTURE, read_sample(PICTURE)))]},
        wire.CLAIM_TOKEN: {"json": {"task_id": "1", "session_id": sid}},
        wire.RENDER_STATUS: {},
    }
    for endpoint, request in requests.items():
        path = endpoint.path(user=wire.CURRENT_USER, session=sid, render="render_1")
        response = context.target.request(endpoint.method, path, token=UNKNOWN_TOKEN, **request)
        expect_error(context, response, ResponseCode.BAD_TOKEN)


@server_check("general.bearer.held", "GEN-3", prerequisite="session")
def existing_session_requires_its_token(context: CheckContext) -> None:
    """A call about an existing session MUST be refused with 1001 without a token and with an
    unknown one.
    """
    session = context.session
    requests: tuple[tuple[Endpoint, dict[str, Any]], ...] = (
        (wire.STATE, {}),
        (wire.UPLOAD, {"files": [("files", (PICTURE, read_sample(PICTURE)))]}),
        (wire.CHAT, {"json": turn_body(session, "hello")}),
        (wire.CLAIM_TOKEN, {"json": {"task_id": "1", "session_id": session}}),
    )
    for endpoint, request in requests:
        path = endpoint.path(user=wire.CURRENT_USER, session=session)
        for token in (None, UNKNOWN_TOKEN):
            response = context.target.request(endpoint.method, path, token=token, **request)
            expect_error(context, response, ResponseCode.BAD_TOKEN)


@server_check("general.bearer.chat", "GEN-3")
def chat_requires_a_token(context: CheckContext) -> None:
    """A turn with an unknown token MUST be refused with 1001 instead of a stream."""
    stream = context.send_message(UNKNOWN_SESSION, "hello", TargetAccount(UNKNOWN_TOKEN))
    expect_error(context, stream.response, ResponseCode.BAD_TOKEN)


@server_check("general.attribution.optional", "GEN-4", prerequisite="session")
def calls_without_attribution_are_answered(context: CheckContext) -> None:
    """Every call except an export MUST work without the attribution headers."""
    task = {"task_name": "project", "language": "en"}
    responses = (
        context.call(wire.BALANCE, attributed=False),
        context.call(wire.SESSION, attributed=False, json=task),
        context.call(wire.STATE, session=context.session, attributed=False),
        context.upload(context.new_session(), PICTURE, attributed=False),
    )
    expect_equal("the HTTP statuses", [response.status for response in responses], [200] * 4)
    expect_equal("codes", [error_code(response) for response in responses], [0] * 4)


@server_check("general.token-in-url.query", "GEN-5", prerequisite="token")
def token_in_the_query_is_refused(context: CheckContext) -> None:
    """A request with a token in its query MUST be refused with 1001, even if its header
    is valid.
    """
    account = context.account
    path = f"{wire.BALANCE.template}?token={account.token}"
    response = context.target.request("GET", path, token=account.token)
    expect_error(context, response, ResponseCode.BAD_TOKEN)


@server_check("general.token-in-url.path", "GEN-5", prerequisite="token")
def token_in_the_path_is_refused(context: CheckContext) -> None:
    """A request with a token in its path MUST be refused with 1001, even if its header is valid."""
    account = context.account
    path = wire.STATE.path(user=wire.CURRENT_USER, session=account.token)
    response = context.target.request("GET", path, token=account.token)
    expect_error(context, response, ResponseCode.BAD_TOKEN)


@server_check("general.token-in-url.journal", "GEN-5", needs_control=True)
def token_in_a_url_is_flagged(context: CheckContext) -> None:
    """The journal MUST flag a token in a URL without storing the token."""
    account, mark = context.make_account(), uuid.uuid4().hex
    path = f"{wire.BALANCE.template}?token={account.token}&mark={mark}"
    context.target.request("GET", path, token=account.token)
    # Flags of other calls prove nothing.
    entries = [one for one in context.control.read_journal(endpoint="balance") if mark in str(one)]
    flagged = [entry for entry in entries if "GEN-5" in entry["rules"]]
    expect_true("journal entries with the rule GEN-5", bool(flagged), "at least one", len(entries))
    expect_true("their URLs", account.token not in str(flagged), "without the token", flagged[-1])


@server_check("general.path.unknown", "GEN-6", "GEN-1")
def unknown_path_is_404(context: CheckContext) -> None:
    """An unknown path SHOULD get HTTP 404 and the failure envelope."""
    response = context.target.request("GET", _UNKNOWN_PATH)
    expect_equal("the HTTP status", response.status, 404)
    expect_error(context, response, ResponseCode.NOT_FOUND)


@server_check("general.method.wrong", "GEN-6", prerequisite="token")
def wrong_method_is_405(context: CheckContext) -> None:
    """A wrong method SHOULD get HTTP 405, the failure envelope and an `Allow` header."""
    response = context.target.request("DELETE", wire.BALANCE.template, token=context.account.token)
    expect_equal("the HTTP status", response.status, 405)
    allow = response.headers.get("allow", "")
    expect_true("Allow", "GET" in allow.upper(), "GET among them", allow)
    expect_error(context, response, ResponseCode.METHOD_NOT_ALLOWED)


@server_check("general.user.own-id", "GEN-7", prerequisite="session")
def own_user_id_stands_for_me(context: CheckContext) -> None:
    """The caller's own user id in a path MUST work like `me`."""
    user = own_user_id(context)
    named = expect_type(
        "data", context.call(wire.STATE, user=user, session=context.session).data, dict
    )
    expect_equal("the state", known_state(named), known_state(context.read_state(context.session)))


@server_check("general.user.foreign-id", "GEN-7", prerequisite="session")
def foreign_user_id_is_not_found(context: CheckContext) -> None:
    """A path with another user's id MUST be refused with 1002."""
    response = context.call(wire.STATE, user="anon_somebody_else", session=context.session)
    expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)


@server_check("general.user.no-hint", "GEN-7", "SES-3", prerequisite="session", tokens=1)
def foreign_session_looks_like_none(context: CheckContext) -> None:
    """Another user's session MUST be refused with the same message as one that does not exist."""
    other = context.new_account()
    foreign = _words_of_refusal(context, other, context.session)
    never, again = (_words_of_refusal(context, other, UNKNOWN_SESSION) for _ in range(2))
    expect_equal("message", *constant_words(foreign, never, again))


def _words_of_refusal(context: CheckContext, account: TargetAccount, session: str) -> str:
    """Return the words in which the state of a session is refused, without its id."""
    response = context.call(wire.STATE, account, session=session)
    said = expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)
    return said.replace(session, "…")


@server_check("general.date", "GEN-3", needs_control=True)
def date_header_follows_the_clock(context: CheckContext) -> None:
    """The HTTP `Date` of a local server SHOULD follow its clock."""
    context.control.advance_clock(86_400)
    before = context.control.read_clock()
    response = context.target.request(
        "GET", wire.BALANCE.template, headers=bearer_header(UNKNOWN_TOKEN)
    )
    after = context.control.read_clock()
    said = str(require_field("headers", dict(response.headers), "date"))
    try:
        date = parsedate_to_datetime(said).timestamp()
    except ValueError:
        raise CheckFailed("Date", "an HTTP date", said) from None
    # Time that passes between two calls is not drift.
    drift = max(before - date, date - after)
    expect_true("Date", drift <= 2, "within 2 s of the server's clock", f"{drift:.0f} s away")
