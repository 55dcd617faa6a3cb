"""Clients in the scenarios: the reference passes all, mutants fail in theirs."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from unittest import mock

import pytest

from nemolocal import client_factory, client_scenarios
from nemolocal.client_scenarios import RunOptions, run_scenario
from nemolocal.main import main
from nemolocal_conformance.client_runner.program import ProgramExit
from nemolocal_conformance.client_runner.scenario import scenarios

EDIT = (
    "edit", "{clip}", "-m", "trim to the first second", "--base-url", "{url}",
    "-o", "{folder}/out.mp4",
)  # fmt: skip
ROOT = Path(__file__).parents[2]
# The program does not run in this folder.
BROKEN = f"""
import sys
sys.path.append({str(ROOT)!r})
from nemolocal.main import main
from tests.mutation.clients import client_mutants

with client_mutants()[sys.argv[1]].applied():
    sys.exit(main(sys.argv[2:]))
"""


# The time limit of a program, even on a busy machine.
PATIENCE = 600.0

pytestmark = pytest.mark.usefixtures("memoized_servers")


def run_here(
    words: Sequence[str], environment: Mapping[str, str], output: Path, seconds: float
) -> ProgramExit:
    """Run the command in this process, which is faster than a new one."""
    del output, seconds
    with mock.patch.dict(os.environ, environment, clear=True):
        return ProgramExit(main(list(words)))


def cases() -> Iterator[object]:
    """Return every scenario; the first of each kind of end is in the fast run."""
    ends = set[str]()
    for name, scenario in scenarios().items():
        yield pytest.param(name, marks=[pytest.mark.slow] if scenario.ends in ends else [])
        ends.add(scenario.ends)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(cases()))
def test_reference_client_passes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_scenarios, "run_program", run_here)
    monkeypatch.setattr(client_factory, "_POLL_TIMES", 8)
    outcome = run_scenario(RunOptions(EDIT, PATIENCE, False, None), scenarios()[name])
    assert (outcome.word, outcome.reasons) == ("passed", ())


@pytest.mark.slow
@pytest.mark.mutants
@pytest.mark.parametrize(
    ("mutant", "name", "check"),
    [
        ("unattributed", "plain", "client.attribution"),
        ("repeats-itself", "silent", "client.silent.state-read"),
        ("repeats-cut", "cut-fin", "client.cut.state-read"),
        ("exports-blocked", "402", "client.after-402.no-retry"),
        ("renames-itself", "1001", "client.after-1001.client-id"),
        ("one-way", "url-gone", "client.download.fallback"),
    ],
)
def test_client_mutant_fails_in_its_scenario(
    mutant: str, name: str, check: str, tmp_path: Path
) -> None:
    script = tmp_path / "client.py"
    script.write_text(BROKEN, encoding="utf-8")
    words = (sys.executable, str(script), mutant, *EDIT)
    outcome = run_scenario(RunOptions(words, PATIENCE, False, None), scenarios()[name])
    assert outcome.word == "failed"
    assert any(reason.startswith(f"{check}: ") for reason in outcome.reasons), outcome.reasons
