"""Failures as the contract knows them, in every style that it allows (GEN-1, GEN-2)."""

from nemolocal_contract.codes import Code, http_status

from .expectations import Broken, expect, expect_one_of, expect_that, field
from .peer import Answer
from .stage import Stage

_DETAIL_STATUS = {Code.SESSION_NOT_FOUND: 404, Code.BAD_REQUEST: 422}
_STYLES = ("envelope", "http")


def expect_failure(stage: Stage, answer: Answer, code: Code, *, chat: bool = False) -> str:
    """The answer is this failure, in any style of GEN-2, which is noted; its message.

    On `chat` the ADK's `{"detail": …}` is one of them. How a failure must look in all else is for
    the checks of GEN-1 and GEN-2 alone to judge.
    """
    expect("the connection", answer.ending, "complete")
    body = answer.json
    if chat and code in _DETAIL_STATUS and isinstance(body, dict) and "detail" in body:
        expect("the HTTP status of a detail body", answer.status, _DETAIL_STATUS[code])
        stage.saw("GEN-2", "errors=adk")
        return str(body["detail"])
    expect("code", field("the envelope", body, "code"), int(code))
    style = _style(answer, code)
    if style:
        stage.saw("GEN-2", f"errors={style}")
    message = body.get("message")
    return message if isinstance(message, str) else ""


def expect_style(answer: Answer, code: Code) -> None:
    """The HTTP status of this failure is that of one of the styles of GEN-2."""
    allowed = sorted({http_status(code, style) for style in _STYLES})
    expect_one_of(f"the HTTP status of {int(code)}", answer.status, allowed)


def expect_form(answer: Answer) -> None:
    """The body of a failure has a code, a message in words, and data null (GEN-1)."""
    body = answer.json
    code = field("the envelope", body, "code")
    expect_that("code", isinstance(code, int) and code != 0, "the number of a failure", code)
    expect("data of a failure", field("the envelope", body, "data"), None)
    message = field("the envelope", body, "message")
    expect_that("message", isinstance(message, str) and bool(message.strip()), "words", message)


def failure_code(answer: Answer) -> object:
    """The code of a failure, 0 where the body tells of none, in whatever envelope."""
    body = answer.json
    return (body.get("code") if isinstance(body, dict) else None) or 0


def is_refusal(answer: Answer) -> bool:
    """Whether this says, in whatever way, that something was not done."""
    try:
        return bool(field("the envelope", answer.json, "code"))
    except Broken:
        return True


def styles_of(answer: Answer, code: Code) -> set[str]:
    """The styles of GEN-2 in which this failure has this HTTP status; none for another failure."""
    if not is_refusal(answer):
        return set()
    return {style for style in _STYLES if http_status(code, style) == answer.status}


def _style(answer: Answer, code: Code) -> str:
    """The style that this status tells, "" where both styles have the same, or none has it."""
    fitting = styles_of(answer, code)
    return fitting.pop() if len(fitting) == 1 else ""
