"""The report formats, one pure function for each."""

from .badge import as_badge
from .html import as_html
from .json import as_json
from .junit import as_junit
from .markdown import as_markdown

__all__ = ["REPORT_FORMATS", "as_badge", "as_html", "as_json", "as_junit", "as_markdown"]

REPORT_FORMATS = {
    "report.json": as_json,
    "junit.xml": as_junit,
    "report.html": as_html,
    "summary.md": as_markdown,
    "badge.svg": as_badge,
}
"""What `--report DIR` writes: file name and form."""
