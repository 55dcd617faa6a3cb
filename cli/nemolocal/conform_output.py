"""The output and the reports of `nemolocal conform`."""

import sys
from pathlib import Path

from nemolocal_conformance.reports import REPORT_FORMATS
from nemolocal_conformance.reports.report_text import verdict_reason
from nemolocal_conformance.verdicts import ConformanceReport, Verdict

from .report_files import write_report_files

_HARNESS_FAILED = 2


def print_harness_error(problem: Exception) -> int:
    """Print why nothing could be checked; return the exit status."""
    print(f"nemolocal: {problem}", file=sys.stderr)
    return _HARNESS_FAILED


def print_verdict(verdict: Verdict) -> None:
    """Print a verdict that is not a pass."""
    if verdict.outcome == "passed":
        return
    print(f"{verdict.outcome}: {verdict.check} ({', '.join(verdict.rules)}): {verdict.sentence}")
    print(f"    {verdict_reason(verdict)}")
    if verdict.evidence and verdict.outcome != "not applicable":
        print(f"    {verdict.evidence[-1].curl}")


def write_report(report: ConformanceReport, folder: Path) -> None:
    """Write a report in all formats."""
    write_report_files(folder, {name: form(report) for name, form in REPORT_FORMATS.items()})
