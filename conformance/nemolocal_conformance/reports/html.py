"""The report as one HTML file that needs no network: searchable, evidence folded."""

import re

from nemolocal_contract.html_page import render_page
from nemolocal_contract.rules import rules

from ..calibration import calibration
from ..verdicts import Report
from .wording import GRADES, ORDER, by_outcome, headline, why

_CODE = re.compile(r"`([^`]*)`")


def as_html(report: Report) -> str:
    """The whole report; every text in it is escaped."""
    return render_page(
        __package__,
        "report.html",
        report=report,
        headline=headline(report),
        outcomes=[outcome for outcome in ORDER if report.count(outcome)],
        checks=by_outcome(report),
        assumptions=calibration(report),
        rules=rules(),
        grades=GRADES,
        why=why,
        text_and_code=_CODE.split,
        css=_css,
    )


def _css(outcome: str) -> str:
    return outcome.replace(" ", "-")
