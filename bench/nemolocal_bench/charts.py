"""The charts of a comparison; every figure in them is also in the JSON report."""

from collections.abc import Sequence

from .bd_rate import BdRateSaving
from .cloud import STAGES, PublishedTime
from .metrics import VMAF
from .report import Comparison
from .svg import (
    LEFT,
    RIGHT,
    WIDTH,
    Axes,
    bar,
    level_line,
    marker,
    polyline,
    svg_document,
    text,
)
from .variants import NOT_EXPORTED, VariantResult

_ROW = 24.0
_NAMES = 190.0
_MEGA = 1e6


def rate_quality_chart(comparison: Comparison) -> str:
    """VMAF over bit rate: a curve for each encoder and preset, with its BD-rate in the legend."""
    scored = _scored(comparison.results)
    axes = _axes([(result.bitrate / _MEGA, vmaf) for result, vmaf in scored])
    parts = axes.svg_parts("Mb/s (log)", "mean VMAF")
    legend = []
    for style, name in enumerate(_curves(scored)):
        points = sorted(
            (axes.x(result.bitrate / _MEGA), axes.y(vmaf))
            for result, vmaf in scored
            if result.curve == name
        )
        parts.append(polyline(points, style))
        parts += [marker(x, y, style) for x, y in points]
        legend.append(_label(name, scored) + _saving(name, comparison.savings))
    return svg_document("Quality over rate", *_with_legend(parts, legend))


def size_chart(comparison: Comparison) -> str:
    """The size of each result beside the source's, with the saving."""
    source = comparison.source
    styles = _curves(_scored(comparison.results))
    shown = [result for result in comparison.results if result.curve in styles]
    rows: list[tuple[str, int, str, int | None]] = [("source", source.size, "", None)]
    rows += [
        (_starred(r), r.size, f", {r.saved:.1f} % saved", styles.index(r.curve)) for r in shown
    ]
    most = max(size for _, size, _, _ in rows)
    room = WIDTH - _NAMES - 170
    parts = []
    for place, (name, size, saved, style) in enumerate(rows):
        y = place * _ROW
        width = room * size / most
        parts.append(text(_NAMES - 6, y + 16, name, "end"))
        parts.append(bar(_NAMES, y + 3, width, _ROW - 7, style))
        parts.append(text(_NAMES + width + 5, y + 16, f"{size / _MEGA:.2f} MB{saved}"))
    parts.append(_footnote(shown, len(rows) * _ROW))
    return svg_document("Sizes", parts, (len(rows) + 1) * _ROW)


def time_chart(comparison: Comparison) -> str:
    """The time of each result by stage, and the times that the cloud publishes."""
    timed = [result for result in comparison.results if result.stages]
    most = max(
        [result.seconds for result in timed] + [p.most_seconds for p in comparison.published]
    )
    stages = [
        stage for stage in ("encode", *STAGES) if any(result.stages.get(stage) for result in timed)
    ]
    room = WIDTH - _NAMES - 70
    parts = []
    for place, result in enumerate(timed):
        x, y = _NAMES, place * _ROW
        parts.append(text(x - 6, y + 16, _starred(result), "end"))
        for style, stage in enumerate(stages):
            width = room * result.stages.get(stage, 0.0) / most
            if width:
                parts.append(bar(x, y + 3, width, _ROW - 7, style))
                x += width
        parts.append(text(x + 5, y + 16, f"{result.seconds:.1f} s"))
    parts += _published_row(comparison.published[0], len(timed) * _ROW, room / most)
    parts.append(_footnote(timed, (len(timed) + 1) * _ROW + 6))
    return svg_document("Seconds", *_with_legend(parts, stages, (len(timed) + 2) * _ROW, bars=True))


def _published_row(published: PublishedTime, y: float, scale: float) -> list[str]:
    """A published range of times, as a line from the shortest to the longest."""
    least, most = published.least_seconds, published.most_seconds
    ends = [(_NAMES + scale * least, y + 11), (_NAMES + scale * most, y + 11)]
    words = f"{published.label}: {least:.0f}–{most:.0f} s for {published.what} ({published.source})"
    return [
        text(_NAMES - 6, y + 16, "cloud", "end"),
        polyline(ends, 1),
        *(marker(x, place, 3) for x, place in ends),
        text(WIDTH - RIGHT, y + 30, words, "end"),
    ]


def frame_quality_chart(result: VariantResult) -> str:
    """VMAF of each frame, with lines at the 1st and the 5th percentile."""
    score = next(score for score in result.scores if score.name == VMAF)
    frames = result.vmaf_frames
    axes = Axes((0, len(frames) - 1), (score.min, max(frames)))
    parts = axes.svg_parts(f"frame of {result.name}", "VMAF")
    parts.append(polyline([(axes.x(n), axes.y(vmaf)) for n, vmaf in enumerate(frames)], 0))
    parts.append(level_line(axes, score.p1, f"p1 {score.p1:.2f}", 1, below=True))
    parts.append(level_line(axes, score.p5, f"p5 {score.p5:.2f}", 2))
    return svg_document("Quality of each frame", parts)


def speed_quality_chart(comparison: Comparison) -> str:
    """VMAF over speed; the line joins the Pareto front."""
    scored = _scored(comparison.results)
    axes = _axes([(result.speed, vmaf) for result, vmaf in scored])
    parts = axes.svg_parts("× real time (log)", "mean VMAF")
    front, best = [], 0.0
    for result, vmaf in sorted(scored, key=lambda pair: (-pair[0].speed, -pair[1])):
        if vmaf > best:
            best = vmaf
            front.append((axes.x(result.speed), axes.y(vmaf)))
    parts.append(polyline(front, 5))
    names = _curves(scored)
    for result, vmaf in scored:
        parts.append(marker(axes.x(result.speed), axes.y(vmaf), names.index(result.curve)))
    legend = [_label(name, scored) for name in names]
    return svg_document("Quality over speed", *_with_legend(parts, legend))


def _scored(results: Sequence[VariantResult]) -> list[tuple[VariantResult, float]]:
    return [(result, result.vmaf) for result in results if result.vmaf is not None]


def _curves(scored: Sequence[tuple[VariantResult, float]]) -> list[str]:
    return list(dict.fromkeys(result.curve for result, _ in scored))


def _label(name: str, scored: Sequence[tuple[VariantResult, float]]) -> str:
    """The name of a curve, with its note."""
    note = next(result.note for result, _ in scored if result.curve == name)
    return f"{name} ({note})" if note else name


def _starred(result: VariantResult) -> str:
    return f"{result.name} *" if result.note else result.name


def _footnote(results: Sequence[VariantResult], y: float) -> str:
    if not any(result.note for result in results):
        return ""
    return text(LEFT, y + 16, f"* {NOT_EXPORTED}, or not the cloud: the table says which")


def _saving(name: str, savings: Sequence[BdRateSaving]) -> str:
    for saving in savings:
        if saving.curve == name and saving.percent is not None:
            return f": BD-rate {saving.percent:+.1f} % against {saving.anchor}"
        if saving.curve == name:
            return f": no BD-rate, {saving.complaint}"
    return " (anchor)" if any(saving.anchor == name for saving in savings) else ""


def _axes(points: Sequence[tuple[float, float]]) -> Axes:
    across, up = zip(*points, strict=True)
    return Axes((min(across), max(across)), (min(up), max(up)), x_log=True)


def _with_legend(
    parts: list[str], names: Sequence[str], top: float = 320.0, *, bars: bool = False
) -> tuple[list[str], float]:
    """Return the parts with a legend line for each name below them, and the total height."""
    made, y = list(parts), top + 18
    for style, name in enumerate(names):
        sign = bar(LEFT, y - 10, 18, 12, style) if bars else marker(LEFT + 9, y - 4, style)
        made += [sign, text(LEFT + 26, y, name)]
        y += 18
    return made, y
