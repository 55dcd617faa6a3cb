"""The client runner: scenarios as data, a program run and stopped, and one result."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from nemolocal.client_scenarios import scenario_settings
from nemolocal.main import main
from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_runner.program import ProgramExit, run_program
from nemolocal_conformance.client_runner.scenario import ClientScenario, scenarios
from nemolocal_conformance.client_runner.scenario_report import (
    as_junit,
    as_markdown,
    exit_code,
    scenario_line,
    summary,
)
from nemolocal_conformance.client_runner.scenario_result import ScenarioResult, evaluate_run
from nemolocal_server.faults.catalogue import CATALOGUE, FaultSpec
from tests.support.journal_builder import JournalBuilder

DONE = ClientScenario("one", "About.", ("client.attribution",), ends="done")
Drive = Callable[..., tuple[int, str]]


@pytest.fixture
def drive(capsys: pytest.CaptureFixture[str]) -> Drive:
    """Run the command; return its status and its output."""

    def run(*words: str) -> tuple[int, str]:
        status = main(["conform-client", *words])
        reported = capsys.readouterr()
        return status, reported.out + reported.err

    return run


@pytest.mark.parametrize("scenario", scenarios().values(), ids=scenarios())
def test_scenarios_name_existing_faults_settings_and_checks(scenario: ClientScenario) -> None:
    assert set(scenario.checks) <= set(client_catalogue())
    assert scenario.about.endswith(".")
    scenario_settings(scenario)
    for order in scenario.faults:
        msgspec.convert(order, FaultSpec).resolve()


def test_every_fault_is_in_some_scenario() -> None:
    armed = {order["name"] for scenario in scenarios().values() for order in scenario.faults}
    assert armed == set(CATALOGUE)


def test_run_without_violation_passes(builder: JournalBuilder) -> None:
    outcome = evaluate_run(DONE, ProgramExit(0), builder.start().journal(), 1.5)
    assert (outcome.word, outcome.reasons, outcome.status, outcome.seconds) == (
        "passed", (), 0, 1.5
    )  # fmt: skip


def test_violated_must_fails_in_every_scenario(builder: JournalBuilder) -> None:
    builder.request("balance", headers={"Authorization": ""})
    outcome = evaluate_run(DONE, ProgramExit(0), builder.journal(), 1.0)
    assert outcome.word == "failed"
    assert outcome.reasons[0].startswith("client.bearer: ")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            {"faults": ({"name": "silent"},)},
            "the program made no request that silent applies to",
        ),
        ({"code": 2001}, "the program made no request that is answered with 2001"),
        ({"checks": ("client.retry",)}, "no call that client.retry applies to"),
    ],
)
def test_unreached_scenario_is_not_met(
    builder: JournalBuilder, fields: dict[str, Any], reason: str
) -> None:
    scenario = msgspec.structs.replace(DONE, **fields)
    outcome = evaluate_run(scenario, ProgramExit(0), builder.start().journal(), 1.0)
    assert (outcome.word, outcome.reasons) == ("not met", (reason,))


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({}, 3, "the program gave up with status 3 although an export was possible"),
        ({}, 127, "the program could not be run: status 127"),
        ({}, None, "the program hung and was stopped"),
        ({"ends": "refused"}, 0, "the program ended with status 0 although no export was possible"),
        ({"ends": "refused"}, 3, ""),
        ({"ends": "open"}, 3, ""),
        ({"seconds": 1.0}, None, ""),
        (
            {"ends": "refused", "code": 402},
            0,
            "the program made no request that is answered with 402",
        ),
    ],
)
def test_exit_of_a_program_is_evaluated(
    builder: JournalBuilder, fields: dict[str, Any], status: int | None, reason: str
) -> None:
    scenario = msgspec.structs.replace(DONE, **fields)
    outcome = evaluate_run(scenario, ProgramExit(status), builder.start().journal(), 1.0)
    assert outcome.reasons == ((reason,) if reason else ())


def test_program_gets_its_environment_and_its_output_is_kept(tmp_path: Path) -> None:
    said = tmp_path / "said"
    words = [sys.executable, "-c", "import os, sys; print(os.environ['A']); sys.exit('b')"]
    assert run_program(words, {**os.environ, "A": "a"}, said, 60.0) == ProgramExit(1)
    assert said.read_text() == "b\na\n" or said.read_text() == "a\nb\n"


@pytest.mark.parametrize(
    ("words", "status"),
    [(["bash", "-c", "kill -9 $$"], 137), (["no-such-program"], 127), (["/"], 126)],
)
def test_exit_status_is_that_of_a_shell(words: list[str], status: int, tmp_path: Path) -> None:
    assert run_program(words, os.environ, tmp_path / "said", 60.0) == ProgramExit(status)


def test_program_that_hangs_is_stopped_with_its_children(tmp_path: Path) -> None:
    # A process that still runs keeps the other end of this pipe open.
    held = tmp_path / "held"
    os.mkfifo(held)
    end = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    script = f"exec 3> {held}; sleep 1000 & wait"
    assert run_program(["bash", "-c", script], os.environ, tmp_path / "said", 1.0) == ProgramExit(
        None
    )
    os.set_blocking(end, True)
    with open(end, "rb") as pipe:
        assert pipe.read() == b""


def test_results_are_shown_as_lines_and_table(builder: JournalBuilder) -> None:
    passed = evaluate_run(DONE, ProgramExit(0), builder.start().journal(), 1.5)
    outcomes = [passed, msgspec.structs.replace(passed, word="failed", reasons=("a | b", "c"))]
    assert scenario_line(outcomes[0]) == "passed   one"
    assert scenario_line(outcomes[1]) == f"failed   one                      a | b\n{'':33} c"
    assert summary(outcomes) == "2 scenarios: 1 failed, 1 passed (3.0 s)"
    assert as_markdown(outcomes).endswith("| one | passed |  |\n| one | failed | a \\| b<br>c |\n")


def test_junit_has_a_case_for_each_scenario(builder: JournalBuilder) -> None:
    passed = evaluate_run(DONE, ProgramExit(0), builder.start().journal(), 1.5)
    failed = msgspec.structs.replace(passed, word="failed", reasons=("a <b>\x00", "c"))
    not_met = msgspec.structs.replace(passed, word="not met", reasons=("no call",))
    suite = ElementTree.fromstring(as_junit([passed, failed, not_met]))
    counts = [suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")]
    assert counts == ["3", "1", "0", "1", "4.500"]
    cases = [(case.get("classname"), case.get("name")) for case in suite]
    assert cases == [("nemolocal.client", "one")] * 3
    failure, skipped = suite.find("testcase/failure"), suite.find("testcase/skipped")
    assert failure is not None
    assert skipped is not None
    assert (failure.get("message") or "").startswith("a <b>")
    assert failure.text == "c"
    assert skipped.get("message") == "no call"


@pytest.mark.parametrize(
    ("words", "status"),
    [(["passed", "not met"], 0), (["passed", "failed"], 1), (["not met"], 2)],
)
def test_exit_code_follows_the_results(
    builder: JournalBuilder, words: list[str], status: int
) -> None:
    one = evaluate_run(DONE, ProgramExit(0), builder.start().journal(), 1.0)
    outcomes: list[ScenarioResult] = [msgspec.structs.replace(one, word=word) for word in words]
    assert exit_code(outcomes) == status


def test_scenarios_are_listed(drive: Drive) -> None:
    status, out = drive("--list", "--only", "silent")
    assert (status, len(out.splitlines())) == (0, 3)
    assert out.startswith("silent                   The edit is applied, and")


@pytest.mark.parametrize(
    ("words", "status", "reported"),
    [
        (["--only", "nothing", "--", "true"], 2, "no scenario has this name"),
        (["--timeout", "0", "--", "true"], 2, "--timeout must be greater than 0"),
        ([], 2, "nothing to run: give a program after --"),
        (["--only", "plain", "--report", "/dev/null/x", "--", "true"], 1, "cannot write"),
        (["--only", "402", "--", "true"], 2, "2 scenarios: 2 not met"),
    ],
)
def test_wrong_usage_is_reported(
    drive: Drive, words: list[str], status: int, reported: str
) -> None:
    ended, out = drive(*words)
    assert ended == status, out
    assert reported in out


def test_placeholders_are_replaced_and_the_run_is_kept(drive: Drive, tmp_path: Path) -> None:
    script = (
        "ls {folder}; head -c 12 {clip} | tail -c 8; echo; echo $NEMO_TOKEN $NEMO_SPEED;"
        "test {url} = $NEMO_API_URL && curl -s {url}/api/credits/balance/simple"
    )
    status, out = drive(
        "--json", "--only", "402-plan", "--report", str(tmp_path), "--", "bash", "-c", script
    )
    assert status == 1
    (outcome,) = json.loads(out)
    assert outcome["scenario"] == "402-plan"
    said = (tmp_path / "402-plan.txt").read_text()
    assert said.startswith("clip.mp4\noutput.txt\nftyp")
    assert "nmv_usr_of-the-scenario 200\n" in said
    assert '"code":1001' in said
    assert json.loads((tmp_path / "402-plan.jsonl").read_text())["code"] == 1001
    assert (tmp_path / "summary.md").read_text().startswith("1 scenario: 1 failed")
    assert json.loads((tmp_path / "report.json").read_text()) == [outcome]
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().get("failures") == "1"


@pytest.mark.slow
def test_program_with_the_clouds_address_reaches_the_server(drive: Drive, tmp_path: Path) -> None:
    script = (
        "curl -sS https://mega-api-prod.nemovideo.ai/api/credits/balance/simple;"
        "curl -sS http://example.com; exit 1"
    )
    command = ["--cloud", "--only", "plain", "--report", str(tmp_path), "--", "bash", "-c", script]
    status, out = drive(*command)
    assert status == 1
    assert "failed   plain                    client.attribution: attribution headers: " in out
    assert "expected all three, missing: X-Skill-Source, X-Skill-Version, X-Skill-Platform" in out
    assert out.count("nemolocal: refused example.com") == 1
    assert '"code":1001' in (tmp_path / "plain.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("words", [["true"], ["false"], ["no-such-program"]])
def test_client_without_calls_is_not_judged(drive: Drive, words: list[str]) -> None:
    status, out = drive("--only", "plain", "--only", "1001", "--", *words)
    assert status == 2
    assert "no call" in out
    assert "the program made none, or it does not call the address in NEMO_API_URL" in out
