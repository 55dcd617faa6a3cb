"""The report as JSON, with the field names of the types."""

import msgspec

from nemolocal_contract.text_escaping import escape_controls

from ..verdicts import ConformanceReport

_INDENT = 2


def as_json(report: ConformanceReport) -> str:
    """Return the whole report; `report_from_json` reads it back."""
    written = msgspec.json.format(msgspec.json.encode(report), indent=_INDENT).decode()
    return escape_controls(written) + "\n"


def report_from_json(text: str | bytes) -> ConformanceReport:
    """Read a report of `as_json`; raises msgspec.DecodeError for anything else."""
    return msgspec.json.decode(text, type=ConformanceReport)
