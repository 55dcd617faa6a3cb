"""Whether a call was refused where it must be, and in a form that the contract knows."""

from nemolocal_contract.response_codes import ResponseCode

from ..assertions import CheckFailed, expect_equal
from ..context import CheckContext
from ..error_assertions import expect_error, expect_error_envelope, expect_error_status
from ..target import TargetResponse
from .server_model import ExpectedErrors
from .violation import under_rule


def matches_expected_error(
    stage: CheckContext, answer: TargetResponse, due: ExpectedErrors, *, chat: bool = False
) -> bool:
    """Whether this call ended as a refusal that is due; breaks the rule of one that is not."""
    codes = {**due.required, **due.allowed}
    code = _matching_code(stage, answer, codes, chat)
    if code is not None:
        _validate_error(answer, code, chat)
        return True
    if due.required:
        first, rule = next(iter(due.required.items()))
        with under_rule(rule):
            expect_error(stage, answer, first, chat=chat)
    return False


def require_success(answer: TargetResponse, rule: str) -> dict[str, object]:
    """`data` of an envelope that must be one of a success (GEN-1)."""
    with under_rule(rule):
        expect_equal("the connection", answer.ending, "complete")
        data = answer.data
    with under_rule("GEN-1"):
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        expect_equal("content-type", kind, "application/json")
        if not isinstance(data, dict):
            raise CheckFailed("data", "an object", data)
    return data


def _matching_code(
    stage: CheckContext, answer: TargetResponse, codes: dict[ResponseCode, str], chat: bool
) -> ResponseCode | None:
    """Which of these failures this is; None where it is none of them."""
    for code in codes:
        try:
            expect_error(stage, answer, code, chat=chat)
        except CheckFailed:
            continue
        return code
    return None


def _validate_error(answer: TargetResponse, code: ResponseCode, chat: bool) -> None:
    if chat and "detail" in answer.json:
        return
    with under_rule("GEN-2"):
        expect_error_status(answer, code)
    with under_rule("GEN-1"):
        expect_error_envelope(answer)
