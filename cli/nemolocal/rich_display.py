"""Spinners and progress bars in a terminal, with rich."""

import sys

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn

from nemolocal_client import Notice, NoticeKind
from nemolocal_contract.draft import Draft
from nemolocal_contract.text_escaping import escape_controls

from .progress_display import notice_text
from .safe_output import unwrap_stream
from .timeline_view import format_timeline

# Colours by the labels of tracks in the summary of a timeline (STA-5).
_COLOURS = {"Video": "cyan", "BGM": "green", "Title": "magenta"}
_LINES: tuple[NoticeKind, ...] = ("working", "waiting", "renamed", "saving")


class TerminalDisplay:
    """One spinner or bar at a time, removed when done."""

    def __init__(
        self,
        *,
        results: bool = True,
        console: Console | None = None,
        picture: Console | None = None,
    ) -> None:
        self._results = results
        self._console = console or Console(file=unwrap_stream(sys.stderr))
        self._timeline_console = picture or Console(file=unwrap_stream(sys.stdout))
        self._bars: Progress | None = None
        self._kind: NoticeKind | None = None
        self._task = TaskID(0)

    def show_notice(self, notice: Notice) -> None:
        """Show a bar if there is progress, a spinner if not, and a line for other notices."""
        if notice.kind in _LINES:
            self._console.print(escape_controls(notice_text(notice)), markup=False, highlight=False)
            return
        bars = self._bars
        if bars is None or notice.kind != self._kind:
            bars = self._start(notice)
        done = None if notice.progress is None else notice.progress * 100
        bars.update(self._task, description=escape_controls(notice.text), completed=done)

    def show_line(self, text: str) -> None:
        """Print a result, after removing the bar so that it is not in between."""
        self.close()
        if self._results:
            for line in self._folded(escape_controls(text)):
                print(line)

    def _folded(self, text: str) -> list[str]:
        """Wrap the text if stdout is a terminal."""
        screen = self._timeline_console
        if not screen.is_terminal:
            return [text]
        return [line for part in text.split("\n") for line in folded(part, screen.width)]

    def show_timeline(self, draft: Draft) -> None:
        """Print the timeline, each track in the colour of its kind."""
        self.close()
        for line in format_timeline(draft, self._timeline_console.width):
            colour = next((_COLOURS[kind] for kind in _COLOURS if line.startswith(kind)), "")
            self._timeline_console.print(
                escape_controls(line), style=colour, markup=False, highlight=False, soft_wrap=True
            )

    def close(self) -> None:
        """Remove the bar from the screen."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = None

    def _start(self, notice: Notice) -> Progress:
        self.close()
        columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
        if notice.progress is not None:
            columns += [BarColumn(), TaskProgressColumn()]
        bars = Progress(
            *columns,
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._kind = notice.kind
        total = None if notice.progress is None else 100
        self._task = bars.add_task(escape_controls(notice.text), total=total)
        bars.start()
        self._bars = bars
        return bars


def folded(text: str, width: int) -> list[str]:
    """Wrap a line between words; a long URL or path is not split."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and cell_len(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [line.rstrip() for line in lines]
