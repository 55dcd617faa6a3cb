"""The report as JSON (everything) and as CSV (a row for each measure of a result)."""

import csv
import io

import msgspec

from .report import BenchReport

_COLUMNS = (
    *("clip", "name", "where", "note", "complaint", "seconds", "speed", "cpu_seconds"),
    *("memory_bytes", "size", "saved", "bitrate", "width", "height"),
)
_SCORE = ("model", "height", "every", "mean", "harmonic_mean", "p1", "p5", "min")


def as_json(report: BenchReport) -> bytes:
    """Return the whole report; pictures are Base64."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1)


def as_csv(report: BenchReport) -> str:
    """Return a row for each measure; a result without scores has one row, with the reason."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*_COLUMNS, "measure", *(f"score_{name}" for name in _SCORE)])
    for comparison in report.comparisons:
        for result in comparison.results:
            facts = [comparison.source.name, *(getattr(result, name) for name in _COLUMNS[1:])]
            for score in result.scores:
                figures = [getattr(score, name) for name in _SCORE]
                writer.writerow([*facts, score.name, *figures])
            if not result.scores:
                writer.writerow([*facts, *[""] * (len(_SCORE) + 1)])
    return file.getvalue()
