"""What servers, drafts and files say does nothing to the terminal, whatever command shows it."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nemolocal.main import main
from nemolocal.rich_display import TerminalDisplay
from nemolocal.safe_output import SanitizingStream, sanitized_output, unwrap_stream
from nemolocal_client import Notice
from nemolocal_client.errors import BadRequest
from nemolocal_conformance.client_runner.scenario_report import as_markdown as as_table
from nemolocal_conformance.client_runner.scenario_result import ScenarioResult
from nemolocal_conformance.reports import as_html, as_json, as_junit, as_markdown
from nemolocal_conformance.reports.json import report_from_json
from nemolocal_conformance.verdicts import ConformanceReport, Verdict
from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.text_escaping import escape_controls
from nemolocal_server.api.claim_endpoints import build_project_page
from tests.support.cli import CommandResult, CommandRunner, ServerStarter

EVIL = "e\x1b]0;PWNED\x07\x9b2J\x85\u202e\rv"


def require_quiet(result: CommandResult) -> None:
    """Nothing of what was printed does anything but stand there."""
    for text in (result.out, result.err):
        assert escape_controls(text) == text


@pytest.mark.slow
def test_files_with_escapes_in_their_names_are_named_without(
    run: CommandRunner, serve: ServerStarter, clip: Path, tmp_path: Path
) -> None:
    evil = tmp_path / f"{EVIL.replace('/', '')}.mp4"
    evil.write_bytes(clip.read_bytes())
    base_url = serve()
    trim = ("-m", "trim to the first 1 second", "--base-url", base_url)
    results = [
        run("edit", evil, *trim, "-o", tmp_path / "o.mp4"),
        run("edit", evil, *trim, "--json", "-o", tmp_path / "o.mp4"),
        run("edit", tmp_path / f"{EVIL}.nothing", *trim),
        run("edit", clip, *trim, "-o", tmp_path / EVIL / "o.mp4"),
        run("edit", clip, "-m", f"add a title '{EVIL}'", "--base-url", base_url, "-o", "o.mp4"),
        run("skill", "check", tmp_path / EVIL),
        run("verdict", tmp_path / EVIL),
    ]
    for result in results:
        require_quiet(result)
    assert "PWNED" in results[0].out
    assert json.loads(results[1].out)


def test_usage_errors_quote_arguments_without_escapes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--port", EVIL])
    require_quiet(CommandResult(2, *capsys.readouterr()))


def test_a_defect_is_printed_without_escapes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", printed)
    monkeypatch.setattr(sys, "stdout", printed)
    with pytest.raises(ValueError, match="PWNED"), sanitized_output():
        raise ValueError(EVIL)
    # The interpreter prints it when we have gone.
    print(EVIL, file=sys.stderr)
    assert printed.getvalue() == escape_controls(EVIL) + "\n"


def test_streams_are_given_back_and_never_guarded_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stdout", plain)
    with sanitized_output(), sanitized_output():
        guarded: Any = sys.stdout
        assert isinstance(guarded, SanitizingStream)
        assert unwrap_stream(sys.stdout) is plain
        sys.stdout.writelines(["a\x1b", "b"])
        assert not sys.stdout.isatty()
    assert sys.stdout is plain
    assert plain.getvalue() == "a\\u001bb"


@pytest.mark.slow
def test_bars_and_lanes_draw_texts_without_escapes() -> None:
    screen, picture = io.StringIO(), io.StringIO()
    display = TerminalDisplay(
        console=Console(file=screen, force_terminal=True, width=80),
        picture=Console(file=picture, width=80),
    )
    display.show_notice(Notice("working", EVIL))
    display.show_notice(Notice("upload", EVIL, 0.5))
    display.show_notice(Notice("upload", EVIL, 0.7))
    display.show_timeline(
        draft_from_wire({"t": [{"tt": 7, "sg": [{"s": 0, "d": 9000, "txt": EVIL}]}], "d": 9000})
    )
    display.close()
    shown = screen.getvalue() + picture.getvalue()
    assert escape_controls(EVIL) in screen.getvalue()
    for active in ("\x1b]", "\x07", "\x9b", "\x85", "\u202e"):
        assert active not in shown


def report() -> ConformanceReport:
    verdict = Verdict(
        check="chat.stream.frames",
        outcome="failed",
        reason=f"saw <script>{EVIL}",
        sentence="A sentence.",
        rules=("SSE-1",),
        grade="D",
        level="MUST",
    )
    return ConformanceReport(
        base_url="http://h", version="1", ours=True, verdicts=(verdict,), alternatives={}
    )


FORMS: dict[str, Callable[[], str]] = {
    "an error of the client": lambda: str(BadRequest(EVIL, remedy=EVIL)),
    "the HTML report": lambda: as_html(report()),
    "the JSON report": lambda: as_json(report()),
    "the JUnit report": lambda: as_junit(report()),
    "the Markdown report": lambda: as_markdown(report()),
    "the table of scenarios": lambda: as_table(
        [ScenarioResult("s", "failed", (f"<b>{EVIL}",), 1, 1.0, report())]
    ),
    "the project page": lambda: build_project_page(EVIL, draft_from_wire({"t": []}), f"/{EVIL}"),
    "a track on the project page": lambda: build_project_page(
        "p", draft_from_wire({"t": [{"tt": 7, "sg": [{"s": 0, "d": 1, "txt": EVIL}]}]}), ""
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_reports_and_pages_have_texts_without_escapes(form: str) -> None:
    text = FORMS[form]()
    assert escape_controls(text) == text
    assert "PWNED" in text


def test_the_json_report_says_exactly_what_was_said() -> None:
    assert report_from_json(as_json(report())) == report()
