"""A report: its data, as JSON and CSV, its headline, and the differences between two reports."""

import csv
import io
from collections.abc import Iterator

import msgspec

from .bd_rate import BdRateSaving
from .cloud import PUBLISHED_LABEL, PublishedTime
from .machine import MachineInfo
from .metrics import Instruments
from .target_quality import TargetSearchResult
from .variants import Ladder, VariantResult

REPORT_FORMAT = 1
_COLUMNS = (
    *("clip", "name", "where", "note", "complaint", "seconds", "speed", "cpu_seconds"),
    *("memory_bytes", "size", "saved", "bitrate", "width", "height"),
)
_SCORE = ("model", "height", "every", "mean", "harmonic_mean", "p1", "p5", "min")
_LONG = 30.0


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

    `shown` is the name of the result whose frames and picture the report shows, "" if none has a
    score.
    """

    verdict: str
    source: SourceInfo
    shown: str
    results: tuple[VariantResult, ...]
    found: TargetSearchResult | None
    savings: tuple[BdRateSaving, ...]
    published: tuple[PublishedTime, ...]


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
        raise ReportUnreadable(
            f"it has format {report.format}, this version reads format {REPORT_FORMAT}"
        )
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


def write_headline(comparison: Comparison, target: float) -> str:
    """Return one sentence, two if there is a figure of the cloud itself."""
    best = _best(comparison, target)
    if best is None:
        return f"On this machine nothing that was tried reaches VMAF {target:g} on this clip."
    share = 100 - best.saved
    smaller = f"{share:.0f} % of the size"
    time = f"in {best.seconds:.1f} s ({best.speed:.2g} × real time)"
    model = f"{best.scores[0].model} at {best.scores[0].height} lines"
    vmaf = f"VMAF {best.vmaf:.1f} ({model})"
    cloud = _against_cloud(best, comparison)
    return f"On this machine {best.name} gives {smaller} at {vmaf} {time}{cloud}."


def _best(comparison: Comparison, target: float) -> VariantResult | None:
    """Return the smallest local file at or above the target that the contract could export."""
    reached = [
        result
        for result in comparison.results
        if result.where == "local" and not result.note and (result.vmaf or 0.0) >= target
    ]
    return min(reached, key=lambda result: result.size, default=None)


def _against_cloud(best: VariantResult, comparison: Comparison) -> str:
    text = ""
    for result in comparison.results:
        if result.where == "cloud" and result.vmaf is not None:
            factor = best.seconds / result.seconds
            quality = f"{100 - result.saved:.0f} % of the size at VMAF {result.vmaf:.1f}"
            text = f", {factor:.2g} × the time of the {result.name}, which gives {quality}"
            if not result.note:
                return text
    # A local server says nothing about the cloud's speed.
    published = comparison.published[0]
    return text + _against_published(best, published, comparison.source.seconds)


def _against_published(best: VariantResult, published: PublishedTime, seconds: float) -> str:
    least, most = published.least_seconds, published.most_seconds
    claim = f"{least:.0f}–{most:.0f} s for {published.what} ({published.source}, {PUBLISHED_LABEL})"
    # A published time for a short clip says nothing about a long one.
    if seconds > _LONG:
        return f"; the cloud's own figure is {claim}"
    shares = f"{best.seconds / most:.2g} to {best.seconds / least:.2g}"
    return f", {shares} × the cloud's own figure of {claim}"
