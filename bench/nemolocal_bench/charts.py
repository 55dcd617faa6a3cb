"""The charts of a comparison as SVG; every figure in them is also in the JSON report.

Every series can be distinguished without colour.
"""

import math
from collections.abc import Iterable, Sequence

from nemolocal_contract.text_escaping import escape_markup

from .bd_rate import BdRateSaving
from .cloud import STAGES, PublishedTime
from .report import Comparison
from .variants import NOT_EXPORTED, VariantResult

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 44

# The page's style has a colour for each, one for light and one for dark.
STYLES = 8
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4", "1 2", "12 4", "6 2 2 2")
PATTERNS = 6
# Markers: circle, square, triangle, diamond, inverted triangle, hourglass.
_CORNERS = (
    (),
    ((-5, -5), (5, -5), (5, 5), (-5, 5)),
    ((0, -6), (6, 5), (-6, 5)),
    ((0, -6), (6, 0), (0, 6), (-6, 0)),
    ((0, 6), (6, -5), (-6, -5)),
    ((-5, -5), (5, -5), (-5, 5), (5, 5)),
)
_TICKS, _LEAST_TICKS = 5, 3

Point = tuple[float, float]
_ROW = 24.0
_NAMES = 190.0
_MEGA = 1e6
# The margin of an axis on both sides, as a part of it.
_ROOM = 0.06


class Axes:
    """Maps values to positions; `x_log` for rates and speeds."""

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        x_log: bool = False,
        x_room: float = _ROOM,
    ) -> None:
        self._x_log = x_log
        self._x = _widened(tuple(map(math.log10, x)) if x_log else x, x_room)
        self._y = _widened(y)

    def x(self, value: float) -> float:
        """Return the position of a value from the left, in pixels."""
        value = math.log10(value) if self._x_log else value
        part = (value - self._x[0]) / (self._x[1] - self._x[0])
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return the position of a value from the top, in pixels."""
        part = (value - self._y[0]) / (self._y[1] - self._y[0])
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

    def svg_parts(self, x_title: str, y_title: str) -> list[str]:
        """Return both axes with ticks, grid and titles."""
        parts = []
        for tick in _round_logs(self._x) if self._x_log else _round_values(self._x):
            value = 10**tick if self._x_log else tick
            parts.append(_line(self.x(value), TOP, self.x(value), HEIGHT - BOTTOM, "grid"))
            parts.append(_tick(self.x(value), HEIGHT - BOTTOM + 16, value, "middle"))
        for tick in _round_values(self._y):
            parts.append(_line(LEFT, self.y(tick), WIDTH - RIGHT, self.y(tick), "grid"))
            parts.append(_tick(LEFT - 6, self.y(tick) + 4, tick, "end"))
        parts.append(text((LEFT + WIDTH) / 2, HEIGHT - 8, x_title, "middle"))
        turned = f'transform="rotate(-90 14 {HEIGHT / 2:.0f})"'
        parts.append(text(14, HEIGHT / 2, y_title, "middle", turned))
        return parts


def svg_document(title: str, parts: Iterable[str], height: float = HEIGHT, more: str = "") -> str:
    """Return the complete drawing; a screen reader reads its title."""
    size = f'viewBox="0 0 {WIDTH} {height:.0f}"'
    head = f'<svg {size} role="img" {more} xmlns="http://www.w3.org/2000/svg">'
    return f"{head}<title>{escape_markup(title)}</title>{pattern_defs()}{''.join(parts)}</svg>"


def text(x: float, y: float, text: str, anchor: str = "start", more: str = "") -> str:
    """Return a text at a position."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape_markup(text)}</text>'
    )


def _tick(x: float, y: float, value: float, anchor: str) -> str:
    return text(x, y, format_number(value), anchor, 'class="tick"')


def polyline(points: Sequence[Point], style: int, more: str = "") -> str:
    """Return a line through points, in the dashes and the colour of a style."""
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = DASHES[style % len(DASHES)]
    look = f'class="line s{style % STYLES}" stroke-dasharray="{dashes}"'
    return f'<polyline points="{way}" {look} {more}/>'


def marker(x: float, y: float, style: int) -> str:
    """Return the marker of a style: six shapes, filled and then hollow."""
    filled = "full" if style % (2 * len(_CORNERS)) < len(_CORNERS) else "hollow"
    look = f'class="mark {filled} s{style % STYLES}"'
    corners = _CORNERS[style % len(_CORNERS)]
    if not corners:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" {look}/>'
    way = " ".join(f"{x + across:.1f},{y + down:.1f}" for across, down in corners)
    return f'<polygon points="{way}" {look}/>'


def bar(x: float, y: float, width: float, height: float, style: int | None) -> str:
    """Return a bar in the pattern of a style, with an outline; plain for None."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}"'
    look = 'class="bar"' if style is None else f'class="bar" fill="url(#p{style % PATTERNS})"'
    return f"<rect {place} {look}/>"


def level_line(axes: Axes, value: float, words: str, style: int, *, below: bool = False) -> str:
    """Return a horizontal line across the whole drawing, with its name above or below it."""
    y = axes.y(value)
    line = polyline([(LEFT, y), (WIDTH - RIGHT, y)], style)
    # An outline in the colour of the ground keeps the name readable on lines.
    return line + text(WIDTH - RIGHT - 4, y + (13 if below else -4), words, "end", 'class="rim"')


def pattern_defs() -> str:
    """Return the fill patterns of bars."""
    shapes = (
        '<rect width="8" height="8" class="ink s{0}"/>',
        '<path d="M0,8 L8,0" class="stripe s{0}"/>',
        '<circle cx="4" cy="4" r="2" class="ink s{0}"/>',
        '<path d="M0,4 L8,4" class="stripe s{0}"/>',
        '<path d="M0,0 L8,8 M0,8 L8,0" class="stripe s{0}"/>',
        '<path d="M4,0 L4,8" class="stripe s{0}"/>',
    )
    made = [
        f'<pattern id="p{n}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" class="ground"/>{shape.format(n)}</pattern>'
        for n, shape in enumerate(shapes)
    ]
    return f"<defs>{''.join(made)}</defs>"


def format_number(value: float) -> str:
    """Format a number as short as possible."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line class="{kind}" {ends}/>'


def _widened(ends: tuple[float, ...], part: float = _ROOM) -> tuple[float, float]:
    """Return the ends with a margin, also if they are equal."""
    least, most = ends
    if most > least and not part:
        return least, most
    room = (most - least) * part or max(abs(least) * 0.05, 0.5)
    return least - room, most + room


def _round_values(ends: tuple[float, float]) -> list[float]:
    """Return values between the ends in steps of 1, 2 or 5 times a power of ten."""
    rough = (ends[1] - ends[0]) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(ends[0] / step)
    return [n * step for n in range(first, math.floor(ends[1] / step) + 1)]


def _round_logs(ends: tuple[float, float]) -> list[float]:
    """Return the logarithms of 1, 2 and 5 times the powers of ten between the ends.

    If there are fewer than three, those of round values.
    """
    powers = range(math.floor(ends[0]), math.floor(ends[1]) + 1)
    logs = [power + math.log10(factor) for power in powers for factor in (1, 2, 5)]
    between = [log for log in logs if ends[0] <= log <= ends[1]]
    if len(between) >= _LEAST_TICKS:
        return between
    return [math.log10(value) for value in _round_values((10 ** ends[0], 10 ** ends[1])) if value]


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
    return svg_document("Quality over rate", *with_legend(parts, legend))


def size_chart(comparison: Comparison) -> str:
    """The size of each result beside the source's, with the saving."""
    source = comparison.source
    styles = _curves(_scored(comparison.results))
    shown = [result for result in comparison.results if result.curve in styles]
    rows: list[tuple[str, int, str, int | None]] = [("source", source.size, "", None)]
    rows += [(_starred(r), r.size, f", {saving_text(r)}", styles.index(r.curve)) for r in shown]
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


def saving_text(result: VariantResult) -> str:
    """Return how much smaller than the source a file is, or how much larger."""
    if result.saved < 0:
        return f"{-result.saved:.1f} % larger"
    return f"{result.saved:.1f} % saved"


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
    return svg_document("Seconds", *with_legend(parts, stages, (len(timed) + 2) * _ROW, bars=True))


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
    return svg_document("Quality over speed", *with_legend(parts, legend))


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


def with_legend(
    parts: list[str],
    names: Sequence[str],
    top: float = 320.0,
    *,
    bars: bool = False,
    lines: bool = False,
) -> tuple[list[str], float]:
    """Return the parts with a legend line for each name below them, and the total height."""
    made, y = list(parts), top + 18
    for style, name in enumerate(names):
        sign = bar(LEFT, y - 10, 18, 12, style) if bars else marker(LEFT + 9, y - 4, style)
        if lines:
            sign = polyline([(LEFT - 8, y - 4), (LEFT + 20, y - 4)], style)
        made += [sign, text(LEFT + 26, y, name)]
        y += 18
    return made, y
