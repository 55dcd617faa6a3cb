"""The report as Markdown: what a CI job shows as its summary."""

from ..verdicts import Report, Verdict
from .wording import by_outcome, headline, why

_SHOWN = 400


def as_markdown(report: Report) -> str:
    """The headline, what did not pass, and which way the server goes where sources disagree."""
    mark = "✅" if report.exit_code == 0 else "❌"
    lines = ["## Conformance", "", f"{mark} {_escape(headline(report))}", ""]
    found = [v for v in by_outcome(report) if v.outcome not in ("passed", "not applicable")]
    if found:
        lines += ["| check | outcome | rule | why |", "|---|---|---|---|", *map(_row, found), ""]
    if report.strangers:
        lines += [f"No check is called: {_escape(', '.join(report.strangers))}", ""]
    if report.alternatives:
        lines += ["Where sources disagree, this server:", ""]
        lines += [f"- {rule}: {', '.join(seen)}" for rule, seen in report.alternatives.items()]
        lines += [""]
    return "\n".join(lines)


def _row(verdict: Verdict) -> str:
    reason = why(verdict)
    shown = reason if len(reason) <= _SHOWN else f"{reason[:_SHOWN]}…"
    cells = (f"`{verdict.check}`", verdict.outcome, ", ".join(verdict.rules), _escape(shown))
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
