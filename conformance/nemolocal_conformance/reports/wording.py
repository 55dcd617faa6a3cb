"""Words that every form of a report uses."""

from nemolocal_contract.counts import counted

from ..verdicts import Outcome, Report, Verdict

ORDER: tuple[Outcome, ...] = (
    "failed",
    "error",
    "warning",
    "learned",
    "known",
    "not judgeable",
    "not applicable",
    "passed",
)
"""What is read first comes first."""

GRADES = {"D": "documented", "C": "contradicted", "A": "assumed"}


def headline(report: Report) -> str:
    """The run in a sentence: `167 of 168 checks passed, 1 failed (http://…)`."""
    counts = [f"{n} {outcome}" for outcome in ORDER[:-1] if (n := report.count(outcome))]
    passed = f"{report.count('passed')} of {counted(len(report.verdicts), 'check')} passed"
    return f"{', '.join([passed, *counts])} ({report.base_url}, {report.seconds:.1f} s)"


def why(verdict: Verdict) -> str:
    """Why a check did not pass, in a line."""
    parts = [verdict.reason]
    if verdict.expected or verdict.actual:
        parts.append(f"expected {verdict.expected}, saw {verdict.actual}")
    if verdict.known:
        parts.append(f"known: {verdict.known}")
    return ": ".join(part for part in parts if part)


def by_outcome(report: Report) -> list[Verdict]:
    """The verdicts, those that matter first, else in the order of the contract."""
    return sorted(report.verdicts, key=lambda verdict: ORDER.index(verdict.outcome))
