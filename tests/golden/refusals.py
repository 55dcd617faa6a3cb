"""What endpoints refuse alike: each says so in its own transcript."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import FAULT, Endpoint, bearer_header

from .backend import Caller

READER = "nmv_usr_may-only-read"
NO_SESSION = "1" * 19
NOBODY = {"Authorization": None}
ENDPOINTS = (
    wire.TOKEN, wire.CLAIM_TOKEN, wire.CLAIM_PAGE, wire.SESSION, wire.UPLOAD, wire.CHAT,
    wire.BALANCE, wire.STATE, wire.RENDER, wire.RENDER_STATUS, wire.RENDER_CANCEL,
    wire.RENDER_DOWNLOAD,
)  # fmt: skip


def path_of(caller: Caller, endpoint: Endpoint) -> str:
    return caller.path(endpoint, render="render_1")


def refusals(caller: Caller, endpoint: Endpoint, **rest: Any) -> None:
    """What every endpoint with a token refuses alike."""
    method, path = endpoint.method, path_of(caller, endpoint)
    headers = rest.pop("headers", {})
    for what, token in (
        ("no token", {"Authorization": None}),
        ("an unknown token", bearer_header("nmv_usr_unknown-to-all")),
    ):
        caller.record(what, method, path, headers={**headers, **token}, **rest)
    if endpoint not in (wire.BALANCE, wire.STATE, wire.RENDER_STATUS, wire.RENDER_CANCEL,
                        wire.RENDER_DOWNLOAD, wire.CLAIM_TOKEN):  # fmt: skip
        reader = {**headers, **bearer_header(READER)}
        caller.record("a token without the scope", method, path, headers=reader, **rest)
    wrong_method(caller, endpoint)
    rate_limited(caller, endpoint, headers=headers, **rest)


def wrong_method(caller: Caller, endpoint: Endpoint) -> None:
    caller.record("a wrong method", "PUT", path_of(caller, endpoint))


def rate_limited(
    caller: Caller, endpoint: Endpoint, headers: dict[str, str] | None = None, **rest: Any
) -> None:
    asked = {**(headers or {}), FAULT: "rate-limited"}
    path = path_of(caller, endpoint)
    caller.record("too often (a fault)", endpoint.method, path, headers=asked, **rest)


def no_session(
    caller: Caller, endpoint: Endpoint, body: dict[str, Any], field: str = "session_id"
) -> None:
    wrong = {**body, field: NO_SESSION}
    path = endpoint.template
    caller.record("no session of the caller", endpoint.method, path, json_body=wrong)
    somebody = caller.another("client-2").connect()
    theirs = {**body, field: somebody.session}
    caller.record("somebody else's session", endpoint.method, path, json_body=theirs)


def somebody_else(caller: Caller, method: str, path: str) -> None:
    somebody = caller.another("client-2").connect()
    caller.record("somebody else's render", method, path, headers=bearer_header(somebody.token))


def bad_bodies(caller: Caller, path: str, wrong: dict[str, Any]) -> None:
    kind = {"Content-Type": "application/json"}
    caller.record("a body that is no JSON", "POST", path, body=b"{", headers=kind)
    caller.record("a body with a field that is wrong", "POST", path, json_body=wrong)
