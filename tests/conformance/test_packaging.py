"""The GitHub Action and the container: their scripts run, and the files that they name exist."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest
import yaml

from nemolocal_contract.clock import ManualClock
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings

ROOT = Path(__file__).parents[2]


class Judge(Protocol):
    """Runs the action's last step with these inputs and returns the result."""

    def __call__(self, **inputs: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    step = action["runs"]["steps"][-1]
    programs = tmp_path / "nemolocal" / "bin"
    programs.mkdir(parents=True)
    program = programs / "nemolocal"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nemolocal "$@"\n', encoding="utf-8")
    program.chmod(0o755)

    def run(**inputs: str) -> subprocess.CompletedProcess[str]:
        given = {"report": str(tmp_path / "report"), **inputs}
        defaults = {name: about["default"] for name, about in action["inputs"].items()}
        values = {f"${{{{ inputs.{name} }}}}": value for name, value in (defaults | given).items()}
        environment = {name: values[value] for name, value in step["env"].items()}
        own = {"RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "told.md")}
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step["run"]],
            env=os.environ | environment | own, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def test_every_input_of_the_action_is_described_and_has_a_default() -> None:
    inputs = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    assert all(about["description"] and "default" in about for about in inputs.values())


@pytest.mark.slow
def test_action_checks_a_server_and_writes_the_summary(judge: Judge, tmp_path: Path) -> None:
    ended = judge(only="credits.balance general.path")
    assert ended.returncode == 0, ended.stderr
    assert "checks passed" in ended.stdout
    assert (tmp_path / "told.md").read_text() == (tmp_path / "report/summary.md").read_text()


@pytest.mark.slow
def test_action_passes_the_control_token(judge: Judge) -> None:
    with LocalServer(Settings(port=0, control_token="mine"), ManualClock(autojump=True)) as server:
        given = {"base-url": server.base_url, "only": "credits.balance"}
        assert judge(**given).returncode == 2
        assert judge(**given, **{"control-token": "mine"}).returncode == 0


@pytest.mark.slow
def test_action_checks_a_client(judge: Judge, tmp_path: Path) -> None:
    ended = judge(client="curl -s {url}/api/credits/balance/simple", only="plain")
    assert ended.returncode == 1, ended.stderr
    assert "client.bearer" in ended.stdout
    assert "| plain | failed |" in (tmp_path / "told.md").read_text()


@pytest.mark.slow
def test_action_inputs_are_not_executed(judge: Judge, tmp_path: Path) -> None:
    trap = f'"; touch {tmp_path}/trapped; echo "'
    assert judge(only=trap).returncode
    assert not (tmp_path / "trapped").exists()


def test_container_copies_existing_files() -> None:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE)
    assert all((ROOT / name).exists() for line in copied for name in line.split())
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    folders = set(re.findall(r'^    "(\w+)/nemolocal\w*",$', project, re.MULTILINE))
    assert folders <= set(copied)
