"""`nemolocal serve --self-check`: every fault makes a difference, and only while it is armed."""

import re

import pytest

from nemolocal import fault_self_check
from nemolocal_server.faults import fault_service
from nemolocal_server.faults.catalogue import CATALOGUE
from tests.support.cli import CommandResult, CommandRunner

SILENCES = {"silent": "applied, 50", "silent-not-applied": "not_applied, 100"}
# A silence, a cut, a reply and a render: one of each place where a fault acts.
FEW = [*SILENCES, "cut-fin", "server-error", "render-fails-once"]


def assert_proven(outcome: CommandResult, names: list[str]) -> None:
    assert (outcome.status, outcome.err) == (0, "")
    *lines, summary = outcome.lines
    assert [line.partition(":")[0] for line in lines] == names
    assert summary == f"{len(names)} faults: {len(names)} effective, 0 without effect"
    for line in lines:
        assert ": armed [" in line
        assert "] / disarmed [" in line
    # Disarmed, nothing is left of any fault: there is one way in which all turns go, and one for
    # all exports. A machine that is busy adds a heartbeat, which is a chunk of the stream, too.
    disarmed = [line.partition(" / ")[2] for line in lines]
    assert len({re.sub(r"\d+ Heartbeats?, | in \d+ chunks?", "", text) for text in disarmed}) == 2


def test_faults_of_every_place_prove_themselves(
    run: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_service, "CATALOGUE", {name: CATALOGUE[name] for name in FEW})
    outcome = run("serve", "--self-check")
    assert_proven(outcome, FEW)
    for line, truth in zip(outcome.lines, SILENCES.values(), strict=False):
        assert f"clean end; {truth} credits left] / disarmed" in line


@pytest.mark.slow
def test_every_fault_proves_itself(run: CommandRunner) -> None:
    outcome = run("serve", "--self-check")
    assert_proven(outcome, list(CATALOGUE))
    # Three silences, which the journal tells apart.
    for line, truth in zip(
        outcome.lines, ("applied, 50", "not_applied, 100", "late, 50"), strict=False
    ):
        assert f"clean end; {truth} credits left] / disarmed" in line


@pytest.mark.slow
def test_a_fault_that_makes_no_difference_is_a_failure(
    run: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_self_check.SelfCheckSession, "set_up", lambda _stage, _where: None)
    monkeypatch.setattr(fault_self_check, "run_and_describe", lambda _stage, _where: "[nothing]")
    outcome = run("serve", "--self-check")
    assert outcome.status == 1
    *lines, summary = outcome.lines
    assert all("NO DIFFERENCE" in line for line in lines)
    assert summary.endswith(f": 0 effective, {len(CATALOGUE)} without effect")
