"""The results of scripts as verdicts, so that every report format can show them."""

from importlib.metadata import version

import msgspec

from nemolocal_contract.rules import rules

from ..context import CheckContext
from ..verdicts import ConformanceReport, Verdict, VerdictOutcome
from .script import CallScript
from .script_runner import ScriptResult

CHECK_ID = "script"
SENTENCE = (
    "Whatever is called, in whatever order, each answer MUST be one that the contract allows."
)


def script_verdict(script: CallScript, ending: ScriptResult, *, has_control: bool) -> Verdict:
    """Return the verdict of a script: `learned` if it contradicts an undocumented assumption."""
    finding = ending.violation
    if finding is None:
        outcome: VerdictOutcome = "not applicable" if ending.stop_reason else "passed"
        return msgspec.structs.replace(
            passed_verdict(), outcome=outcome, reason=ending.stop_reason, evidence=ending.evidence
        )
    rule = rules()[finding.rule]
    worst: VerdictOutcome = "failed" if rule.level == "MUST" else "warning"
    return Verdict(
        check=CHECK_ID,
        rules=(rule.id,),
        sentence=SENTENCE,
        level=rule.level,
        grade=rule.grade,
        outcome="learned" if rule.grade == "A" and not has_control else worst,
        reason=f"step {finding.step} of {len(script.steps)}: {finding.what}",
        expected=finding.expected,
        actual=finding.actual,
        evidence=ending.evidence,
    )


def passed_verdict() -> Verdict:
    """Return the verdict of scripts without a violation."""
    return Verdict(
        check=CHECK_ID,
        rules=("GEN-1",),
        sentence=SENTENCE,
        level="MUST",
        grade="D",
        outcome="passed",
    )


def script_report(
    context: CheckContext, verdicts: tuple[Verdict, ...], at: str, seconds: float
) -> ConformanceReport:
    """Return a report of scripts alone; `at` is the start time, `seconds` the duration."""
    return ConformanceReport(
        base_url=context.target.base_url,
        version=version("nemolocal"),
        ours=context.has_control,
        verdicts=verdicts,
        alternatives={
            rule: tuple(sorted(seen)) for rule, seen in sorted(context.alternatives.items())
        },
        seconds=round(seconds, 3),
        at=at,
    )
