"""The report as Markdown, for the summary of a CI job."""

from nemolocal_contract.text_escaping import escape_controls

from ..verdicts import ConformanceReport, Verdict
from .report_text import headline, observed_words, sort_by_outcome, verdict_reason

_SHOWN = 400


def as_markdown(report: ConformanceReport) -> str:
    """Return the headline, what did not pass, and the alternatives that the server follows."""
    mark = "✅" if report.exit_code == 0 else "❌"
    lines = ["## Conformance", "", f"{mark} {escape_markdown(headline(report))}", ""]
    found = [v for v in sort_by_outcome(report) if v.outcome not in ("passed", "not applicable")]
    if found:
        lines += ["| check | outcome | rule | why |", "|---|---|---|---|", *map(_row, found), ""]
    if report.unknown_ids:
        lines += [f"No check is called: {escape_markdown(', '.join(report.unknown_ids))}", ""]
    if report.alternatives:
        lines += ["Where sources disagree, this server:", ""]
        lines += [f"- {rule}: {', '.join(seen)}" for rule, seen in report.alternatives.items()]
        lines += [""]
    if report.observed:
        lines += ["Assumed and contradicted rules, as this server showed them:", ""]
        lines += [
            f"- {one.rule}: {escape_markdown(observed_words(one))}" for one in report.observed
        ]
        lines += [""]
    return "\n".join(lines)


def _row(verdict: Verdict) -> str:
    reason = verdict_reason(verdict)
    shown = reason if len(reason) <= _SHOWN else f"{reason[:_SHOWN]}…"
    cells = (
        f"`{verdict.check}`",
        verdict.outcome,
        ", ".join(verdict.rules),
        escape_markdown(shown),
    )
    return f"| {' | '.join(cells)} |"


def escape_markdown(text: str) -> str:
    """Escape Markdown and join lines, so that the text stays within a table cell."""
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"\\{sign}")
    return escape_controls(" ".join(text.split()))
