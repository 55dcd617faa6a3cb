"""Reads what the backend answered: the data of a success, or the error of a failure.

Failures come in three styles (GEN-2): an envelope at HTTP 200, an envelope at the fitting HTTP
status, and the bare `{"detail": …}` of ADK. Proxies add a fourth, a page of HTML.
"""

from typing import Any, TypeVar

import msgspec

from nemolocal_contract.endpoints import CHAT, RENDER
from nemolocal_contract.responses import RenderStatus, ResponseCode, decode_json, decode_render

from .errors import (
    BackendError,
    BadReply,
    BadRequest,
    BadToken,
    ExportBlocked,
    FileTooLarge,
    NemoError,
    OutOfCredits,
    RateLimited,
    SessionNotFound,
    UnsupportedFile,
)
from .operations import HttpResponse, Secret

T = TypeVar("T")

_ERRORS_BY_CODE: dict[int, type[BackendError]] = {
    error.code: error
    for error in (
        BadToken,
        SessionNotFound,
        UnsupportedFile,
        FileTooLarge,
        BadRequest,
        RateLimited,
    )
    if error.code is not None
}
# What a status means where the body does not say; 413 is what proxies answer to a large upload.
_CODES_BY_STATUS = {400: 400, 401: 1001, 413: 4002, 415: 4001, 422: 400, 429: 429}


def error_of(reply: object, *, user_id: str = "", secret: Secret | None = None) -> NemoError | None:
    """The error that a reply stands for, None for a success (GEN-1, GEN-2).

    `user_id` decides what a user without credits is told (CRD-4); `secret` is kept out of the text.
    """
    if not isinstance(reply, HttpResponse):
        return None
    body = _json(reply)
    message = _message(body)
    if secret is not None:
        message = message.replace(secret.reveal(), "…")
    code = _code(reply, body)
    return None if code == ResponseCode.OK else _error(reply, code, message, user_id)


def stream_error_of(data: str, *, user_id: str = "") -> NemoError | None:
    """The error in a frame of a stream, for turns that fail after they have begun."""
    try:
        body = decode_json(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(body, dict) or type(body.get("code")) is not int or not body["code"]:
        return None
    reply = HttpResponse(f"{CHAT.method} {CHAT.template}", 200, b"")
    return _error(reply, body["code"], _message(body), user_id)


def data_of(reply: object, kind: type[T]) -> T:
    """The `data` of an envelope as `kind`; `BadReply` where it is not that."""
    reply = require_response(reply)
    body = _json(reply)
    if not isinstance(body, dict) or "data" not in body:
        raise BadReply(f"{reply.call} answered without data")
    try:
        return msgspec.convert(body["data"], kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadReply(f"{reply.call} answered outside the contract ({error})") from error


def render_status_of(reply: object) -> RenderStatus:
    """The render in a reply, flat or nested (REN-4); `BadReply` where there is none."""
    reply = require_response(reply)
    try:
        return decode_render(_json(reply))
    except msgspec.ValidationError as error:
        raise BadReply(f"{reply.call} answered outside the contract ({error})") from error


def require_response(reply: object) -> HttpResponse:
    """A reply that must be a whole one."""
    if not isinstance(reply, HttpResponse):
        raise BadReply(f"the backend answered with {type(reply).__name__}")
    return reply


def _json(reply: HttpResponse) -> Any:
    try:
        return decode_json(reply.body)
    except (msgspec.DecodeError, RecursionError):
        return None


def _code(reply: HttpResponse, body: Any) -> int | None:
    """The contract's code of a reply; None where the contract knows none."""
    fields = body if isinstance(body, dict) else {}
    if type(fields.get("code")) is int and (fields["code"] or reply.status < 300):
        return int(fields["code"])
    if reply.status < 300:
        return ResponseCode.OK if isinstance(body, dict) else None
    if reply.status == 404 and "session" in str(fields.get("detail", "")).lower():
        return ResponseCode.SESSION_NOT_FOUND
    if reply.status == 402:
        return (
            ResponseCode.EXPORT_BLOCKED
            if RENDER.template in reply.call
            else ResponseCode.NO_CREDITS
        )
    return _CODES_BY_STATUS.get(reply.status)


def _error(reply: HttpResponse, code: int | None, message: str, user_id: str) -> NemoError:
    if code == ResponseCode.NO_CREDITS:
        return OutOfCredits(message, user_id=user_id)
    if code == ResponseCode.EXPORT_BLOCKED:
        # The backend's own words may speak of credits; it is the plan (CLI-7).
        return ExportBlocked()
    foreign = _json(reply) is None and not message
    if foreign and code == ResponseCode.FILE_TOO_LARGE:
        return FileTooLarge.from_proxy(reply.server)
    if foreign and code == ResponseCode.BAD_REQUEST:
        return BadRequest(
            f"{reply.call} answered HTTP {reply.status} without JSON",
            remedy="check the base URL: it may be that of something in front of the backend",
        )
    if code in _ERRORS_BY_CODE:
        return _ERRORS_BY_CODE[code](message)
    if reply.location:
        return BadReply(f"{reply.call} was redirected", remedy=f"use {reply.location} instead")
    if foreign:
        return BadReply.from_proxy(reply.call, reply.status)
    if not message:
        return BadReply(f"{reply.call} answered HTTP {reply.status}", code=code)
    # Whoever answers in the backend's form is at the right address.
    return BadReply(
        f"{reply.call} answered HTTP {reply.status} ({message})",
        remedy="try again in a minute",
        code=code,
    )


def _message(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    said = body.get("message") or body.get("detail") or body.get("error") or ""
    if isinstance(said, list):
        # FastAPI's 422: a list of {"loc", "msg"}.
        said = "; ".join(_validation_message(item) for item in said)
    return str(said)


def _validation_message(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    where = item.get("loc")
    path = ".".join(map(str, where)) if isinstance(where, list) else ""
    return f"{path} {item.get('msg', '')}".strip()
