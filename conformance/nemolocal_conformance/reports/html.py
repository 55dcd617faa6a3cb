"""The report as one HTML file that needs no network: searchable, evidence folded."""

import re
from html import escape
from importlib.resources import files

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
        "headline": escape(headline(report)),
        "verdict": "good" if report.exit_code == 0 else "bad",
        "version": escape(report.version),
        "filters": "".join(_filter(report, outcome) for outcome in ORDER if report.count(outcome)),
        "alternatives": _alternatives(report),
        "checks": "\n".join(map(_check, by_outcome(report))),
        "calibration": "\n".join(
            f"<tr><td>{escape(row.name)}</td><td>{escape(row.value)}</td>"
            f"<td>{escape(row.rule)}</td><td>{escape(row.source)}</td>"
            f"<td>{escape(row.measured)}</td></tr>"
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
        f"{count} {escape(outcome)}</label>"
    )


def _alternatives(report: Report) -> str:
    rows = [
        f"<li><b>{escape(rule)}</b> {escape(', '.join(seen))}</li>"
        for rule, seen in report.alternatives.items()
    ]
    return f"<ul>{''.join(rows)}</ul>" if rows else "<p>Nothing that sources disagree on.</p>"


def _check(verdict: Verdict) -> str:
    css = _css(verdict.outcome)
    reason = f'<p class="why">{escape(why(verdict))}</p>' if why(verdict) else ""
    about = "".join(_rule(name) for name in verdict.rules)
    evidence = "".join(map(_exchange, verdict.evidence))
    return (
        f'<details class="check {css}" data-outcome="{css}"><summary>'
        f"<span class=outcome>{escape(verdict.outcome)}</span> "
        f"<code>{escape(verdict.check)}</code> "
        f"<span class=sentence>{_worded(verdict.sentence)}</span></summary>"
        f"{reason}{about}{evidence}</details>"
    )


def _rule(name: str) -> str:
    rule = rules()[name]
    source = ", ".join(rule.source)
    return (
        f'<p class="rule"><b>{rule.id}</b> {rule.level}, {GRADES[rule.grade]} '
        f"({escape(source)}): {_worded(rule.text)}</p>"
    )


def _worded(text: str) -> str:
    """A text of ours, with what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _exchange(exchange: Exchange) -> str:
    head = f"{exchange.method} {exchange.url} → {exchange.status or exchange.ending}"
    return (
        f"<details><summary>{escape(head)} ({exchange.seconds * 1000:.0f} ms)</summary>"
        f"<pre>{escape(exchange.curl)}</pre>"
        f"<pre>{escape(_headers(exchange.response_headers))}\n\n"
        f"{escape(exchange.response_body)}</pre></details>"
    )


def _headers(headers: dict[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _css(outcome: str) -> str:
    return outcome.replace(" ", "-")
