"""The report as Markdown: what a CI job shows as its summary."""

from nemolocal_contract.printable import printable

from ..verdicts import Report, Verdict
from .wording import by_outcome, headline, why

_SHOWN = 400


def as_markdown(report: Report) -> str:
    """The headline, what did not pass, and which way the server goes where sources disagree."""
    mark = "✅" if report.exit_code == 0 else "❌"
    lines = ["## Conformance", "", f"{mark} {as_plain(headline(report))}", ""]
    found = [v for v in by_outcome(report) if v.outcome not in ("passed", "not applicable")]
    if found:
        lines += ["| check | outcome | rule | why |", "|---|---|---|---|", *map(_row, found), ""]
    if report.strangers:
        lines += [f"No check is called: {as_plain(', '.join(report.strangers))}", ""]
    if report.alternatives:
        lines += ["Where sources disagree, this server:", ""]
        lines += [f"- {rule}: {', '.join(seen)}" for rule, seen in report.alternatives.items()]
        lines += [""]
    return "\n".join(lines)


def _row(verdict: Verdict) -> str:
    reason = why(verdict)
    shown = reason if len(reason) <= _SHOWN else f"{reason[:_SHOWN]}…"
    cells = (f"`{verdict.check}`", verdict.outcome, ", ".join(verdict.rules), as_plain(shown))
    return f"| {' | '.join(cells)} |"


def as_plain(text: str) -> str:
    """Text that is no markup, in one line: it stays within its cell."""
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"\\{sign}")
    return printable(" ".join(text.split()))
