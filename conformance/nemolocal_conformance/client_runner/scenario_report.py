"""The results of a run as text, JSON, JUnit and Markdown."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from nemolocal_contract.plurals import pluralize

from ..reports.junit import JUnitCase, junit_suite
from ..reports.markdown import escape_markdown
from .scenario_result import ScenarioOutcome, ScenarioResult

_INDENT = 2
_WORDS: tuple[ScenarioOutcome, ...] = ("failed", "not met", "passed")


def scenario_line(outcome: ScenarioResult) -> str:
    """`failed  silent  client.resend: why`, with one more line for each further reason."""
    first, *more = outcome.reasons or ("",)
    head = f"{outcome.word:8} {outcome.scenario:24} {first}".rstrip()
    return "\n".join([head, *(f"{'':33} {reason}" for reason in more)])


def summary(outcomes: Sequence[ScenarioResult]) -> str:
    """`44 scenarios: 1 failed, 43 passed (80.2 s)`."""
    counts = [f"{n} {word}" for word in _WORDS if (n := sum(o.word == word for o in outcomes))]
    seconds = sum(outcome.seconds for outcome in outcomes)
    return f"{pluralize(len(outcomes), 'scenario')}: {', '.join(counts)} ({seconds:.1f} s)"


def as_json(outcomes: Sequence[ScenarioResult]) -> str:
    """Return all results as JSON, with the field names of the types."""
    return msgspec.json.format(msgspec.json.encode(outcomes), indent=_INDENT).decode() + "\n"


def as_junit(outcomes: Sequence[ScenarioResult]) -> str:
    """Return one test suite with a case for each scenario; `not met` is a skipped one."""
    seconds = sum(outcome.seconds for outcome in outcomes)
    return junit_suite("nemolocal conform-client", [_case(one) for one in outcomes], seconds)


def _case(outcome: ScenarioResult) -> JUnitCase:
    case = JUnitCase("nemolocal.client", outcome.scenario, outcome.seconds)
    if outcome.word == "passed":
        return case
    first, *more = outcome.reasons
    tag: Literal["failure", "skipped"] = "failure" if outcome.word == "failed" else "skipped"
    return msgspec.structs.replace(case, tag=tag, reason=first, details="\n".join(more))


def as_markdown(outcomes: Sequence[ScenarioResult]) -> str:
    """Return a Markdown table with a row for each scenario."""
    rows = (
        f"| {outcome.scenario} | {outcome.word} "
        f"| {'<br>'.join(map(escape_markdown, outcome.reasons))} |\n"
        for outcome in outcomes
    )
    head = "| scenario | outcome | why |\n|---|---|---|\n"
    return f"{summary(outcomes)}\n\n{head}{''.join(rows)}"


def exit_code(outcomes: Sequence[ScenarioResult]) -> int:
    """0: nothing failed, 1: something failed, 2: no scenario was reached."""
    words = {outcome.word for outcome in outcomes}
    if "failed" in words:
        return 1
    return 0 if "passed" in words else 2
