"""The report as one HTML file without external resources: charts, tables, worst frame."""

import base64
from collections.abc import Iterator, Sequence

from nemolocal_contract.html_page import render_page

from . import charts
from .charts import format_number
from .metrics import Score
from .report import BenchReport, Comparison, FigureChange, SourceInfo
from .target_quality import TargetSearchResult
from .variants import VariantResult

# The number of figures, which failed variants do not have.
_FIGURES = 7
_MEGA = 1e6


def as_html(report: BenchReport, changes: Sequence[FigureChange]) -> str:
    """Return the page."""
    return render_page(
        __package__,
        "report.html",
        clips=[_clip(comparison) for comparison in report.comparisons],
        changes=[
            (change.clip, change.name, change.what, _figured(change.before), _figured(change.after))
            for change in changes
        ],
        machine=_machine(report),
    )


def _clip(comparison: Comparison) -> dict[str, object]:
    """Return the values of a clip for the template."""
    shown = next((r for r in comparison.results if r.name == comparison.shown), None)
    return {
        "name": comparison.source.name,
        "verdict": comparison.verdict,
        "facts": _facts(comparison.source),
        "charts": _charts(comparison, shown) if shown else (),
        "shown": shown,
        "picture": base64.b64encode(shown.picture).decode() if shown else "",
        "costs": [_costs(result) for result in comparison.results],
        "scores": [row for result in comparison.results for row in _scores(result)],
        "found": comparison.found,
        "searched": list(_searched(comparison.found)) if comparison.found else (),
        "published": [
            (p.what, f"{p.least_seconds:.0f}–{p.most_seconds:.0f} s", p.label, p.source)
            for p in comparison.published
        ],
    }


def _facts(source: SourceInfo) -> str:
    return (
        f"{source.width}×{source.height}, {format_number(source.fps)} frames/s, "
        f"{source.frames} frames, {source.seconds:.2f} s, {source.size / _MEGA:.2f} MB; "
        f"against itself VMAF {source.self_score:.2f}"
    )


def _charts(comparison: Comparison, shown: VariantResult) -> list[tuple[str, str]]:
    """Return captions and SVG, whose texts are already escaped."""
    return [
        ("Quality over rate, savings as BD-rate", charts.rate_quality_chart(comparison)),
        ("Size of each file", charts.size_chart(comparison)),
        ("Time by stage", charts.time_chart(comparison)),
        ("Quality over speed, and the Pareto front", charts.speed_quality_chart(comparison)),
        (f"VMAF of each frame of {shown.name}", charts.frame_quality_chart(shown)),
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
        memory,
        f"{result.size / _MEGA:.3f}",
        f"{result.saved:.1f}",
        f"{result.bitrate / _MEGA:.3f}",
    ]


def _named(result: VariantResult) -> str:
    notes = [note for note in (result.note, _refusal(result)) if note]
    return f"{result.name} ({'; '.join(notes)})" if notes else result.name


def _refusal(result: VariantResult) -> str:
    return f"no score: {result.complaint}" if result.complaint else ""


def _scores(result: VariantResult) -> list[list[str]]:
    return [
        [result.name, score.name, score.model, str(score.height), _looked_at(score)]
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
        ("processor", f"{machine.processor}, {machine.cores} cores used"),
        ("memory", f"{machine.memory_bytes / 1e9:.1f} GB"),
        ("system", machine.system),
        ("versions", f"nemolocal {machine.nemolocal}, Python {machine.python}, {machine.ffmpeg}"),
        *((f"{name} does not work here", why) for name, why in report.missing.items()),
    ]
