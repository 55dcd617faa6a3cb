"""`nemolocal conform` on a server of somebody else: the plan, its costs, and going on later."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal.main import main
from nemolocal_conformance import context as context_module
from nemolocal_contract.endpoints import BALANCE, Attribution, bearer_header
from nemolocal_recording.learning.evaluation import evaluate_recordings
from nemolocal_server.dialect import Dialect
from nemolocal_server.settings import Tariff
from tests.mutation.memoized_media import MemoizedMedia
from tests.mutation.mutation_middleware import WireRequest, WireResponse
from tests.support.foreign_server import ForeignServer, foreign_server
from tests.support.recorder import running_recorder

# The harness in a process of its own, with less patience than the cloud needs.
HARNESS = """
import sys
from nemolocal.main import main
from nemolocal_conformance import context
context._CLOUD_POLL_INTERVAL = context._EDIT_READ_INTERVAL = 0.05
sys.exit(main(sys.argv[1:]))
"""
# Two purchases, and something of every other kind.
CHOSEN = (
    "general.path.unknown", "session.new.user", "session.replies", "state.draft.names",
    "chat.tools.called",
)  # fmt: skip
PAID = {"state.draft.names", "chat.tools.called"}
TWO_PURCHASES = 100
DIALECTS = [
    Dialect(),
    Dialect(sse="typed"),
    Dialect(render="nested"),
    Dialect(errors="http"),
    Dialect(heartbeat="event"),
    Dialect(sse="typed", render="nested", errors="http", heartbeat="event"),
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_CLOUD_POLL_INTERVAL", "_EDIT_READ_INTERVAL"):
        monkeypatch.setattr(context_module, name, 0.05)


def words(server: ForeignServer, state: Path | None = None, *more: str) -> list[str]:
    """The command line of a run of the chosen checks, within two purchases."""
    chosen = [word for name in CHOSEN for word in ("--only", name)]
    kept = ["--state", str(state)] if state else []
    credits = ["--max-credits", str(TWO_PURCHASES)]
    return ["conform", "--base-url", server.base_url, *credits, *chosen, *kept, "--json", *more]


def conform(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> dict[str, Any]:
    """Run it in this process; the report."""
    capsys.readouterr()
    main(arguments)
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def conform_elsewhere(arguments: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HARNESS, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def outcomes(report: dict[str, Any]) -> dict[str, tuple[object, ...]]:
    return {v["check"]: (v["outcome"], v["reason"], v["actual"]) for v in report["verdicts"]}


def available(server: ForeignServer, number: int = 0) -> int:
    """The credits of a token that the server has given."""
    headers = {**bearer_header(server.tokens[number]), **Attribution("t", "1").headers()}
    reply = httpx.get(server.base_url + BALANCE.path(), headers=headers, trust_env=False)
    return int(reply.json()["data"]["available"])


def test_plan_is_printed_and_nothing_is_sent(
    memoized_media: MemoizedMedia, capsys: pytest.CaptureFixture[str]
) -> None:
    with foreign_server(memoized_media) as server:
        base = ["conform", "--base-url", server.base_url, "--plan"]
        assert main([*base, "--max-credits", "100"]) == 0
        printed = capsys.readouterr().out
        assert "for 100 credits and 1 anonymous token" in printed
        assert main([*base, "--json"]) == 0
        planned = json.loads(capsys.readouterr().out)
        assert server.calls == []
    assert planned["cost"]["credits"] == 0
    names = {check["id"] for step in planned["steps"] for check in step["checks"]}
    assert names.isdisjoint(planned["left_out"])
    assert "general.path.unknown" in names


def test_plan_comes_before_the_first_paid_call(
    memoized_media: MemoizedMedia, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []

    def note(request: WireRequest) -> None:
        if request.endpoint == "token":
            told.append(capsys.readouterr().out)

    with foreign_server(memoized_media) as server:
        server.before = note
        main(["conform", "--base-url", server.base_url, "--only", "session.new.user"])
    assert told[0].startswith("Plan: 1 check for 0 credits and 1 anonymous token")


def test_without_consent_no_edit_is_asked_for(
    memoized_media: MemoizedMedia, capsys: pytest.CaptureFixture[str]
) -> None:
    with foreign_server(memoized_media) as server:
        state = "--only", "state.", "--only", "chat.tools"
        assert main(["conform", "--base-url", server.base_url, *state]) == 2
        assert "raise --max-credits" in capsys.readouterr().err
        assert server.turns("timeline") == []


def test_finished_run_is_told_again_without_any_cost(
    tmp_path: Path, memoized_media: MemoizedMedia, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "run.jsonl"
    with foreign_server(memoized_media) as server:
        first = conform(capsys, words(server, state))
        asked, paid = len(server.calls), len(server.turns("timeline"))
        again = conform(capsys, words(server, state))
        assert outcomes(first) == outcomes(again)
        assert set(outcomes(first)) == set(CHOSEN)
        assert {outcome for outcome, _, _ in outcomes(first).values()} == {"passed"}
        # Only whether the server is there, and takes the token, is asked again.
        again_asked = {call.endpoint for call in server.calls[asked:]}
        assert again_asked == {"balance", "state", "render_status"}
        assert (paid, len(server.turns("timeline"))) == (2, 2)
        assert (len(server.tokens), available(server)) == (1, 0)


def test_run_whose_token_is_over_is_not_continued(
    tmp_path: Path, memoized_media: MemoizedMedia, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every check would fail."""
    arguments = ["--only", "session.new.user", "--state", str(tmp_path / "run.jsonl")]
    over = {"code": 1001, "message": "over", "data": None}
    refusal = WireResponse(200, {"content-type": "application/json"}, json.dumps(over).encode())
    with foreign_server(memoized_media) as server:
        assert main(["conform", "--base-url", server.base_url, *arguments]) == 0
        server.before = lambda request: refusal if request.endpoint == "balance" else None
        assert main(["conform", "--base-url", server.base_url, *arguments]) == 2
    assert "may have expired" in capsys.readouterr().err


def test_free_run_requests_no_token_that_no_check_needs(
    memoized_media: MemoizedMedia, capsys: pytest.CaptureFixture[str]
) -> None:
    with foreign_server(memoized_media) as server:
        assert main(["conform", "--base-url", server.base_url, "--only", "general.path"]) == 0
        assert server.tokens == []
    assert "1 of 1 check passed" in capsys.readouterr().out


def test_state_is_refused_where_nothing_is_paid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path / "s")]
    assert main(["conform", "--only", "general.path", *state]) == 2
    assert "--state" in capsys.readouterr().err
    assert main(["conform", "--random", "1", "--plan"]) == 2
    assert "--plan and --state are for checks" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_limited_calls_accuse_nobody_and_the_run_goes_on_later(
    tmp_path: Path, memoized_media: MemoizedMedia, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "run.jsonl"
    refusal = WireResponse(429, {"content-type": "application/json"}, b'{"error": "slow down"}')

    def limit(request: WireRequest) -> WireResponse | None:
        return refusal if request.endpoint == "state" else None

    with foreign_server(memoized_media) as server:
        expected = outcomes(conform(capsys, words(server)))
    with foreign_server(memoized_media) as server:
        server.before = limit
        main(words(server, state))
        captured = capsys.readouterr()
        stopped = outcomes(json.loads(captured.out))
        assert {outcome for outcome, _, _ in stopped.values()} == {"passed", "not applicable"}
        assert "goes on later" in captured.err
        server.before = None
        assert outcomes(conform(capsys, words(server, state))) == expected
        assert (len(server.tokens), available(server)) == (1, 0)


def test_checks_without_credits_left_run_when_there_are_some(
    tmp_path: Path, memoized_media: MemoizedMedia, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "run.jsonl"
    lacking = {"code": 2001, "message": "no credits", "data": None}
    refusal = WireResponse(200, {"content-type": "application/json"}, json.dumps(lacking).encode())

    def refuse_second(request: WireRequest) -> WireResponse | None:
        is_edit = request.endpoint == "chat" and b"timeline" in request.body
        return refusal if is_edit and len(server.turns("timeline")) > 1 else None

    with foreign_server(memoized_media) as server:
        server.before = refuse_second
        first = outcomes(conform(capsys, words(server, state)))
        lacking_it = {name for name, (outcome, *_) in first.items() if outcome != "passed"}
        assert len(lacking_it & PAID) == len(lacking_it) == 1
        server.before = None
        second = outcomes(conform(capsys, words(server, state)))
        assert {outcome for outcome, _, _ in second.values()} == {"passed"}
        assert (len(server.tokens), available(server)) == (1, 0)


@pytest.mark.parametrize(("price", "paid"), [(30, 60), (80, 80), (150, 150)])
def test_other_prices_than_planned_end_the_run_at_the_limit(
    price: int, paid: int, memoized_media: MemoizedMedia, capsys: pytest.CaptureFixture[str]
) -> None:
    tariff = Tariff(grant=1_000, editing=price)
    with foreign_server(memoized_media, tariff=tariff) as server:
        main(words(server))
        captured = capsys.readouterr()
        assert 1_000 - available(server) == paid
    assert f"credits that the account has paid: {paid}" in captured.err
    evaluated = set(outcomes(json.loads(captured.out)))
    assert len(evaluated & PAID) == paid // price
    assert ("more than the 100" in captured.err) == (price == 150)


MOMENTS = {
    "uploaded": ("upload", b""),
    "first-edit": ("chat", b"timeline"),
    "second-edit": ("chat", b"timeline"),
    "free-edit": ("chat", b"add a title"),
    "state-read": ("state", b""),
}


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda one: one.name)
def test_interrupted_run_goes_on_with_the_same_token_and_pays_nothing_twice(
    moment: str,
    number: signal.Signals,
    tmp_path: Path,
    memoized_media: MemoizedMedia,
    capsys: pytest.CaptureFixture[str],
) -> None:
    endpoint, content = MOMENTS[moment]
    left = [2 if moment == "second-edit" else 1]
    harness: list[subprocess.Popen[str]] = []

    def interrupt(request: WireRequest) -> None:
        # Before the run it is asked without a token whether the server is one.
        is_of_the_run = bool(server.tokens)
        if is_of_the_run and request.endpoint == endpoint and content in request.body:
            left[0] -= 1
            if left[0] == 0:
                os.kill(harness[0].pid, number)

    state = tmp_path / "run.jsonl"
    with foreign_server(memoized_media) as server:
        expected = outcomes(conform(capsys, words(server)))
    with foreign_server(memoized_media) as server:
        server.after = interrupt
        harness.append(conform_elsewhere(words(server, state)))
        _, told = harness[0].communicate(timeout=300)
        assert harness[0].returncode != 0
        assert ("the same command goes on with" in told) == (number == signal.SIGINT)
        server.after = None
        assert outcomes(conform(capsys, words(server, state))) == expected
        assert (len(server.tokens), available(server)) == (1, 0)
        assert set(server.turns("")) == set(server.tokens)


@pytest.mark.slow
def test_token_whose_reply_was_lost_counts(
    tmp_path: Path, memoized_media: MemoizedMedia, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "run.jsonl"
    harness: list[subprocess.Popen[str]] = []

    def kill(request: WireRequest) -> None:
        if request.endpoint == "token":
            os.kill(harness[0].pid, signal.SIGKILL)

    with foreign_server(memoized_media) as server:
        server.after = kill
        harness.append(conform_elsewhere(words(server, state)))
        harness[0].communicate(timeout=300)
        server.after = None
        assert set(outcomes(conform(capsys, words(server, state)))) == {"general.path.unknown"}
        assert len(server.tokens) == 1
        again = outcomes(conform(capsys, words(server, state, "--max-tokens", "2")))
        assert set(again) == set(CHOSEN)
        assert len(server.tokens) == 2


@pytest.mark.slow
@pytest.mark.parametrize("is_paid", [False, True])
def test_check_that_was_killed_is_repeated_unless_it_was_paid(
    is_paid: bool,
    tmp_path: Path,
    memoized_media: MemoizedMedia,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It pays an edit of its own, which a second time would cost again."""
    state, check = tmp_path / "run.jsonl", "state.ready.after-edit"
    endpoint = "chat" if is_paid else "upload"
    harness: list[subprocess.Popen[str]] = []

    def kill(request: WireRequest) -> None:
        if request.endpoint == endpoint:
            os.kill(harness[0].pid, signal.SIGKILL)

    with foreign_server(memoized_media) as server:
        arguments = ["conform", "--base-url", server.base_url, "--max-credits", "50",
                     "--only", check, "--state", str(state)]  # fmt: skip
        server.after = kill
        harness.append(conform_elsewhere(arguments))
        harness[0].communicate(timeout=300)
        server.after = None
        code = main(arguments)
        told = capsys.readouterr().out
        assert (code == 0) == (not is_paid)
        assert (f"not repeated: {check}" in told) == is_paid
        assert (len(server.tokens), available(server)) == (1, 50)


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_one_token_and_its_credits_settle_what_was_planned(
    dialect: Dialect,
    tmp_path: Path,
    memoized_media: MemoizedMedia,
    capsys: pytest.CaptureFixture[str],
) -> None:
    state = ["--state", str(tmp_path / "run.jsonl")]
    with foreign_server(memoized_media, dialect=dialect) as server:
        code = main(["conform", "--base-url", server.base_url, "--max-credits", "100", *state])
        printed = capsys.readouterr().out
        spent = 100 - available(server)
        assert len(server.tokens) == 1
    assert code == 0, printed
    planned, priced = (
        int(n) for n in re.findall(r"Plan: (\d+) checks for (\d+) credits", printed)[0]
    )
    ran = int(re.findall(r"(\d+) of (\d+) checks passed", printed)[0][1])
    assert (ran, spent) == (planned, priced)
    assert f"credits that the account has paid: {spent}" in printed
    assert re.search(r"GEN-6 +assumed +holds in", printed)


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_recording_of_a_run_contradicts_no_rule(
    tmp_path: Path, memoized_media: MemoizedMedia, capsys: pytest.CaptureFixture[str]
) -> None:
    """Many calls of the checks are made to be refused."""
    with (
        foreign_server(memoized_media) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
    ):
        assert main(["conform", "--base-url", recorder.base_url, "--max-credits", "100"]) == 0
    capsys.readouterr()
    learnt = evaluate_recordings([recorder.recording()])
    assert [(one.rule, one.actual) for one in learnt if one.outcome == "contradicted"] == []
    assert sum(one.outcome in ("confirmed", "held") for one in learnt) >= 35
