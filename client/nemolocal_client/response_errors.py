"""Reads responses of the backend: the data of a success, or the error of a failure.

Failures come in three styles (GEN-2): an envelope with HTTP 200, an envelope with the matching HTTP
status, and the bare `{"detail": …}` of ADK. Proxies add a fourth, an HTML page.
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
# The code for a status if the body has none; proxies send 413 for a large upload.
_CODES_BY_STATUS = {400: 400, 401: 1001, 413: 4002, 415: 4001, 422: 400, 429: 429}


def error_of(
    response: object, *, user_id: str = "", secret: Secret | None = None
) -> NemoError | None:
    """Return the error of a response, None for a success (GEN-1, GEN-2).

    `user_id` selects the remedy for a user without credits (CRD-4); `secret` is removed from the
    text.
    """
    if not isinstance(response, HttpResponse):
        return None
    body = _json(response)
    message = _message(body)
    if secret is not None:
        message = message.replace(secret.reveal(), "…")
    code = _code(response, body)
    return None if code == ResponseCode.OK else _error(response, code, message, user_id)


def stream_error_of(data: str, *, user_id: str = "") -> NemoError | None:
    """Return the error in a frame of a stream, for turns that fail after their start."""
    try:
        body = decode_json(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(body, dict) or type(body.get("code")) is not int or not body["code"]:
        return None
    response = HttpResponse(f"{CHAT.method} {CHAT.template}", 200, b"")
    return _error(response, body["code"], _message(body), user_id)


def data_of(response: object, kind: type[T]) -> T:
    """Return the `data` of an envelope as `kind`; raises `BadReply`."""
    response = require_response(response)
    body = _json(response)
    if not isinstance(body, dict) or "data" not in body:
        raise BadReply(f"{response.call} returned no data")
    try:
        return msgspec.convert(body["data"], kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadReply(f"{response.call} returned data outside the contract ({error})") from error


def render_status_of(response: object) -> RenderStatus:
    """Return the render in a response, flat or nested (REN-4); raises `BadReply`."""
    response = require_response(response)
    try:
        return decode_render(_json(response))
    except msgspec.ValidationError as error:
        raise BadReply(f"{response.call} returned data outside the contract ({error})") from error


def require_response(response: object) -> HttpResponse:
    """Return a complete response; raises `BadReply` for anything else."""
    if not isinstance(response, HttpResponse):
        raise BadReply(f"the backend answered with {type(response).__name__}")
    return response


def _json(response: HttpResponse) -> Any:
    try:
        return decode_json(response.body)
    except (msgspec.DecodeError, RecursionError):
        return None


def _code(response: HttpResponse, body: Any) -> int | None:
    """Return the contract's code of a response, None if there is none."""
    fields = body if isinstance(body, dict) else {}
    if type(fields.get("code")) is int and (fields["code"] or response.status < 300):
        return int(fields["code"])
    if response.status < 300:
        return ResponseCode.OK if isinstance(body, dict) else None
    if response.status == 404 and "session" in str(fields.get("detail", "")).lower():
        return ResponseCode.SESSION_NOT_FOUND
    if response.status == 402:
        return (
            ResponseCode.EXPORT_BLOCKED
            if RENDER.template in response.call
            else ResponseCode.NO_CREDITS
        )
    return _CODES_BY_STATUS.get(response.status)


def _error(response: HttpResponse, code: int | None, message: str, user_id: str) -> NemoError:
    if code == ResponseCode.NO_CREDITS:
        return OutOfCredits(message, user_id=user_id)
    if code == ResponseCode.EXPORT_BLOCKED:
        # The message may mention credits, but the plan is the reason (CLI-7).
        return ExportBlocked()
    is_from_proxy = _json(response) is None and not message
    if is_from_proxy and code == ResponseCode.FILE_TOO_LARGE:
        return FileTooLarge.from_proxy(response.server)
    if is_from_proxy and code == ResponseCode.BAD_REQUEST:
        return BadRequest(
            f"{response.call} returned HTTP {response.status} without JSON",
            remedy="check the base URL: it may point to something in front of the backend",
        )
    if code in _ERRORS_BY_CODE:
        return _ERRORS_BY_CODE[code](message)
    if response.location:
        return BadReply(
            f"{response.call} was redirected", remedy=f"use {response.location} instead"
        )
    if is_from_proxy:
        return BadReply.from_proxy(response.call, response.status)
    if not message:
        return BadReply(f"{response.call} returned HTTP {response.status}", code=code)
    # A message in the backend's form means that the base URL is right.
    return BadReply(
        f"{response.call} returned HTTP {response.status} ({message})",
        remedy="try again in a minute",
        code=code,
    )


def _message(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    message = body.get("message") or body.get("detail") or body.get("error") or ""
    if isinstance(message, list):
        # FastAPI's 422: a list of {"loc", "msg"}.
        message = "; ".join(_validation_message(item) for item in message)
    return str(message)


def _validation_message(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    location = item.get("loc")
    path = ".".join(map(str, location)) if isinstance(location, list) else ""
    return f"{path} {item.get('msg', '')}".strip()
