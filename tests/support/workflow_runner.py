"""Runs jobs of GitHub workflows as far as possible without a runner.

Steps with `run` are run by bash with the variables and files of a runner. Of actions, this
project's is run step by step; others do nothing, but are recorded with their inputs.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

ROOT = Path(__file__).parents[2]
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
_TERM = re.compile(r"\s*(!?)\s*([\w.-]+(?:\(\))?|'[^']*')(?:\s*(==|!=)\s*('[^']*'))?\s*")
_OURS = re.compile(r"^OWNER/nemolocal@v\d+$")
_BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")


class StepRecord(msgspec.Struct, frozen=True):
    """A step that was run, or an action that was recorded with its inputs."""

    name: str
    status: int
    out: str = ""
    err: str = ""
    inputs: dict[str, str] = msgspec.field(default_factory=dict)


class WorkflowRunner:
    """A runner with its folder, environment and step summary.

    `nemolocal` is installed already: the virtual environment of the action is a script that starts
    this Python.
    """

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.temp = folder / "temp"
        self.steps: list[StepRecord] = []
        self.variables: dict[str, str] = {}
        self.has_failed = False
        self._summary = folder / "summary.md"
        for made in (self.workspace, self.temp / "nemolocal/bin"):
            made.mkdir(parents=True)
        python = self.temp / "nemolocal/bin/python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
        python.chmod(0o755)

    @property
    def summary(self) -> str:
        """What the steps added to the page of the run."""
        return self._summary.read_text(encoding="utf-8") if self._summary.exists() else ""

    def run_job(self, job: Mapping[str, Any]) -> int:
        """Run the steps of a job; return the status of the first that failed, 0 without one."""
        context = {f"env.{name}": str(value) for name, value in job.get("env", {}).items()}
        self.variables |= {name.partition(".")[2]: value for name, value in context.items()}
        return self._run_steps(job["steps"], context, {})

    def run_action(self, **inputs: str) -> int:
        """Run the action; `_` in a name stands for `-`."""
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        return self._run_ours(given, {})

    def outputs_of_last_action(self) -> dict[str, str]:
        """Return the outputs of the last call of this project's action."""
        return self._outputs

    def _run_ours(self, given: Mapping[str, str], environment: Mapping[str, str]) -> int:
        action = read_action()
        unknown = given.keys() - action["inputs"].keys()
        assert not unknown, f"the action has no inputs {unknown}"
        defaults = {name: str(about["default"]) for name, about in action["inputs"].items()}
        context = {f"inputs.{k}": v for k, v in (defaults | dict(given)).items()}
        failed, self.has_failed = self.has_failed, False
        status = self._run_steps(action["runs"]["steps"], context, environment)
        self.has_failed = failed
        outputs = action["outputs"].items()
        self._outputs = {name: self._expand(about["value"], context) for name, about in outputs}
        return status

    def _run_steps(
        self, steps: list[dict[str, Any]], context: dict[str, str], environment: Mapping[str, str]
    ) -> int:
        first = 0
        for step in steps:
            condition = str(step.get("if", "success()"))
            condition = match[1] if (match := _EXPRESSION.fullmatch(condition)) else condition
            if not self._holds(condition, context):
                continue
            status = self._run_step(step, context, environment)
            if status and not step.get("continue-on-error"):
                self.has_failed = True
                first = first or status
        return first

    def _run_step(
        self, step: dict[str, Any], context: dict[str, str], environment: Mapping[str, str]
    ) -> int:
        own = {k: self._expand(v, context) for k, v in step.get("env", {}).items()}
        name = str(step.get("name") or step.get("uses") or step["run"])
        given = {k: self._expand(v, context) for k, v in step.get("with", {}).items()}
        if "uses" in step and _OURS.match(step["uses"]):
            status = self._run_ours(given, {**environment, **own})
            outputs = self._outputs
        elif "uses" in step:
            self.steps.append(StepRecord(name, 0, inputs=given))
            status, outputs = 0, {"python-path": sys.executable}
        elif name == "Install":
            return 0
        else:
            status, outputs = self._run_script(name, step, {**environment, **own}, context)
        for key, value in outputs.items():
            context[f"steps.{step.get('id', '')}.outputs.{key}"] = value
        return status

    def _run_script(
        self, name: str, step: dict[str, Any], own: Mapping[str, str], context: dict[str, str]
    ) -> tuple[int, dict[str, str]]:
        files = {key: self.temp / f"{key.lower()}.txt" for key in ("GITHUB_ENV", "GITHUB_OUTPUT")}
        for path in files.values():
            path.write_bytes(b"")
        environment = {
            **os.environ,
            **self.variables,
            **own,
            **{key: str(path) for key, path in files.items()},
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_STEP_SUMMARY": str(self._summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
        }
        ended = subprocess.run(
            [*_BASH, self._expand(step["run"], context)],
            cwd=self.workspace, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.steps.append(StepRecord(name, ended.returncode, ended.stdout, ended.stderr))
        self.variables |= _pairs(files["GITHUB_ENV"])
        return ended.returncode, _pairs(files["GITHUB_OUTPUT"])

    def _expand(self, text: object, context: Mapping[str, str]) -> str:
        shown = str(text).lower() if isinstance(text, bool) else str(text)
        return _EXPRESSION.sub(lambda found: self._value(found[1].strip(), context), shown)

    def _value(self, name: str, context: Mapping[str, str]) -> str:
        if name.startswith("'"):
            return name[1:-1]
        if name in ("cancelled()", "failure()"):
            return "true" if name == "failure()" and self.has_failed else ""
        if name in ("always()", "success()"):
            return "true" if name == "always()" or not self.has_failed else ""
        return context.get(name, "")

    def _holds(self, condition: str, context: Mapping[str, str]) -> bool:
        """Evaluate terms joined by `&&`; without a status function, nothing may have failed."""
        checked = [self._term(term, context) for term in condition.split("&&")]
        names_status = re.search(r"(always|cancelled|failure|success)\(\)", condition)
        return all(checked) and (bool(names_status) or not self.has_failed)

    def _term(self, text: str, context: Mapping[str, str]) -> bool:
        term = _TERM.fullmatch(text)
        assert term, f"cannot evaluate {text!r}"
        negated, name, operator, other = term.groups()
        value = self._value(name, context)
        result = bool(value) if operator is None else (value == other[1:-1]) == (operator == "==")
        return result != bool(negated)


def read_action() -> dict[str, Any]:
    """Return the content of action.yml."""
    action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return action


def _pairs(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)
