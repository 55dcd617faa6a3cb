"""Programs that share no code with the reference: correct ones pass, broken ones fail by a rule."""

import json
import os
import shutil
import sys
from pathlib import Path

import msgspec
import pytest

from nemolocal.client_scenarios import RunOptions, run_scenario
from nemolocal_conformance.client_runner.scenario import scenarios
from nemolocal_conformance.client_runner.scenario_result import ScenarioResult
from nemolocal_render import ffmpeg_cli

PROGRAMS = Path(__file__).with_name("programs")
PYTHON = (sys.executable, str(PROGRAMS / "client.py"))
CLIENTS: dict[str, tuple[str, ...]] = {
    "urllib": (*PYTHON, "urllib"),
    "http.client": (*PYTHON, "http.client"),
    "curl": (*PYTHON, "curl"),
    "socket": (*PYTHON, "socket"),
    "node": ("node", str(PROGRAMS / "client.mjs")),
}
# The time limit of a program, even on a busy machine.
PATIENCE = 600.0
SECOND = """\
#!/bin/sh
sleep 1
exec {ffmpeg} "$@"
"""
# What is broken in the client; the scenario that shows it, and how its reason begins.
BROKEN = {
    "unattributed": ("plain", "client.attribution"),
    "token-in-url": ("plain", "client.token-in-url"),
    "accepts-all": ("plain", "client.chat.accept"),
    "exports-blindly": ("plain", "client.render.state-first"),
    "detour": ("plain", "client.download.order"),
    "polls-too-often": ("render-stuck", "client.poll.rhythm"),
    "polls-twelve-times": ("render-stuck", "client.poll.count"),
    "resends-end": ("silent", "client.resend"),
    "resends-end-at-once": ("silent", "client.resend"),
    "resends-end-unchanged": ("silent-not-applied", "client.resend"),
    "resends-end-late": ("silent", "client.resend"),
    "resends-end-elsewhere": ("silent", "client.resend"),
    # The state read of its export hides that it reads none after the turn.
    "takes-silence-for-success": ("silent-late", "the program gave up with status 1"),
    "sees-no-typed-text": ("typed-events", "client.resend"),
    "resends-cut": ("cut-fin", "client.cut.resend"),
    "resends-cut-late": ("cut-reset", "client.cut.resend"),
    "hasty": ("cut-fin", "client.cut.wait"),
    "resends-timeout-unchanged": ("stall", "client.hang-up.resend"),
    "deaf-to-heartbeats": ("stall", "client.heartbeats.patience"),
    "gives-up-at-1002": ("1002", "client.after-1002.new-session"),
    "keeps-lost-session": ("1002", "client.after-1002.new-session"),
    "renames-itself": ("1001", "client.after-1001.client-id"),
    "stays-refused": ("1001", "client.after-1001.renew"),
    "renews-for-ever": ("1001-twice", "client.after-1001.once"),
    "replaces-token": ("1001-manual", "client.manual-token"),
    "breathless": ("429", "client.429.wait"),
    "asks-on": ("429-twice", "client.429.once"),
    "spends-on": ("2001", "client.after-2001.no-retry"),
    "sends-any-file": ("4001", "client.after-4001.no-retry"),
    "exports-blocked": ("402", "client.after-402.no-retry"),
    "fails-once-for-all": ("render-fails-once", "client.retry"),
    "tries-three-times": ("render-fails", "client.retry.once"),
    "keeps-the-id": ("render-fails-once", "client.retry.new-id"),
    "knows-one-way": ("url-gone", "client.download.fallback"),
}

# How one of the clients writes its requests, and the scenarios in which it is run like that.
STYLES: list[dict[str, object]] = [
    {"version": "1.0", "names": "lower", "order": "reversed"},
    {"version": "1.0", "names": "title", "headers": {"User-Agent": "x", "X-Empty": ""}},
    {"chunk": 7, "names": "title", "order": "reversed", "headers": {"Accept-Encoding": "gzip"}},
    {"chunk": 1_000, "names": "lower", "piece": 900, "headers": {"X-Long": "x" * 4_000}},
    {"piece": 40, "names": "upper", "headers": {"User-Agent": "", "Cookie": "a=1"}},
    {"chunk": 1, "piece": 5_000, "names": "lower", "headers": {"Accept-Language": "zh, en"}},
]
STYLED = ("plain", "silent", "cut-fin", "1001", "1002", "429", "render-fails-once", "typed-events")

pytestmark = [pytest.mark.slow, pytest.mark.ffmpeg]


@pytest.fixture
def ffmpeg_that_sleeps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let FFmpeg sleep for a second before it begins."""
    script = tmp_path / "ffmpeg"
    script.write_text(SECOND.format(ffmpeg=ffmpeg_cli.executable()), encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv(ffmpeg_cli.BINARY_VARIABLE, str(script))


def run(words: tuple[str, ...], name: str) -> ScenarioResult:
    """Run a program in a scenario, until it ends by itself."""
    scenario = msgspec.structs.replace(scenarios()[name], seconds=None)
    if shutil.which(words[0]) is None:
        pytest.skip(f"there is no {words[0]}")
    command = (*words, "{clip}", "{folder}/out.mp4")
    return run_scenario(RunOptions(command, PATIENCE, False, None), scenario)


@pytest.mark.usefixtures("ffmpeg_that_sleeps")
@pytest.mark.parametrize("name", scenarios())
@pytest.mark.parametrize("client", CLIENTS)
def test_correct_client_passes_while_ffmpeg_is_slow(client: str, name: str) -> None:
    if client == "curl" and shutil.which("curl") is None:
        pytest.skip("there is no curl")
    result = run(CLIENTS[client], name)
    assert (result.word, result.reasons) == ("passed", ())


@pytest.mark.parametrize("name", STYLED)
@pytest.mark.parametrize("style", STYLES, ids=map(str, range(len(STYLES))))
def test_correct_client_passes_however_it_writes_requests(
    style: dict[str, object], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STYLE", json.dumps(style))
    result = run(CLIENTS["socket"], name)
    assert (result.word, result.reasons) == ("passed", ())


@pytest.mark.mutants
@pytest.mark.parametrize("bug", BROKEN)
def test_broken_client_fails_by_the_rule_it_breaks(
    bug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, begin = BROKEN[bug]
    monkeypatch.setitem(os.environ, "BUG", bug)
    result = run(CLIENTS["urllib"], name)
    assert result.word == "failed"
    assert any(reason.startswith(begin) for reason in result.reasons), result.reasons


@pytest.mark.mutants
def test_token_at_the_url_of_the_file_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a SHOULD, so the scenario passes."""
    monkeypatch.setitem(os.environ, "BUG", "shows-its-token")
    result = run(CLIENTS["urllib"], "plain")
    warned = {v.check for v in result.report.verdicts if v.outcome == "warning"}
    assert (result.word, warned) == ("passed", {"client.download.no-token"})
