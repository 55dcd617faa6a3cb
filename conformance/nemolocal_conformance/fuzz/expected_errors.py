"""Validates errors: whether one was required, and whether it has a form of the contract."""

from nemolocal_contract.responses import ResponseCode

from ..assertions import CheckFailed, expect_equal
from ..context import CheckContext
from ..error_assertions import expect_error, expect_error_envelope, expect_error_status
from ..target import TargetResponse
from .server_model import ExpectedErrors
from .violation import under_rule


def matches_expected_error(
    context: CheckContext, response: TargetResponse, expected: ExpectedErrors, *, chat: bool = False
) -> bool:
    """Whether the response is an expected error; raises if a required one is missing."""
    codes = {**expected.required, **expected.allowed}
    code = _matching_code(context, response, codes, chat)
    if code is not None:
        _validate_error(response, code, chat)
        return True
    if expected.required:
        first, rule = next(iter(expected.required.items()))
        with under_rule(rule):
            expect_error(context, response, first, chat=chat)
    return False


def require_success(response: TargetResponse, rule: str) -> dict[str, object]:
    """Return `data` of a response that must be a success (GEN-1)."""
    with under_rule(rule):
        expect_equal("the connection", response.ending, "complete")
        data = response.data
    with under_rule("GEN-1"):
        expect_equal("content-type", response.media_type, "application/json")
        if not isinstance(data, dict):
            raise CheckFailed("data", "an object", data)
    return data


def _matching_code(
    context: CheckContext, response: TargetResponse, codes: dict[ResponseCode, str], chat: bool
) -> ResponseCode | None:
    """Return which of these errors the response is, None if it is none of them."""
    for code in codes:
        try:
            expect_error(context, response, code, chat=chat)
        except CheckFailed:
            continue
        return code
    return None


def _validate_error(response: TargetResponse, code: ResponseCode, chat: bool) -> None:
    if chat and "detail" in response.json:
        return
    with under_rule("GEN-2"):
        expect_error_status(response, code)
    with under_rule("GEN-1"):
        expect_error_envelope(response)
