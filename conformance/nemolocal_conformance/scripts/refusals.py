"""Whether a call was refused where it must be, and in a form that the contract knows."""

from nemolocal_contract.codes import Code

from ..expectations import Broken, expect
from ..failures import expect_failure, expect_form, expect_style
from ..peer import Answer
from ..stage import Stage
from .finding import under
from .model import Due


def refused(stage: Stage, answer: Answer, due: Due, *, chat: bool = False) -> bool:
    """Whether this call ended as a refusal that is due; breaks the rule of one that is not."""
    codes = {**due.must, **due.may}
    code = _told(stage, answer, codes, chat)
    if code is not None:
        _judge_form(answer, code, chat)
        return True
    if due.must:
        first, rule = next(iter(due.must.items()))
        with under(rule):
            expect_failure(stage, answer, first, chat=chat)
    return False


def succeeded(answer: Answer, rule: str) -> dict[str, object]:
    """`data` of an envelope that must be one of a success (GEN-1)."""
    with under(rule):
        expect("the connection", answer.ending, "complete")
        data = answer.data
    with under("GEN-1"):
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        expect("content-type", kind, "application/json")
        if not isinstance(data, dict):
            raise Broken("data", "an object", data)
    return data


def _told(stage: Stage, answer: Answer, codes: dict[Code, str], chat: bool) -> Code | None:
    """Which of these failures this is; None where it is none of them."""
    for code in codes:
        try:
            expect_failure(stage, answer, code, chat=chat)
        except Broken:
            continue
        return code
    return None


def _judge_form(answer: Answer, code: Code, chat: bool) -> None:
    if chat and "detail" in answer.json:
        return
    with under("GEN-2"):
        expect_style(answer, code)
    with under("GEN-1"):
        expect_form(answer)
