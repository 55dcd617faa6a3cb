"""The formats of a drift report: text, JSON, Markdown and HTML."""

from collections.abc import Iterator, Sequence

import msgspec

from nemolocal_conformance.reports.markdown import escape_markdown
from nemolocal_contract.html_page import render_document
from nemolocal_contract.text_escaping import escape_controls

from ..learning.observations import Observation
from .drift_report import DriftReport
from .side_by_side import VERDICT_ORDER, SideBySide, rule_notes, side_by_side

_SHOWN = 400
_MARKS = {"same": "✅", "changed": "❌", "could not look": "❔"}


def drift_lines(report: DriftReport) -> Iterator[str]:
    """Yield a line per rule that is not the same with its reasons, then the headline."""
    for row in side_by_side([report]):
        if row.verdict != "same":
            yield f"{row.rule.id:<8}{row.rule.grade}  {row.verdict}"
            yield from (f"    {note}" for note in row.notes)
    for one in report.unplayed:
        name = one.endpoint or "unknown path"
        yield f"exchange {one.exchange} ({name}) not compared: {one.reason}"
    yield report.headline


def drift_json(report: DriftReport) -> str:
    """Return a report as JSON, with the field names of the types."""
    written = msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
    return escape_controls(written) + "\n"


def drift_markdown(reports: Sequence[DriftReport], observations: Sequence[Observation] = ()) -> str:
    """Return the reports on one recording side by side as Markdown."""
    lines = ["## Drift", ""]
    lines += [f"{_MARKS[one.verdict]} {escape_markdown(one.headline)}" for one in reports]
    servers = [escape_markdown(report.server) for report in reports]
    columns = ["rule", "documents", "recording", *servers, "what differs"]
    lines += ["", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    lines += [_markdown_row(row) for row in side_by_side(reports, observations)]
    unplayed = reports[0].unplayed
    if unplayed:
        lines += ["", "Not compared:", ""]
        lines += [
            f"- exchange {one.exchange} ({one.endpoint or 'unknown path'}): "
            f"{escape_markdown(one.reason)}"
            for one in unplayed
        ]
    return "\n".join([*lines, ""])


def _markdown_row(row: SideBySide) -> str:
    notes = "; ".join(row.notes)
    shown = notes if len(notes) <= _SHOWN else f"{notes[:_SHOWN]}…"
    servers = [f"{one.now}: {one.verdict}" if one else "not seen" for one in row.servers]
    cells = (
        row.rule.id,
        f"{row.rule.level}, {row.grade}",
        row.recorded,
        *servers,
        escape_markdown(shown),
    )
    return f"| {' | '.join(cells)} |"


def drift_html(reports: Sequence[DriftReport], observations: Sequence[Observation] = ()) -> str:
    """Return the reports on one recording side by side as one HTML file."""
    values = {
        "reports": reports,
        "rows": side_by_side(reports, observations),
        "verdicts": VERDICT_ORDER,
        "notes_of": rule_notes,
        "css": lambda verdict: verdict.replace(" ", "-"),
    }
    return render_document(__package__, "drift.html", values)
