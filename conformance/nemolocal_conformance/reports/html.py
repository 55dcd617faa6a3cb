"""The report as one HTML file without external resources: searchable, evidence folded."""

from nemolocal_contract.html_page import render_document
from nemolocal_contract.rules import rules

from ..assumptions import list_assumptions
from ..mutation_scores import mutation_scores
from ..verdicts import ConformanceReport
from .report_text import (
    GRADE_NAMES,
    OUTCOME_ORDER,
    headline,
    observed_grade,
    observed_words,
    sort_by_outcome,
    verdict_reason,
)

# Their reasons are read without a click.
_OPENED = ("failed", "error")


def as_html(report: ConformanceReport) -> str:
    """Return the whole report; all texts are escaped."""
    values = {
        "report": report,
        "headline": headline(report),
        "opened": _OPENED,
        "outcomes": [outcome for outcome in OUTCOME_ORDER if report.count(outcome)],
        "checks": sort_by_outcome(report),
        "assumptions": list_assumptions(report),
        "rules": rules(),
        "grades": GRADE_NAMES,
        "scores": mutation_scores(),
        "why": verdict_reason,
        "observed_words": observed_words,
        "observed_grade": observed_grade,
        "css": _css,
    }
    return render_document(__package__, "report.html", values, script="check_filter.js")


def _css(outcome: str) -> str:
    return outcome.replace(" ", "-")
