"""Assertions on errors, in every style that the contract allows (GEN-1, GEN-2)."""

import re
from itertools import compress

from nemolocal_contract.responses import ResponseCode, http_status

from .assertions import (
    CheckFailed,
    expect_equal,
    expect_one_of,
    expect_true,
    expect_type,
    require_field,
)
from .context import CheckContext
from .target import TargetResponse

_DETAIL_STATUS = {ResponseCode.SESSION_NOT_FOUND: 404, ResponseCode.BAD_REQUEST: 422}
_STYLES = ("envelope", "http")
_WORD = re.compile(r"[A-Za-z0-9_]+")


def expect_error(
    context: CheckContext, response: TargetResponse, code: ResponseCode, *, chat: bool = False
) -> str:
    """Require this error in any style of GEN-2, note the style, and return the message.

    With `chat`, the ADK's `{"detail": …}` is allowed too. Everything else about the form of an
    error is left to the checks of GEN-1 and GEN-2.
    """
    expect_equal("the connection", response.ending, "complete")
    body = response.json
    if chat and code in _DETAIL_STATUS and isinstance(body, dict) and "detail" in body:
        expect_equal("the HTTP status of a detail body", response.status, _DETAIL_STATUS[code])
        context.note_alternative("GEN-2", "errors=adk")
        return str(body["detail"])
    expect_equal("code", require_field("the envelope", body, "code"), int(code))
    style = _unique_error_style(response, code)
    if style:
        context.note_alternative("GEN-2", f"errors={style}")
    message = body.get("message")
    return message if isinstance(message, str) else ""


def names_path(message: str, path: str) -> bool:
    """Whether a message has the path of a field, in any notation: `t[0].sg`, `/t/0/sg`."""
    words, wanted = _WORD.findall(message), _WORD.findall(path)
    places = range(len(words) - len(wanted) + 1)
    return any(words[place : place + len(wanted)] == wanted for place in places)


def expect_error_status(response: TargetResponse, code: ResponseCode) -> None:
    """Require the HTTP status that one of the styles of GEN-2 has for this error."""
    allowed = sorted({http_status(code, style) for style in _STYLES})
    expect_one_of(f"the HTTP status of {int(code)}", response.status, allowed)


def expect_error_envelope(response: TargetResponse) -> None:
    """Require a code, a message in words and `data` null in the body of an error (GEN-1)."""
    body = response.json
    code = expect_type("code", require_field("the envelope", body, "code"), int)
    expect_true("code", code != 0, "not 0", code)
    expect_equal("data of a failure", require_field("the envelope", body, "data"), None)
    message = require_field("the envelope", body, "message")
    expect_true(
        "message", isinstance(message, str) and bool(message.strip()), "a non-empty string", message
    )


def error_code(response: TargetResponse) -> object:
    """Return the code of an error in any envelope, 0 if the body has none."""
    body = response.json
    return (body.get("code") if isinstance(body, dict) else None) or 0


def refusal_words(response: TargetResponse, name: str) -> tuple[int, object, str]:
    """Return HTTP status, code and words of an answer, without the id that was named."""
    try:
        body = response.json
    except CheckFailed:  # a stream or a file
        body = None
    found = body if isinstance(body, dict) else {}
    words = str(found.get("message") or found.get("detail") or "")
    return response.status, found.get("code"), words.replace(name, "…")


def constant_words(foreign: str, unknown: str, again: str) -> tuple[str, str]:
    """Return the messages of two refusals without the words that differ between equal requests.

    `unknown` and `again` refuse the same request. What differs each time, as the number of a
    request, is no hint.
    """
    words, repeated, others = unknown.split(), again.split(), foreign.split()
    if len(words) == len(repeated) == len(others):
        fixed = [word == other for word, other in zip(words, repeated, strict=True)]
        words, others = (list(compress(each, fixed)) for each in (words, others))
    return " ".join(others), " ".join(words)


def is_error(response: TargetResponse) -> bool:
    """Whether the response reports an error in any form."""
    try:
        return bool(require_field("the envelope", response.json, "code"))
    except CheckFailed:
        return True


def matching_error_styles(response: TargetResponse, code: ResponseCode) -> set[str]:
    """Return the styles of GEN-2 with this HTTP status for this error; none for another error."""
    if not is_error(response):
        return set()
    return {style for style in _STYLES if http_status(code, style) == response.status}


def _unique_error_style(response: TargetResponse, code: ResponseCode) -> str:
    """Return the only style with this status, "" if both or none have it."""
    fitting = matching_error_styles(response, code)
    return fitting.pop() if len(fitting) == 1 else ""
