"""Clients through the scenarios: the reference does well in all, broken ones fail in theirs."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from unittest import mock

import pytest

from nemolocal import backend, conform_client
from nemolocal.command import main
from nemolocal.conform_client import Order, play
from nemolocal_conformance.driver.program import Ran
from nemolocal_conformance.driver.scenario import scenarios

EDIT = (
    "edit", "{clip}", "-m", "trim to the first second", "--base-url", "{url}",
    "-o", "{folder}/out.mp4",
)  # fmt: skip
BROKEN = """
import sys
from nemolocal.command import main
from nemolocal_conformance.mutants.clients import client_mutants

with client_mutants()[sys.argv[1]].applied():
    sys.exit(main(sys.argv[2:]))
"""


# Seconds after which a program hangs, however busy the machine is.
PATIENCE = 600.0

pytestmark = pytest.mark.usefixtures("memoized_servers")


def run_here(
    words: Sequence[str], environment: Mapping[str, str], output: Path, seconds: float
) -> Ran:
    """The command in this process, which costs no start of another one."""
    del output, seconds
    with mock.patch.dict(os.environ, environment, clear=True):
        return Ran(main(list(words)))


def cases() -> Iterator[object]:
    """Every scenario; the first of each kind of end is fast."""
    ends = set[str]()
    for name, scenario in scenarios().items():
        yield pytest.param(name, marks=[pytest.mark.slow] if scenario.ends in ends else [])
        ends.add(scenario.ends)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(cases()))
def test_reference_client_passes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conform_client, "run_program", run_here)
    monkeypatch.setattr(backend, "_POLL_TIMES", 8)
    outcome = play(Order(EDIT, PATIENCE, False, None), scenarios()[name])
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
def test_broken_client_fails_where_it_is_broken(
    mutant: str, name: str, check: str, tmp_path: Path
) -> None:
    script = tmp_path / "client.py"
    script.write_text(BROKEN, encoding="utf-8")
    words = (sys.executable, str(script), mutant, *EDIT)
    outcome = play(Order(words, PATIENCE, False, None), scenarios()[name])
    assert outcome.word == "failed"
    assert any(reason.startswith(f"{check}: ") for reason in outcome.reasons), outcome.reasons
