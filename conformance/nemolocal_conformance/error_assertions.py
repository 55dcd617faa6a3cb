"""Failures as the contract knows them, in every style that it allows (GEN-1, GEN-2)."""

from nemolocal_contract.response_codes import ResponseCode, http_status

from .assertions import CheckFailed, expect_equal, expect_one_of, expect_true, require_field
from .context import CheckContext
from .target import TargetResponse

_DETAIL_STATUS = {ResponseCode.SESSION_NOT_FOUND: 404, ResponseCode.BAD_REQUEST: 422}
_STYLES = ("envelope", "http")


def expect_error(
    context: CheckContext, response: TargetResponse, code: ResponseCode, *, chat: bool = False
) -> str:
    """The answer is this failure, in any style of GEN-2, which is noted; its message.

    On `chat` the ADK's `{"detail": …}` is one of them. How a failure must look in all else is for
    the checks of GEN-1 and GEN-2 alone to judge.
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


def expect_error_status(response: TargetResponse, code: ResponseCode) -> None:
    """The HTTP status of this failure is that of one of the styles of GEN-2."""
    allowed = sorted({http_status(code, style) for style in _STYLES})
    expect_one_of(f"the HTTP status of {int(code)}", response.status, allowed)


def expect_error_envelope(response: TargetResponse) -> None:
    """The body of a failure has a code, a message in words, and data null (GEN-1)."""
    body = response.json
    code = require_field("the envelope", body, "code")
    expect_true("code", isinstance(code, int) and code != 0, "the number of a failure", code)
    expect_equal("data of a failure", require_field("the envelope", body, "data"), None)
    message = require_field("the envelope", body, "message")
    expect_true("message", isinstance(message, str) and bool(message.strip()), "words", message)


def error_code(response: TargetResponse) -> object:
    """The code of a failure, 0 where the body tells of none, in whatever envelope."""
    body = response.json
    return (body.get("code") if isinstance(body, dict) else None) or 0


def is_error(response: TargetResponse) -> bool:
    """Whether this says, in whatever way, that something was not done."""
    try:
        return bool(require_field("the envelope", response.json, "code"))
    except CheckFailed:
        return True


def matching_error_styles(response: TargetResponse, code: ResponseCode) -> set[str]:
    """The styles of GEN-2 in which this failure has this HTTP status; none for another failure."""
    if not is_error(response):
        return set()
    return {style for style in _STYLES if http_status(code, style) == response.status}


def _unique_error_style(response: TargetResponse, code: ResponseCode) -> str:
    """The style that this status tells, "" where both styles have the same, or none has it."""
    fitting = matching_error_styles(response, code)
    return fitting.pop() if len(fitting) == 1 else ""
