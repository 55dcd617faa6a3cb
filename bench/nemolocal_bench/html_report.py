"""The report as one HTML file without external resources: charts, tables, frames."""

from collections.abc import Iterator

from nemolocal_contract.html_page import render_document
from nemolocal_contract.plurals import pluralize

from . import charts
from .charts import format_number, saving_text
from .frame_chart import frame_chart, frame_series
from .frame_pictures import PAGE_BYTES, SOURCE
from .headline import describe_samples
from .metrics import Score
from .moments import Moment
from .report import BenchReport, Comparison, SourceInfo
from .report_changes import ReportChanges
from .sampling import count_frames
from .target_quality import TargetSearchResult
from .variants import VariantResult

# The number of figures, which failed variants do not have.
_FIGURES = 8
_MEGA = 1e6


def as_html(report: BenchReport, changes: ReportChanges) -> str:
    """Return the page."""
    values = {
        "clips": [_clip(comparison) for comparison in report.comparisons],
        "changes": changes if changes.figures or changes.remarks else None,
        "changed": [
            (change.clip, change.name, change.what, _figured(change.before), _figured(change.after))
            for change in changes.figures
        ],
        "machine": _machine(report),
    }
    return render_document(__package__, "report.html", values, script="frame_viewer.js")


def _clip(comparison: Comparison) -> dict[str, object]:
    """Return the values of a clip for the template."""
    shown = next((r for r in comparison.results if r.name == comparison.shown), None)
    pictured = _pictured(comparison.moments)
    drawn = shown is not None and any(r.vmaf_frames for r in comparison.results)
    return {
        "name": comparison.source.name,
        "verdict": comparison.verdict,
        "facts": _facts(comparison.source),
        "sampling": _sampling(comparison),
        "charts": _charts(comparison) if shown else (),
        "frame_chart": frame_chart(comparison) if drawn else "",
        "shown": shown,
        "moments": comparison.moments,
        "pictured": pictured if drawn else [],
        "right": comparison.shown if comparison.shown in pictured else "".join(pictured[-1:]),
        "picture_facts": _picture_facts(comparison, pictured),
        "series": frame_series(comparison) if pictured else {},
        "costs": [_costs(result) for result in comparison.results],
        "scores": [row for result in comparison.results for row in _scores(result)],
        "sample_line": comparison.sample_line,
        "lines": [
            (result.name, result.encode_line, result.measure_line)
            for result in comparison.results
            if result.measure_line
        ],
        "found": comparison.found,
        "searched": list(_searched(comparison.found)) if comparison.found else (),
        "published": [
            (p.what, f"{p.least_seconds:.0f}–{p.most_seconds:.0f} s", p.label, p.source)
            for p in comparison.published
        ],
    }


def _pictured(moments: tuple[Moment, ...]) -> list[str]:
    """Return the names of what all moments have pictures of."""
    if not moments or not all(moment.pictures for moment in moments):
        return []
    return [picture.name for picture in moments[0].pictures]


def _sampling(comparison: Comparison) -> str:
    if not comparison.spans:
        return ""
    samples, frames = pluralize(len(comparison.spans), "sample"), count_frames(comparison.spans)
    sentence = (
        f"Measured on {samples} ({frames} of {comparison.source.frames} frames); sizes and "
        "times of sampled encodes are scaled up."
    )
    whole = [r.name for r in comparison.results if r.scores and not r.sampled]
    if not whole:
        return sentence
    return (
        f"{sentence} Measured as a whole: {', '.join(whole)}; the sizes of the others are "
        "corrected by the error of the samples of the recommended encode."
    )


def _picture_facts(comparison: Comparison, pictured: list[str]) -> str:
    if not pictured:
        return ""
    source = comparison.source
    cropped = [
        m for m in comparison.moments if (m.width, m.height) != (source.width, source.height)
    ]
    facts = [
        "Pictures are WebP at native resolution, quality "
        + ", ".join(str(m.quality) for m in comparison.moments)
        + f" for moments 1 to {len(comparison.moments)}, at most {PAGE_BYTES / _MEGA:.0f} MB for "
        "each clip."
    ]
    if cropped:
        parts = ", ".join(f"{m.width}×{m.height} at {m.left},{m.top}" for m in cropped)
        facts.append(f"Only the part of the frame with the most differences is shown: {parts}.")
    if comparison.spans:
        facts.append("Local encodes are shown as encoded in the samples.")
    resized = [
        f"{r.name} ({r.width}×{r.height})"
        for r in comparison.results
        if r.name in pictured and r.where == "cloud" and r.height != source.height
    ]
    if resized:
        facts.append(f"Scaled to the size of the source: {', '.join(resized)}.")
    left_out = [r.name for r in comparison.results if r.scores and r.name not in pictured]
    if left_out:
        facts.append(f"Without pictures: {', '.join(left_out)}.")
    assert pictured[0] == SOURCE
    return " ".join(facts)


def _facts(source: SourceInfo) -> str:
    return (
        f"{source.width}×{source.height}, {format_number(source.fps)} frames/s, "
        f"{source.frames} frames, {source.seconds:.2f} s, {source.size / _MEGA:.2f} MB; "
        f"against itself VMAF {source.self_score:.2f}"
    )


def _charts(comparison: Comparison) -> list[tuple[str, str]]:
    """Return captions and SVG, whose texts are already escaped."""
    savings = any(saving.percent is not None for saving in comparison.savings)
    rate = "Quality over rate, savings as BD-rate" if savings else "Quality over rate"
    return [
        (rate, charts.rate_quality_chart(comparison)),
        ("Size of each file", charts.size_chart(comparison)),
        ("Time by stage", charts.time_chart(comparison)),
        ("Quality over speed, and the Pareto front", charts.speed_quality_chart(comparison)),
    ]


def _costs(result: VariantResult) -> list[str]:
    if not result.size:
        return [_named(result), *[""] * _FIGURES]
    memory = "" if result.memory_bytes is None else f"{result.memory_bytes / _MEGA:.0f}"
    return [
        _named(result),
        f"{result.seconds:.2f}",
        f"{result.speed:.2f}",
        "" if result.cpu_seconds is None else f"{result.cpu_seconds:.2f}",
        "" if result.load is None else f"{result.load:.1f}",
        memory,
        f"{result.size / _MEGA:.3f}",
        saving_text(result),
        f"{result.bitrate / _MEGA:.3f}",
    ]


def _named(result: VariantResult) -> str:
    sampled = describe_samples(result) if result.sampled else ""
    notes = [note for note in (result.note, sampled, _refusal(result)) if note]
    return f"{result.name} ({'; '.join(notes)})" if notes else result.name


def _refusal(result: VariantResult) -> str:
    return f"no score: {result.complaint}" if result.complaint else ""


def _scores(result: VariantResult) -> list[list[str]]:
    return [
        [
            _named(result),
            score.name,
            score.model,
            str(score.height),
            _looked_at(score),
            # A pair that matches better when shifted gets no score.
            "0",
        ]
        + [
            f"{value:.3f}"
            for value in (score.mean, score.harmonic_mean, score.p1, score.p5, score.min)
        ]
        for score in result.scores
    ]


def _looked_at(score: Score) -> str:
    return "all" if score.every == 1 else f"one in {score.every}"


def _searched(found: TargetSearchResult) -> Iterator[tuple[str, str, str]]:
    for what, tries in (("probe", found.probes), ("whole", found.wholes)):
        for each in tries:
            yield what, f"{each.crf:g}", f"{each.vmaf:.3f}"


def _figured(value: float) -> str:
    """Format a figure; bytes are whole numbers."""
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _machine(report: BenchReport) -> list[tuple[str, str]]:
    machine = report.machine
    return [
        ("processor", f"{machine.processor}, {pluralize(machine.cores, 'core')} used"),
        ("memory", f"{machine.memory_bytes / 1e9:.1f} GB"),
        ("system", machine.system),
        ("versions", f"nemolocal {machine.nemolocal}, Python {machine.python}, {machine.ffmpeg}"),
        *((f"{name} does not work here", why) for name, why in report.missing.items()),
    ]
