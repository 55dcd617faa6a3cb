"""What scripts have shown, as verdicts: the reports of checks tell it like any other."""

from importlib.metadata import version

import msgspec

from nemolocal_contract.rules import rules

from ..stage import Stage
from ..verdicts import Outcome, Report, Verdict
from .player import Ending
from .script import Script

CHECK = "script"
SENTENCE = (
    "Whatever is called, in whatever order, each answer MUST be one that the contract allows."
)


def verdict_of(script: Script, ending: Ending, *, ours: bool) -> Verdict:
    """How a script ended: a rule of ours that nobody documents is learned about, not failed."""
    finding = ending.finding
    if finding is None:
        outcome: Outcome = "not applicable" if ending.stopped else "passed"
        return msgspec.structs.replace(
            passed(), outcome=outcome, reason=ending.stopped, evidence=ending.evidence
        )
    rule = rules()[finding.rule]
    worst: Outcome = "failed" if rule.level == "MUST" else "warning"
    return Verdict(
        check=CHECK,
        rules=(rule.id,),
        sentence=SENTENCE,
        level=rule.level,
        grade=rule.grade,
        outcome="learned" if rule.grade == "A" and not ours else worst,
        reason=f"step {finding.step} of {len(script.steps)}: {finding.what}",
        expected=finding.expected,
        actual=finding.actual,
        evidence=ending.evidence,
    )


def passed() -> Verdict:
    """Nothing was answered that may not be."""
    return Verdict(
        check=CHECK, rules=("GEN-1",), sentence=SENTENCE, level="MUST", grade="D", outcome="passed"
    )


def report_of(stage: Stage, verdicts: tuple[Verdict, ...], at: str, seconds: float) -> Report:
    """A report of scripts alone; `at` is when it began, `seconds` how long it took."""
    return Report(
        base_url=stage.peer.base_url,
        version=version("nemolocal"),
        ours=stage.ours,
        verdicts=verdicts,
        alternatives={rule: tuple(sorted(seen)) for rule, seen in sorted(stage.seen.items())},
        seconds=round(seconds, 3),
        at=at,
    )
