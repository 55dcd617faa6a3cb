"""Shows progress: as lines, or as bars in a terminal.

Progress goes to stderr, results to stdout.
"""

import contextlib
import sys
from collections.abc import Iterator
from typing import Protocol

from nemolocal_client import Notice, NoticeKind
from nemolocal_contract.describe import describe_timeline
from nemolocal_contract.draft import Draft
from nemolocal_contract.text_escaping import escape_controls

# A plain log gets a line for each quarter, not for each block.
_STEPS = 4


def notice_text(notice: Notice) -> str:
    """Return a notice as text, with the option that helps if there is one."""
    if notice.kind == "renamed":
        return f"{notice.text} (--overwrite replaces the existing file)"
    return notice.text


class Display(Protocol):
    """Shows notices and results."""

    def show_notice(self, notice: Notice) -> None:
        """Show what goes on."""

    def show_line(self, text: str) -> None:
        """Show a result."""

    def show_timeline(self, draft: Draft) -> None:
        """Show the timeline."""

    def close(self) -> None:
        """Remove the progress display."""


class PlainDisplay:
    """Prints a line for the start and each quarter of an operation."""

    def __init__(self, *, results: bool = True) -> None:
        self._results = results
        self._kind: NoticeKind | None = None
        self._quarter = 0

    def show_notice(self, notice: Notice) -> None:
        quarter = int((notice.progress or 0) * _STEPS)
        if notice.kind != self._kind or quarter != self._quarter or notice.progress is None:
            percent = "" if notice.progress is None else f" {notice.progress:.0%}"
            print(escape_controls(f"{notice_text(notice)}{percent}"), file=sys.stderr)
        self._kind, self._quarter = notice.kind, quarter

    def show_line(self, text: str) -> None:
        if self._results:
            print(escape_controls(text))

    def show_timeline(self, draft: Draft) -> None:
        self.show_line(describe_timeline(draft))

    def close(self) -> None:
        self._kind = None


@contextlib.contextmanager
def open_display(*, results: bool = True) -> Iterator[Display]:
    """Open the display that fits stderr; without `results`, it shows only progress."""
    display: Display = PlainDisplay(results=results)
    if sys.stderr.isatty():
        # rich is slow to import.
        from .rich_display import TerminalDisplay

        display = TerminalDisplay(results=results)
    try:
        yield display
    finally:
        display.close()
