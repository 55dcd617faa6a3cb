"""Texts that all report formats share."""

from collections.abc import Iterator, Sequence

from nemolocal_contract.plurals import pluralize

from ..verdicts import ConformanceReport, ObservedRule, Verdict, VerdictOutcome

OUTCOME_ORDER: tuple[VerdictOutcome, ...] = (
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

# The actual value is that something is missing.
MISSING_PREFIX = "missing: "

GRADE_NAMES = {"D": "documented", "C": "contradicted", "A": "assumed"}


def headline(report: ConformanceReport) -> str:
    """Return the run in one sentence: `167 of 168 checks passed, 1 failed (http://…)`."""
    counts = [f"{n} {outcome}" for outcome in OUTCOME_ORDER[:-1] if (n := report.count(outcome))]
    passed = f"{report.count('passed')} of {pluralize(len(report.verdicts), 'check')} passed"
    return f"{', '.join([passed, *counts])} ({report.base_url}, {report.seconds:.1f} s)"


def verdict_reason(verdict: Verdict) -> str:
    """Return why a check did not pass, in one line."""
    parts = [verdict.reason]
    if verdict.expected or verdict.actual:
        saw = "" if verdict.actual.startswith(MISSING_PREFIX) else "saw "
        parts.append(f"expected {verdict.expected}, {saw}{verdict.actual}")
    if verdict.known:
        parts.append(f"known: {verdict.known}")
    return ": ".join(part for part in parts if part)


def entry_list(ids: Sequence[int], most: int | None = None) -> str:
    """Return `entry 1`, `entries 1, 3`, or `entries 1, 3, …` for more than `most`."""
    shown = ", ".join(map(str, ids[:most])) + (", …" if len(ids[:most]) < len(ids) else "")
    return f"entr{'y' if len(ids) == 1 else 'ies'} {shown}"


def sort_by_outcome(report: ConformanceReport) -> list[Verdict]:
    """Sort verdicts by importance, then in the order of the contract."""
    return sorted(report.verdicts, key=lambda verdict: OUTCOME_ORDER.index(verdict.outcome))


def observed_lines(report: ConformanceReport) -> Iterator[str]:
    """Yield what the run has observed of assumed and contradicted rules."""
    if not report.observed:
        return
    yield f"Observed at {report.base_url} on {report.at[:10]}:"
    for one in report.observed:
        yield f"  {one.rule:<8}{observed_grade(one):<16}{observed_words(one)}"


def observed_grade(one: ObservedRule) -> str:
    """Return the grade in words; of a documented rule only an assumed part is looked at."""
    return "assumed in part" if one.grade == "D" else GRADE_NAMES[one.grade]


def observed_words(one: ObservedRule) -> str:
    """Return `holds in 3 of 5 checks`, and the alternative or what differs."""
    parts = [f"{one.outcome} in {one.ran} of {pluralize(one.checks, 'check')}"]
    if one.outcome == "differs":
        parts = [f"differs ({', '.join(one.differing)})"]
    if one.alternatives:
        parts.append(", ".join(one.alternatives))
    return "; ".join(parts)
