"""`nemolocal serve --self-check`: every fault makes a difference, and only while it is armed."""

import pytest

from nemolocal import plays, self_check
from nemolocal_server.faults.catalogue import CATALOGUE
from tests.support.cli import CommandRunner


def test_every_fault_proves_itself(run: CommandRunner) -> None:
    outcome = run("serve", "--self-check")
    assert (outcome.status, outcome.err) == (0, "")
    assert [line.partition(":")[0] for line in outcome.lines] == list(CATALOGUE)
    for line in outcome.lines:
        assert ": armed [" in line
        assert "] / disarmed [" in line
    # Disarmed, nothing is left of any fault: there is one way in which all turns go, and one for
    # all exports.
    assert len({line.partition(" / ")[2] for line in outcome.lines}) == 2
    # Three silences, which the journal tells apart.
    for line, truth in zip(
        outcome.lines, ("applied, 50", "not_applied, 100", "late, 50"), strict=False
    ):
        assert f"clean end; {truth} credits left] / disarmed" in line


def test_a_fault_that_makes_no_difference_is_a_failure(
    run: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plays.Stage, "prepare", lambda _stage, _where: None)
    monkeypatch.setattr(self_check, "play", lambda _stage, _where: "[nothing]")
    outcome = run("serve", "--self-check")
    assert outcome.status == 1
    assert all("NO DIFFERENCE" in line for line in outcome.lines)
