"""The GitHub Action: its steps in bash with the variables of a runner, and the documented jobs."""

import fcntl
import json
import os
import re
import shutil
import signal
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from nemolocal.github_action import background_server
from nemolocal.github_action.__main__ import main
from nemolocal.github_action.journal_summary import journal_table
from nemolocal_contract.clock import ManualClock
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from tests.support.builtin_schemas import require_schema
from tests.support.journal_builder import JournalBuilder
from tests.support.workflow_runner import ROOT, StepRecord, WorkflowRunner, read_action

PAIRS = ROOT / "fixtures" / "skills" / "pairs"
UPLOAD = "Upload to code scanning"
# A conformant client.
CLIENT = """\
import os
from nemolocal_client import Attribution, Client

with Client(os.environ["NEMO_API_URL"], attribution=Attribution("my-skill", "1.0.0")) as client:
    client.say("add a title 'Hi'")
"""


def workflow_texts() -> list[str]:
    """The complete workflows of the CI guide."""
    text = (ROOT / "docs/how-to/ci.md").read_text(encoding="utf-8")
    return re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)


def workflows() -> dict[str, dict[str, Any]]:
    """The workflows of the CI guide by name."""
    found = map(yaml.safe_load, workflow_texts())
    return {workflow["name"]: workflow for workflow in found}


def job_of(name: str) -> dict[str, Any]:
    (job,) = workflows()[name]["jobs"].values()
    return dict(job)


def write_script(path: Path, text: str) -> None:
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    path.chmod(0o755)


def run_step(runner: WorkflowRunner) -> StepRecord:
    """The last step `Run` of the action."""
    return [step for step in runner.steps if step.name == "Run"][-1]


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[WorkflowRunner]:
    made = WorkflowRunner(tmp_path)
    yield made
    if (made.temp / "nemolocal-serve/ready").exists():
        made.run_action(mode="stop")


def test_every_input_of_the_action_is_described_has_a_default_and_is_documented() -> None:
    inputs = read_action()["inputs"]
    assert all(about["description"] and "default" in about for about in inputs.values())
    page = (ROOT / "docs/how-to/ci.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w-]+)` \|(?: `|.* all|  *\|)", page, re.MULTILINE)) >= {*inputs}


def test_every_mode_has_a_documented_workflow_with_few_permissions() -> None:
    steps = [step for name in workflows() for step in job_of(name)["steps"]]
    modes = [step["with"]["mode"] for step in steps if "nemolocal" in step.get("uses", "")]
    assert sorted(modes) == ["client", "conform", "serve", "skill", "stop"]
    for name, workflow in workflows().items():
        writes = [key for key, value in workflow["permissions"].items() if value == "write"]
        assert writes == (["security-events"] if name == "skills" else [])


@pytest.mark.slow
def test_action_and_documented_workflows_follow_the_schemas_of_github(tmp_path: Path) -> None:
    files = []
    for number, text in enumerate(workflow_texts()):
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_text(text, encoding="utf-8")
    require_schema("vendor.github-actions", ROOT / "action.yml")
    require_schema("vendor.github-workflows", *files)


@pytest.mark.slow
def test_documented_job_checks_a_server(runner: WorkflowRunner) -> None:
    write_script(runner.workspace / "start-my-server.sh", "#!/bin/sh\n")
    job = job_of("server")
    with LocalServer(Settings(port=0), ManualClock(autojump=True)) as server:
        (call,) = [step for step in job["steps"] if "nemolocal" in step.get("uses", "")]
        call["with"]["base-url"] = server.base_url
        assert runner.run_job(job) == 0, run_step(runner).err
    report = (runner.workspace / "nemolocal-report/summary.md").read_text()
    assert runner.summary.strip() == report.strip()
    assert "checks passed" in run_step(runner).out
    assert {path.name for path in (runner.workspace / "nemolocal-report").iterdir()} >= {
        "junit.xml", "report.html",
    }  # fmt: skip


@pytest.mark.slow
def test_documented_job_checks_a_client(runner: WorkflowRunner) -> None:
    script = """\
        import subprocess, sys
        url, clip, out = sys.argv[2::2]
        command = [sys.executable, "-P", "-m", "nemolocal", "edit", clip, "-m", "trim to the first second"]
        sys.exit(subprocess.call([*command, "--base-url", url, "-o", out]))
        """  # noqa: E501
    write_script(runner.workspace / "my_skill.py", script)
    assert runner.run_job(job_of("client")) == 0, run_step(runner)
    assert "| plain | passed |" in runner.summary
    assert (runner.workspace / "nemolocal-report/junit.xml").exists()


@pytest.mark.slow
def test_documented_job_uploads_the_findings_of_skills_and_fails(runner: WorkflowRunner) -> None:
    for kind in ("clean", "faulty"):
        source = PAIRS / kind / "harbour-trims"
        shutil.copytree(source, runner.workspace / ".agents" / kind / "harbour-trims")
    assert runner.run_job(job_of("skills")) == 1
    assert "2 files: " in run_step(runner).out
    assert "<pre>" in runner.summary
    (upload,) = [step for step in runner.steps if step.name == UPLOAD]
    sarif = json.loads((runner.workspace / upload.inputs["sarif_file"]).read_text())
    places = [result["locations"][0]["physicalLocation"] for result in sarif["runs"][0]["results"]]
    files = {place["artifactLocation"]["uri"] for place in places}
    assert ".agents/faulty/harbour-trims/SKILL.md" in files


@pytest.mark.slow
def test_clean_skill_passes_and_nothing_is_uploaded_unless_wanted(runner: WorkflowRunner) -> None:
    shutil.copytree(PAIRS / "clean" / "harbour-trims", runner.workspace / "harbour-trims")
    assert runner.run_action(mode="skill", skill="harbour-trims\n", upload_sarif="false") == 0
    assert UPLOAD not in {step.name for step in runner.steps}
    assert runner.outputs_of_last_action()["sarif"] == "nemolocal-report/skill.sarif"


@pytest.mark.slow
def test_documented_job_starts_a_server_and_judges_its_clients(runner: WorkflowRunner) -> None:
    write_script(runner.workspace / "client.py", CLIENT)
    write_script(runner.workspace / "run-my-tests.sh", "#!/bin/sh\nexec python client.py\n")
    assert runner.run_job(job_of("tests")) == 0, run_step(runner)
    url = runner.variables["NEMO_API_URL"]
    assert float(runner.variables["NEMO_SPEED"]) == 50
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    report = runner.workspace / "nemolocal-report"
    entries = [json.loads(line) for line in (report / "journal.jsonl").read_text().splitlines()]
    assert f"Journal: {len(entries)} requests" in runner.summary
    assert "add a title 'Hi' (talk" in runner.summary
    assert "</details>\n\n## Conformance\n\n" in runner.summary
    assert {path.name for path in report.iterdir()} == {
        "journal.jsonl", "junit.xml", "report.json", "server.log", "summary.md",
    }  # fmt: skip
    # The next server of the job starts empty: there is nothing to judge.
    assert runner.run_action(mode="serve") == 0
    assert runner.run_action(mode="stop") == 2


@pytest.mark.slow
def test_verdict_fails_the_job_also_after_failed_tests(runner: WorkflowRunner) -> None:
    script = "#!/bin/sh\ncurl -sS $NEMO_API_URL/api/credits/balance/simple\nexit 3\n"
    write_script(runner.workspace / "run-my-tests.sh", script)
    assert runner.run_job(job_of("tests")) == 3
    assert run_step(runner).status == 1
    assert "| `client.bearer` | failed |" in runner.summary
    assert "GET /api/credits/balance/simple" in runner.summary


@pytest.mark.slow
def test_server_with_a_control_token_is_started_once_and_stopped(runner: WorkflowRunner) -> None:
    options = "--host 0.0.0.0 --control-token-is-not-an-option"
    assert runner.run_action(mode="serve", options=options) == 1
    assert "unrecognized arguments" in run_step(runner).err
    assert runner.run_action(mode="serve", control_token="s3cret") == 0
    assert "::add-mask::s3cret" in run_step(runner).out
    assert runner.variables["NEMO_CONTROL_TOKEN"] == "s3cret"
    assert runner.run_action(mode="serve") == 2
    assert "stop it first" in run_step(runner).err
    # There was no request, so there is nothing to judge; the token comes from the variable.
    assert runner.run_action(mode="stop") == 2
    assert "No request reached the server" in runner.summary
    assert runner.run_action(mode="stop") == 2
    assert "no server runs" in run_step(runner).err


@pytest.mark.slow
def test_action_passes_the_control_token(runner: WorkflowRunner) -> None:
    with LocalServer(Settings(port=0, control_token="mine"), ManualClock(autojump=True)) as server:
        given = {"base_url": server.base_url, "only": "credits.balance"}
        assert runner.run_action(**given) == 2
        assert runner.run_action(**given, control_token="mine") == 0


@pytest.mark.slow
def test_without_a_mode_a_client_is_checked_if_it_is_given(runner: WorkflowRunner) -> None:
    client = "curl -s {url}/api/credits/balance/simple"
    assert runner.run_action(client=client, only="plain") == 1
    assert "client.bearer" in run_step(runner).out
    assert "| plain | failed |" in runner.summary


@pytest.mark.slow
def test_client_of_the_cloud_is_redirected(runner: WorkflowRunner) -> None:
    client = "curl -sS https://mega-api-prod.nemovideo.ai/api/credits/balance/simple"
    assert runner.run_action(mode="client", client=client, cloud="true", only="plain") == 1
    assert "client.bearer" in run_step(runner).out


@pytest.mark.slow
def test_inputs_are_not_executed_and_modules_of_the_job_are_not_imported(
    runner: WorkflowRunner, tmp_path: Path
) -> None:
    write_script(runner.workspace / "nemolocal.py", "raise SystemExit(77)")
    trap = f'"; touch {tmp_path}/trapped; echo "'
    assert runner.run_action(only=trap) == 2
    assert not (tmp_path / "trapped").exists()


@pytest.mark.slow
def test_server_without_a_control_api_is_stopped_and_its_log_is_kept(
    runner: WorkflowRunner,
) -> None:
    assert runner.run_action(mode="serve", options="--no-control") == 0
    assert runner.run_action(mode="stop") == 1
    assert "cannot read the journal" in run_step(runner).err
    assert (runner.workspace / "nemolocal-report/server.log").exists()
    assert runner.run_action(mode="serve") == 0


@pytest.mark.slow
def test_server_that_is_gone_is_reported_with_its_log(runner: WorkflowRunner) -> None:
    assert runner.run_action(mode="serve") == 0
    _, process = (runner.temp / "nemolocal-serve/ready").read_text().split()
    os.kill(int(process), signal.SIGKILL)
    with (runner.temp / "nemolocal-serve/lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    assert runner.run_action(mode="stop") == 1
    assert "the server is gone" in run_step(runner).err


@pytest.mark.slow
def test_server_that_does_not_end_is_killed(
    runner: WorkflowRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runner.run_action(mode="serve") == 0
    folder = runner.temp / "nemolocal-serve"
    _, process = (folder / "ready").read_text().split()
    # A stopped process gets no signal but SIGKILL.
    os.kill(int(process), signal.SIGSTOP)
    monkeypatch.setattr(background_server, "_END_SECONDS", 1)
    background_server._end(int(process), folder / "lock")
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"MODE": "judge"}, "unknown mode 'judge': use conform, client, skill, serve, stop"),
        ({"MODE": "client"}, "mode client needs the input client"),
        ({"MODE": "skill"}, "no SKILL.md in this folder"),
        ({"MODE": "client", "CLIENT": "true", "CLOUD": "yes"}, "cloud must be true or false"),
        ({"MODE": "serve", "CONTROL_TOKEN": "a\nb"}, "control-token must be one line"),
        ({"MODE": "stop"}, "no server runs: start one in an earlier step"),
    ],
)
def test_wrong_input_is_an_annotation_and_status_two(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    inputs: dict[str, str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
    for name, value in inputs.items():
        monkeypatch.setenv(f"INPUT_{name}", value)
    assert main() == 2
    reported = capsys.readouterr()
    assert reported.out.startswith("::error title=Nemo Local::")
    assert said in reported.err


def test_page_of_the_run_shows_the_last_requests_and_no_markup_of_others(
    builder: JournalBuilder,
) -> None:
    builder.start()
    for number in range(200):
        builder.chat(message=f"<b>{number}</b>|" + "x" * 100)
    entries = builder.journal().entries
    table = journal_table("a_line", entries)
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 200
    assert f"{len(entries)} requests, the last 200 are shown" in table
    assert table.startswith("a\\_line\n")
    assert "<b>" not in table.replace("\\<b\\>", "")
    assert "…" in rows[-1]
