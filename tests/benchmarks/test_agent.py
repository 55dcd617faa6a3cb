"""The agent benchmark measures what it says. No test checks how fast anything is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.agent import MESSAGES, AgentFixture, main, make_fixture, plan_turn


@pytest.fixture
def agent_fixture(tmp_path: Path) -> Iterator[AgentFixture]:
    created = make_fixture(tmp_path / "data", 40)
    yield created
    created.core.store.close()


@pytest.mark.slow
def test_the_bench_prints_plans_and_the_state(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--segments", "100", "--rounds", "1", "--seconds", "0.05"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "a draft of 100 segments" in lines[0]
    assert [line.split("  ")[0] for line in lines[1:-2]] == list(MESSAGES)
    assert lines[-2].startswith("a turn planned in")
    assert lines[-1].startswith("a state read in")
    assert lines[1].endswith("edited")
    assert lines[-3].endswith("talk")


@pytest.mark.slow
def test_fixture_has_the_requested_segments(agent_fixture: AgentFixture) -> None:
    draft = agent_fixture.core.sessions.newest_draft(agent_fixture.session.id)
    assert [len(track.segments or ()) for track in draft.tracks or ()] == [40]
    assert draft.ready


@pytest.mark.slow
def test_a_turn_is_planned_in_full(agent_fixture: AgentFixture) -> None:
    assert plan_turn(agent_fixture, "trim to the first 10 seconds", 1) == "edited"
    assert agent_fixture.core.ledger.balance(agent_fixture.token.id).frozen == 50
    assert plan_turn(agent_fixture, "how do I trim?", 2) == "talk"
    assert plan_turn(agent_fixture, "remove the subtitles", 3) == "refused"
