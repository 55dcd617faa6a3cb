"""`nemolocal conform --random` and `--replay`: what they print, write, spend and exit with."""

import json
import sys
from pathlib import Path

import msgspec
import pytest

from nemolocal.main import main
from nemolocal_conformance.fuzz import search
from nemolocal_contract.clock import ManualClock
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from tests.mutation.server_runner import mutated_server
from tests.mutation.servers import server_mutants

pytestmark = pytest.mark.usefixtures("memoized_servers")

ANN = {"call": "token", "client": "ann"}
BALANCE = {"call": "balance", "by": "ann"}


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NEMO_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)


def keep(*steps: object) -> str:
    Path("script.json").write_text(json.dumps({"steps": steps}), encoding="utf-8")
    return "script.json"


@pytest.mark.slow
def test_random_scripts_run_on_a_local_server_and_leave_no_files(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["conform", "--random", "1", "--seed", "3"]) == 0
    reported = capsys.readouterr().out
    assert reported.startswith("scripts: ")
    assert ": passed (http://" in reported
    assert list(tmp_path.iterdir()) == []


def test_failing_script_is_written_and_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    with mutated_server(server_mutants()["token.credits"]) as (url, _):
        arguments = ["conform", "--base-url", url]
        assert main([*arguments, "--random", "20", "--report", "told"]) == 1
        out, err = capsys.readouterr()
        assert "failed: script (AUTH-1): Whatever is called" in out
        assert "step 1 of 1: data.credits: expected 100, saw 99" in out
        assert "conform --replay told/failing-script.json" in err
        assert json.loads(Path("told/failing-script.json").read_text())["found"].startswith(
            "AUTH-1"
        )
        assert (
            json.loads(Path("told/report.json").read_text())["verdicts"][0]["outcome"] == "failed"
        )
        assert main([*arguments, "--replay", "told/failing-script.json"]) == 1
    assert main(["conform", "--replay", "told/failing-script.json"]) == 0
    assert "scripts: 1, calls: 1: passed" in capsys.readouterr().out


def test_replay_can_print_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", "--replay", keep(ANN, BALANCE), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [exchange["status"] for exchange in report["verdicts"][0]["evidence"]] == [200, 200]


BAD = {
    "no JSON": ("{]", "malformed"),
    "no steps": ('{"steps": []}', "length >= 1 - at `$.steps`"),
    "a step that nobody knows": ('{"steps": [{"call": "fly"}]}', "'fly' - at `$.steps[0].call`"),
    "a field that is missing": ('{"steps": [{"call": "balance"}]}', "field `by` - at `$.steps[0]`"),
    "a field too many": ('{"steps": [{"call": "balance", "by": "a", "x": 1}]}', "field `x`"),
    "a name that is none": ('{"steps": [{"call": "balance", "by": "../a"}]}', "`$.steps[0].by`"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=list(BAD))
def test_invalid_script_file_is_reported_in_one_line(
    text: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.json").write_text(text, encoding="utf-8")
    assert main(["conform", "--replay", "bad.json"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("nemolocal: bad.json: ")
    assert why in error
    assert error.count("\n") == 1


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", "--replay", "none.json"]) == 2
    assert "none.json: No such file" in capsys.readouterr().err


def test_nothing_is_spent_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    edits = [ANN, {"call": "say", "session": "s1", "message": "trim it", "by": "ann"}]
    with LocalServer(Settings(port=0, control=False), ManualClock(autojump=True)) as server:
        arguments = ["conform", "--base-url", server.base_url]
        assert main([*arguments, "--replay", keep(*edits)]) == 2
        assert "costs up to 150 credits and 1 anonymous token" in capsys.readouterr().err
        assert main([*arguments, "--random", "3", "--max-tokens", "0"]) == 2
        assert "give a --token" in capsys.readouterr().err
        assert main([*arguments, "--random", "3"]) == 0
        assert main([*arguments, "--replay", keep(ANN, BALANCE)]) == 0
        assert main([*arguments, "--replay", keep({"call": "wait", "seconds": 1})]) == 2


@pytest.mark.slow
def test_learned_scripts_are_kept_and_do_not_fail(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud = msgspec.structs.replace(
        server_mutants()["render.path-missing"], settings={"control": False}
    )
    with mutated_server(cloud) as (url, _):
        assert main(["conform", "--base-url", url, "--random", "40"]) == 0
    out = capsys.readouterr().out
    assert "learned: script (REN-9)" in out
    assert "passed, learned" in out
    assert Path("failing-script.json").exists()


@pytest.mark.slow
def test_missing_hypothesis_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("search", "strategies"):
        monkeypatch.delitem(sys.modules, f"nemolocal_conformance.fuzz.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    assert main(["conform", "--random", "3"]) == 1
    assert "pip install 'nemolocal[conformance]'" in capsys.readouterr().err
    assert main(["conform", "--replay", keep(ANN)]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [["--smoke"], ["--only", "token."], ["--known", "x.toml"]])
def test_check_options_are_rejected_with_random_scripts(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["conform", "--random", "3", *wrong]) == 2
    assert "cannot be combined with --random" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "-1", "x", ""])
def test_number_of_scripts_must_be_positive(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["conform", f"--random={number}"])
    assert ended.value.code == 2
    assert "whole number, 1 or more" in capsys.readouterr().err


def test_unwritable_folder_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_MAX_SHRINKS", 0)  # any script that fails will do
    Path("file").write_text("")
    with mutated_server(server_mutants()["token.credits"]) as (url, _):
        arguments = ["conform", "--base-url", url, "--random", "5", "--report", "file"]
        assert main(arguments) == 1
    assert "cannot write" in capsys.readouterr().err
