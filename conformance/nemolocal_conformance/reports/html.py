"""The report as one HTML file that needs no network: searchable, evidence folded."""

import re
from importlib.resources import files

from nemolocal_contract.printable import as_markup
from nemolocal_contract.rules import rules

from ..calibration import calibration
from ..exchange import Exchange
from ..verdicts import Report, Verdict
from .wording import GRADES, ORDER, by_outcome, headline, why

_CODE = re.compile(r"`([^`]*)`")


def as_html(report: Report) -> str:
    """The whole report; every text in it is escaped."""
    page = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    parts = {
        "headline": as_markup(headline(report)),
        "verdict": "good" if report.exit_code == 0 else "bad",
        "version": as_markup(report.version),
        "filters": "".join(_filter(report, outcome) for outcome in ORDER if report.count(outcome)),
        "alternatives": _alternatives(report),
        "checks": "\n".join(map(_check, by_outcome(report))),
        "calibration": "\n".join(
            f"<tr><td>{as_markup(row.name)}</td><td>{as_markup(row.value)}</td>"
            f"<td>{as_markup(row.rule)}</td><td>{as_markup(row.source)}</td>"
            f"<td>{as_markup(row.measured)}</td></tr>"
            for row in calibration(report)
        ),
    }
    for name, value in parts.items():
        page = page.replace(f"<!--{name}-->", value)
    return page


def _filter(report: Report, outcome: str) -> str:
    css = _css(outcome)
    count = sum(verdict.outcome == outcome for verdict in report.verdicts)
    return (
        f'<label class="{css}"><input type="checkbox" checked data-outcome="{css}"> '
        f"{count} {as_markup(outcome)}</label>"
    )


def _alternatives(report: Report) -> str:
    rows = [
        f"<li><b>{as_markup(rule)}</b> {as_markup(', '.join(seen))}</li>"
        for rule, seen in report.alternatives.items()
    ]
    return f"<ul>{''.join(rows)}</ul>" if rows else "<p>Nothing that sources disagree on.</p>"


def _check(verdict: Verdict) -> str:
    css = _css(verdict.outcome)
    reason = f'<p class="why">{as_markup(why(verdict))}</p>' if why(verdict) else ""
    about = "".join(_rule(name) for name in verdict.rules)
    evidence = "".join(map(_exchange, verdict.evidence))
    return (
        f'<details class="check {css}" data-outcome="{css}"><summary>'
        f"<span class=outcome>{as_markup(verdict.outcome)}</span> "
        f"<code>{as_markup(verdict.check)}</code> "
        f"<span class=sentence>{_worded(verdict.sentence)}</span></summary>"
        f"{reason}{about}{evidence}</details>"
    )


def _rule(name: str) -> str:
    rule = rules()[name]
    source = ", ".join(rule.source)
    return (
        f'<p class="rule"><b>{rule.id}</b> {rule.level}, {GRADES[rule.grade]} '
        f"({as_markup(source)}): {_worded(rule.text)}</p>"
    )


def _worded(text: str) -> str:
    """A text of ours, with what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", as_markup(text))


def _exchange(exchange: Exchange) -> str:
    head = f"{exchange.method} {exchange.url} → {exchange.status or exchange.ending}"
    return (
        f"<details><summary>{as_markup(head)} ({exchange.seconds * 1000:.0f} ms)</summary>"
        f"<pre>{as_markup(exchange.curl)}</pre>"
        f"<pre>{as_markup(_headers(exchange.response_headers))}\n\n"
        f"{as_markup(exchange.response_body)}</pre></details>"
    )


def _headers(headers: dict[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _css(outcome: str) -> str:
    return outcome.replace(" ", "-")
