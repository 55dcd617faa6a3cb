"""Failures as the contract knows them, in every style that it allows (GEN-1, GEN-2)."""

from typing import Any

from nemolocal_contract.codes import Code, http_status

from .expectations import Broken, expect, expect_one_of, expect_that, field
from .peer import Answer
from .stage import Stage

_DETAIL_STATUS = {Code.SESSION_NOT_FOUND: 404, Code.BAD_REQUEST: 422}
_STYLES = ("envelope", "http")


def expect_failure(stage: Stage, answer: Answer, code: Code, *, chat: bool = False) -> str:
    """The answer is this failure, in one of the styles of GEN-2; its message.

    Which style it is, is noted. On `chat` the ADK's `{"detail": …}` is one of them.
    """
    expect("the connection", answer.ending, "complete")
    body = answer.json
    if chat and code in _DETAIL_STATUS and isinstance(body, dict) and "detail" in body:
        expect("the HTTP status of a detail body", answer.status, _DETAIL_STATUS[code])
        stage.saw("GEN-2", "errors=adk")
        return str(body["detail"])
    expect("code", field("the envelope", body, "code"), int(code))
    _note_style(stage, answer, code)
    return _message(body)


def _note_style(stage: Stage, answer: Answer, code: Code) -> None:
    allowed = {style: http_status(code, style) for style in _STYLES}
    expect_one_of("the HTTP status", answer.status, sorted(set(allowed.values())))
    if len(set(allowed.values())) > 1:
        style = next(style for style in _STYLES if allowed[style] == answer.status)
        stage.saw("GEN-2", f"errors={style}")


def _message(body: dict[str, Any]) -> str:
    expect("data of a failure", field("the envelope", body, "data"), None)
    message = field("the envelope", body, "message")
    expect_that("message", isinstance(message, str) and bool(message.strip()), "words", message)
    return str(message)


def code_of(answer: Answer) -> object:
    """The code of an answer, whatever it is: for telling one answer from another."""
    try:
        return field("the envelope", answer.json, "code")
    except Broken:
        return None
