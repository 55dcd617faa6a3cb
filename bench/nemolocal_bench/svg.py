"""Draws charts as plain SVG: axes, lines with markers, bars with patterns.

Every series is told apart without colour.
"""

import math
from collections.abc import Iterable, Sequence

from nemolocal_contract.text_escaping import escape_markup

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 44

# Okabe and Ito's colours, which colour-blind people can tell apart; dark enough for print.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#a0527f", "#7a6a00", "#3b3b3b", "#56b4e9", "#e69f00")
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


class Axes:
    """Maps values to positions; `x_log` for rates and speeds."""

    def __init__(
        self, x: tuple[float, float], y: tuple[float, float], *, x_log: bool = False
    ) -> None:
        self._x_log = x_log
        self._x = _widened(tuple(map(math.log10, x)) if x_log else x)
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


def svg_document(title: str, parts: Iterable[str], height: float = HEIGHT) -> str:
    """Return the complete drawing; a screen reader reads its title."""
    head = f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" xmlns="http://www.w3.org/2000/svg">'
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
    stroke = f'stroke="{COLORS[style % len(COLORS)]}" stroke-dasharray="{dashes}"'
    return f'<polyline points="{way}" fill="none" stroke-width="1.6" {stroke} {more}/>'


def marker(x: float, y: float, style: int) -> str:
    """Return the marker of a style: six shapes, filled and then hollow."""
    color = COLORS[style % len(COLORS)]
    fill = color if style % (2 * len(_CORNERS)) < len(_CORNERS) else "#fff"
    look = f'fill="{fill}" stroke="{color}" stroke-width="1.6"'
    corners = _CORNERS[style % len(_CORNERS)]
    if not corners:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" {look}/>'
    way = " ".join(f"{x + across:.1f},{y + down:.1f}" for across, down in corners)
    return f'<polygon points="{way}" {look}/>'


def bar(x: float, y: float, width: float, height: float, style: int | None) -> str:
    """Return a bar in the pattern of a style, with an outline; plain for None."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}"'
    fill = "#ddd" if style is None else f"url(#p{style % PATTERNS})"
    return f'<rect {place} fill="{fill}" stroke="#222"/>'


def level_line(axes: Axes, value: float, words: str, style: int, *, below: bool = False) -> str:
    """Return a horizontal line across the whole drawing, with its name above or below it."""
    y = axes.y(value)
    line = polyline([(LEFT, y), (WIDTH - RIGHT, y)], style)
    # A white outline keeps the name readable on lines.
    rim = 'stroke="#fff" stroke-width="4" paint-order="stroke"'
    return line + text(WIDTH - RIGHT - 4, y + (13 if below else -4), words, "end", rim)


def pattern_defs() -> str:
    """Return the fill patterns of bars."""
    shapes = (
        '<rect width="8" height="8" fill="{0}"/>',
        '<path d="M0,8 L8,0" stroke="{0}" stroke-width="2.5"/>',
        '<circle cx="4" cy="4" r="2" fill="{0}"/>',
        '<path d="M0,4 L8,4" stroke="{0}" stroke-width="2.5"/>',
        '<path d="M0,0 L8,8 M0,8 L8,0" stroke="{0}" stroke-width="1.5"/>',
        '<path d="M4,0 L4,8" stroke="{0}" stroke-width="2.5"/>',
    )
    made = [
        f'<pattern id="p{n}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" fill="#fff"/>{shape.format(COLORS[n])}</pattern>'
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
    return f'<line class="{kind}" {ends} stroke="#ccc"/>'


def _widened(ends: tuple[float, ...]) -> tuple[float, float]:
    """Return the ends with a margin, also if they are equal."""
    least, most = ends
    room = (most - least) * 0.06 or max(abs(least) * 0.05, 0.5)
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
