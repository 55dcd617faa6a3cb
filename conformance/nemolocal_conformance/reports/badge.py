"""The report as a badge: a small SVG for a README."""

from html import escape

from ..verdicts import ConformanceReport

_GREEN, _AMBER, _RED = "#2e7d32", "#b26a00", "#c62828"
_LABEL, _LABEL_WIDTH, _CHARACTER, _PADDING = "NemoVideo contract", 126, 6.6, 14


def as_badge(report: ConformanceReport) -> str:
    """Return the badge: green if all passed, amber with warnings, red with failures."""
    not_evaluated = report.count("not applicable") + report.count("not judgeable")
    evaluated = len(report.verdicts) - not_evaluated
    text = f"{report.count('passed')} of {evaluated}"
    width = round(len(text) * _CHARACTER) + _PADDING
    total, middle = _LABEL_WIDTH + width, _LABEL_WIDTH + width / 2
    name = escape(f"{_LABEL}: {text}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" '
        f'aria-label="{name}"><title>{name}</title>'
        f'<rect width="{total}" height="20" rx="3" fill="#444"/>'
        f'<rect x="{_LABEL_WIDTH}" width="{width}" height="20" rx="3" fill="{_color(report)}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        f'text-anchor="middle"><text x="{_LABEL_WIDTH / 2:g}" y="14">{escape(_LABEL)}</text>'
        f'<text x="{middle:g}" y="14">{escape(text)}</text></g></svg>\n'
    )


def _color(report: ConformanceReport) -> str:
    if report.exit_code:
        return _RED
    return _AMBER if report.count("warning") or report.count("known") else _GREEN
