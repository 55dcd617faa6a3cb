"""Spinners and bars where there is a terminal."""

import io
import sys

import pytest
from rich.cells import cell_len
from rich.console import Console

from nemolocal.progress_display import PlainDisplay, open_display
from nemolocal.rich_display import TerminalDisplay
from nemolocal_client import Notice
from nemolocal_contract.draft import draft_from_wire


@pytest.fixture
def screen() -> io.StringIO:
    """What the terminal shows."""
    return io.StringIO()


@pytest.fixture
def display(screen: io.StringIO) -> TerminalDisplay:
    """A display on a terminal of 80 columns."""
    return TerminalDisplay(console=Console(file=screen, force_terminal=True, width=80))


def test_spinner_then_bar_then_result(
    display: TerminalDisplay, screen: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    display.show_notice(Notice("connecting", "Connecting…"))
    display.show_notice(Notice("render", "Rendering", 0.0))
    display.show_notice(Notice("render", "Rendering", 0.5))
    display.show_line("[done] file.mp4")
    assert "Connecting…" in screen.getvalue()
    assert "50%" in screen.getvalue()
    assert "━" in screen.getvalue()
    # Results are for stdout, as they are.
    assert capsys.readouterr().out == "[done] file.mp4\n"


@pytest.mark.parametrize("width", [20, 40])
def test_results_are_broken_between_words_and_never_within_a_link(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    link = f"http://127.0.0.1:8787/{'x' * 60}"
    text = f"[Done]! I kept the first 10 s of it.\n\nProject {link} 视频视频视频视频 视频视频视频"
    picture = Console(file=io.StringIO(), force_terminal=True, width=width)
    TerminalDisplay(picture=picture).show_line(text)
    lines = capsys.readouterr().out.splitlines()
    assert " ".join(" ".join(lines).split()) == " ".join(text.split())
    assert link in lines
    assert all(cell_len(line) <= width for line in lines if line != link)


def test_still_working_is_a_line_that_stays(display: TerminalDisplay, screen: io.StringIO) -> None:
    display.show_notice(Notice("working", "⏳ Still [working]..."))
    assert screen.getvalue() == "⏳ Still [working]...\n"
    display.close()


def test_results_can_be_left_out(screen: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    TerminalDisplay(results=False, console=Console(file=screen)).show_line("x")
    PlainDisplay(results=False).show_line("x")
    assert capsys.readouterr().out == ""


def test_terminal_gets_bars_and_a_pipe_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_display() as plain:
        assert isinstance(plain, PlainDisplay)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with open_display() as shown:
        assert isinstance(shown, TerminalDisplay)


def test_timeline_is_drawn_as_lanes_in_colour(capsys: pytest.CaptureFixture[str]) -> None:
    screen = io.StringIO()
    picture = Console(file=screen, force_terminal=True, width=60)
    display = TerminalDisplay(picture=picture)
    draft = draft_from_wire({"t": [{"tt": 0, "sg": [{"d": 4000, "m": {"title": "[red]beach"}}]}]})
    display.show_timeline(draft)
    shown = screen.getvalue()
    assert "Video [[red]beach 0-4s" in shown
    assert "\x1b[36m" in shown
    PlainDisplay().show_timeline(draft)
    assert capsys.readouterr().out == "Timeline (1 track): 1. Video: [red]beach (0-4s)\n"
