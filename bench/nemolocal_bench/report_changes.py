"""What changed between two reports, and why some results have nothing to be compared with."""

from collections.abc import Iterator

import msgspec

from .report import BenchReport, Comparison
from .variants import VariantResult

# Smaller differences of VMAF do not show in the figures.
_LEAST_VMAF = 0.001


class FigureChange(msgspec.Struct, frozen=True):
    """A figure of a clip's result that differs in the old and in the new report."""

    clip: str
    name: str
    what: str
    before: float
    after: float


class ReportChanges(msgspec.Struct, frozen=True):
    """The figures that changed, and remarks: what was not compared and why, one line each."""

    figures: tuple[FigureChange, ...] = ()
    remarks: tuple[str, ...] = ()


def diff_reports(old: BenchReport, new: BenchReport) -> ReportChanges:
    """Compare seconds, bytes and VMAF of results in both reports, of clips with equal content."""
    before = {comparison.source.digest: comparison for comparison in old.comparisons}
    figures: list[FigureChange] = []
    remarks = list(_differing_settings(old, new))
    compared = 0
    for comparison in new.comparisons:
        known = before.get(comparison.source.digest)
        if known is None:
            remarks.append(_unknown_clip(comparison, old))
            continue
        pairs = _pairs(known, comparison)
        compared += len(pairs)
        remarks += _unpaired(known, comparison)
        for earlier, later in pairs:
            figures += _between(comparison.source.name, earlier, later)
    if not compared:
        remarks.append("the reports have no result in common")
    elif not figures:
        remarks.append(f"none of the {compared} results in both reports changed")
    return ReportChanges(tuple(figures), tuple(remarks))


def _differing_settings(old: BenchReport, new: BenchReport) -> Iterator[str]:
    for what, before, after in (
        ("ladder", old.ladder, new.ladder),
        ("target VMAF", f"{old.target:g}", f"{new.target:g}"),
        ("processor", old.machine.processor, new.machine.processor),
        ("number of cores", str(old.machine.cores), str(new.machine.cores)),
        ("FFmpeg", old.machine.ffmpeg, new.machine.ffmpeg),
    ):
        if before != after:
            yield f"the {what} differs: {before} before, {after} now"


def _unknown_clip(comparison: Comparison, old: BenchReport) -> str:
    name = comparison.source.name
    names = [each.source.name for each in old.comparisons]
    if name in names:
        return f"{name} is another file than in the earlier report: its content differs"
    return f"{name} is not in the earlier report, which has {', '.join(names) or 'no clip'}"


def _pairs(old: Comparison, new: Comparison) -> list[tuple[VariantResult, VariantResult]]:
    """Return the results of equal names and of equal kind: samples or the whole clip."""
    known = {result.name: result for result in old.results}
    return [
        (known[result.name], result)
        for result in new.results
        if result.name in known and _basis(old, known[result.name]) == _basis(new, result)
    ]


def _basis(comparison: Comparison, result: VariantResult) -> object:
    return comparison.spans if result.sampled else ()


def _unpaired(old: Comparison, new: Comparison) -> Iterator[str]:
    """Say which results only one report has, and which were measured on other frames."""
    clip = new.source.name
    before = {result.name: result for result in old.results}
    after = {result.name: result for result in new.results}
    for text, names in (
        ("only in the earlier report", [name for name in before if name not in after]),
        ("only in the new report", [name for name in after if name not in before]),
        (
            "measured on other frames (--samples)",
            [
                name
                for name in after
                if name in before and _basis(old, before[name]) != _basis(new, after[name])
            ],
        ),
    ):
        if names:
            yield f"{clip}, {text}: {', '.join(names)}"


def _between(clip: str, old: VariantResult, new: VariantResult) -> Iterator[FigureChange]:
    if old.seconds and new.seconds and old.seconds != new.seconds:
        yield FigureChange(clip, new.name, "seconds", old.seconds, new.seconds)
    if old.size and new.size and old.size != new.size:
        yield FigureChange(clip, new.name, "bytes", old.size, new.size)
    if old.vmaf is not None and new.vmaf is not None and abs(old.vmaf - new.vmaf) >= _LEAST_VMAF:
        yield FigureChange(clip, new.name, "mean VMAF", old.vmaf, new.vmaf)
