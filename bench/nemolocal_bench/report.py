"""A report: its data, as JSON and CSV."""

import csv
import io

import msgspec

from .bd_rate import BdRateSaving
from .cloud import PublishedTime
from .machine import MachineInfo
from .metrics import Instruments
from .moments import Moment
from .sampling import SampleSpan
from .target_quality import TargetSearchResult
from .variants import Ladder, VariantResult

REPORT_FORMAT = 2
# Format 1 lacks what has a default here.
_READ_FORMATS = (1, REPORT_FORMAT)
_COLUMNS = (
    *("clip", "name", "where", "note", "complaint", "seconds", "speed", "cpu_seconds"),
    *("memory_bytes", "load", "size", "saved", "bitrate", "width", "height", "sampled"),
)
_SCORE = ("model", "height", "every", "mean", "harmonic_mean", "p1", "p5", "min")


class SourceInfo(msgspec.Struct, frozen=True):
    """The clip that everything is compared with, and its VMAF against itself."""

    name: str
    digest: str
    width: int
    height: int
    frames: int
    fps: float
    seconds: float
    size: int
    self_score: float


class Comparison(msgspec.Struct, frozen=True):
    """All results for one clip.

    `shown` is the name of the recommended result, else of the best one, "" if none has a score.
    `spans` are the samples, () if the whole clip was measured; `sample_line` is the command line
    that cuts them.
    """

    verdict: str
    source: SourceInfo
    shown: str
    results: tuple[VariantResult, ...]
    found: TargetSearchResult | None
    savings: tuple[BdRateSaving, ...]
    published: tuple[PublishedTime, ...]
    spans: tuple[SampleSpan, ...] = ()
    sample_line: str = ""
    moments: tuple[Moment, ...] = ()


class BenchReport(msgspec.Struct, frozen=True):
    """The comparisons, the machine, and the encoders that do not work on it."""

    format: int
    machine: MachineInfo
    instruments: Instruments
    missing: dict[str, str]
    ladder: Ladder
    target: float
    comparisons: tuple[Comparison, ...]


def as_json(report: BenchReport) -> bytes:
    """Return the whole report without its pictures."""
    plain = (_without_pictures(comparison) for comparison in report.comparisons)
    kept = msgspec.structs.replace(report, comparisons=tuple(plain))
    return msgspec.json.format(msgspec.json.encode(kept), indent=1)


def _without_pictures(comparison: Comparison) -> Comparison:
    moments = (msgspec.structs.replace(moment, pictures=()) for moment in comparison.moments)
    return msgspec.structs.replace(comparison, moments=tuple(moments))


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


class ReportUnreadable(Exception):
    """A file that is not a report of this bench; the text is one line."""


def read_report(content: bytes) -> BenchReport:
    """Read a report from its JSON; raises ReportUnreadable."""
    try:
        report = msgspec.json.decode(content, type=BenchReport)
    except msgspec.MsgspecError as error:
        raise ReportUnreadable(f"not a report of the bench: {error}") from error
    if report.format not in _READ_FORMATS:
        raise ReportUnreadable(
            f"it has format {report.format}, this version reads formats up to {REPORT_FORMAT}"
        )
    return report
