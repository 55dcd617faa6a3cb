"""Section 1, bodies: what a request lacks or has of another type (GEN-6)."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import Endpoint
from nemolocal_contract.responses import ResponseCode

from ..assertions import CheckFailed, expect_equal, expect_true
from ..context import CheckContext
from ..endpoint_requests import OUTPUT, TITLE_DRAFT, EndpointRequest, label
from ..error_assertions import expect_error
from ..server_check import server_check


@server_check("general.body.not-json", "GEN-6", prerequisite="token")
def body_that_is_no_json_is_400(context: CheckContext) -> None:
    """A body that is not valid JSON SHOULD be refused with HTTP 400 and code 400."""
    headers = {"Content-Type": "application/json"}
    for body in (b"{", b"", b"\xff\xfe", b"[1, 2"):
        response = context.call(wire.SESSION, content=body, headers=headers)
        expect_equal("the HTTP status", response.status, 400)
        expect_error(context, response, ResponseCode.BAD_REQUEST)


@server_check("general.body.field-named", "GEN-6", prerequisite="token")
def missing_field_is_named(context: CheckContext) -> None:
    """A missing required field SHOULD be refused with HTTP 400, code 400 and a message that names
    the field.
    """
    response = context.call(wire.CLAIM_TOKEN, json={"session_id": "1"})
    expect_equal("the HTTP status", response.status, 400)
    message = expect_error(context, response, ResponseCode.BAD_REQUEST)
    expect_true("message", "task_id" in message, "the field name task_id", message)


@server_check("general.body.each-field", "GEN-6", prerequisite="session")
def every_missing_field_is_named(context: CheckContext) -> None:
    """Every missing required field of every call SHOULD be refused with 400 and a message that
    names the field.
    """
    request = EndpointRequest(session=context.session)
    for endpoint, body in _due_bodies(context.session).items():
        for name in body:
            rest = {other: value for other, value in body.items() if other != name}
            rest |= _not_due(endpoint)
            response = request.send(context, endpoint, context.account.token, **_json(rest))
            chat, code = endpoint == wire.CHAT, ResponseCode.BAD_REQUEST
            message = expect_error(context, response, code, chat=chat)
            what = f"message of {label(endpoint)} without {name}"
            expect_true(what, name in message, f"the field name {name}", message)


@server_check("general.body.each-type", "GEN-6", prerequisite="session")
def every_wrong_type_is_refused(context: CheckContext) -> None:
    """Every field of the wrong JSON type SHOULD be refused with 400."""
    request = EndpointRequest(session=context.session)
    for endpoint, body in _due_bodies(context.session).items():
        for name in body:
            wrong = {**body, name: 7, **_not_due(endpoint)}
            response = request.send(context, endpoint, context.account.token, **_json(wrong))
            chat, code = endpoint == wire.CHAT, ResponseCode.BAD_REQUEST
            try:
                expect_error(context, response, code, chat=chat)
            except CheckFailed as failed:
                what = f"{label(endpoint)} with a number in {name}: {failed.what}"
                raise CheckFailed(what, failed.expected, failed.actual) from None


def _json(body: dict[str, Any]) -> dict[str, Any]:
    """Return what sends this body in place of any other."""
    return {"json": body, "files": None}


def _not_due(endpoint: Endpoint) -> dict[str, Any]:
    """Return what is sent besides, so that nothing else is amiss."""
    return {"output": OUTPUT} if endpoint == wire.RENDER else {}


def _due_bodies(session: str) -> dict[Endpoint, dict[str, Any]]:
    """Return the fields that each body must have."""
    return {
        wire.CLAIM_TOKEN: {"task_id": "1", "session_id": session},
        wire.UPLOAD: {"urls": ["http://127.0.0.1:1/a.mp4"], "source_type": "url"},
        wire.CHAT: {"session_id": session, "new_message": {"parts": [{"text": "hello"}]}},
        wire.RENDER: {"id": "render_1", "sessionId": session, "draft": TITLE_DRAFT},
    }
