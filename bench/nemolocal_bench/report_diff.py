"""The differences between two reports of the same clips."""

from collections.abc import Iterator

import msgspec

from .report import REPORT_FORMAT, BenchReport
from .variants import VariantResult


class ReportUnreadable(Exception):
    """A file that is not a report of this bench; the text is one line."""


class FigureChange(msgspec.Struct, frozen=True):
    """A figure of a clip's result in the old and in the new report."""

    clip: str
    name: str
    what: str
    before: float
    after: float


def read_report(content: bytes) -> BenchReport:
    """Read a report from its JSON; raises ReportUnreadable."""
    try:
        report = msgspec.json.decode(content, type=BenchReport)
    except msgspec.MsgspecError as error:
        raise ReportUnreadable(f"not a report of the bench: {error}") from error
    if report.format != REPORT_FORMAT:
        raise ReportUnreadable(f"it has format {report.format}, and this is format {REPORT_FORMAT}")
    return report


def diff_reports(old: BenchReport, new: BenchReport) -> tuple[FigureChange, ...]:
    """Compare seconds, bytes and VMAF of results in both reports, of clips with equal content."""
    before = {
        (comparison.source.digest, result.name): result
        for comparison in old.comparisons
        for result in comparison.results
    }
    return tuple(
        change
        for comparison in new.comparisons
        for result in comparison.results
        if (known := before.get((comparison.source.digest, result.name))) is not None
        for change in _between(comparison.source.name, known, result)
    )


def _between(clip: str, old: VariantResult, new: VariantResult) -> Iterator[FigureChange]:
    if old.seconds and new.seconds:
        yield FigureChange(clip, new.name, "seconds", old.seconds, new.seconds)
    if old.size and new.size:
        yield FigureChange(clip, new.name, "bytes", old.size, new.size)
    if old.vmaf is not None and new.vmaf is not None:
        yield FigureChange(clip, new.name, "mean VMAF", old.vmaf, new.vmaf)
