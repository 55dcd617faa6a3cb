"""The reference is the same as its recording: in every dialect, and with faults at random."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nemolocal_agent.intents import AddMusic, AddTitle, Generate, PlaceUploads
from nemolocal_agent.nlu.message_parser import parse_message
from nemolocal_agent.understanding import NoEdit
from nemolocal_contract.clock import WallClock
from nemolocal_recording.drift.drift_evaluation import compare_replay, confirm
from nemolocal_recording.drift.drift_report import DriftReport
from nemolocal_recording.drift.made_messages import MESSAGES
from nemolocal_recording.drift.recording_player import RecordingPlayer
from nemolocal_recording.drift.replay_plan import ReplayBudget, plan_replay
from nemolocal_recording.pseudonyms import Pseudonyms
from nemolocal_recording.recording import Recording
from tests.support.ordinary_session import OrdinarySession
from tests.support.recorder import running_recorder
from tests.support.servers import ServerFactory, ServerSettings

EVERYTHING_ELSE: ServerSettings = {
    "sse": "typed",
    "heartbeat": "event",
    "render": "nested",
    "errors": "http",
    "export_402": "out_of_credits",
}


@pytest.fixture
def servers() -> Iterator[ServerFactory]:
    started = ServerFactory()
    yield started
    started.stop()


def record(base_url: str, path: Path) -> Recording:
    with running_recorder(base_url, path) as recorder:
        OrdinarySession(recorder.base_url, copes_with_cuts=True).play()
    return recorder.recording()


def replayed(recording: Recording, base_url: str, secret: bytes) -> DriftReport:
    """A replay whose ids are always the same, so that the seed decides about everything."""
    player = RecordingPlayer(base_url, recording, WallClock(), made=Pseudonyms(secret))
    replay = player.play(plan_replay(recording, ReplayBudget()))
    return compare_replay(recording, replay, name="r", server="s", cost="")


@pytest.mark.slow
@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize(
    "dialect",
    [
        {},
        {"sse": "typed"},
        {"heartbeat": "event"},
        {"render": "nested"},
        {"errors": "http"},
        {"errors": "adk"},
        {"export_402": "out_of_credits"},
        {"silent_rate": 0.3},
        EVERYTHING_ELSE,
    ],
    ids=str,
)
def test_reference_is_the_same_in_every_dialect(
    dialect: ServerSettings, tmp_path: Path, servers: ServerFactory
) -> None:
    recording = record(servers.start(**dialect), tmp_path / "r")
    report = replayed(recording, servers.start(**dialect), b"1")
    assert [one for one in report.rules if one.verdict == "changed"] == []
    assert (report.verdict, report.unplayed) == ("same", ())
    assert report.count("same") >= 35


@pytest.mark.slow
@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_reference_is_the_same_with_faults_at_random(
    seed: int, tmp_path: Path, servers: ServerFactory
) -> None:
    faulty: ServerSettings = {"chaos": 0.1, "seed": seed, "silent_rate": 0.3}
    recording = record(servers.start(**faulty), tmp_path / "r")
    first = replayed(recording, servers.start(**faulty), b"1")
    assert first.unplayed  # There were faults.
    again = replayed(recording, servers.start(**faulty), b"2")
    report = confirm(first, again)
    assert [one for one in report.rules if one.verdict == "changed"] == []
    assert report.verdict == "same"


@pytest.mark.slow
@pytest.mark.usefixtures("memoized_servers")
def test_other_dialect_is_a_change(tmp_path: Path, servers: ServerFactory) -> None:
    recording = record(servers.start(), tmp_path / "r")
    report = replayed(recording, servers.start(**EVERYTHING_ELSE), b"1")
    found = {one.rule for one in report.rules if one.verdict == "changed"}
    assert found >= {"SSE-2", "REN-4", "GEN-2"}


@pytest.mark.slow
@pytest.mark.usefixtures("memoized_servers")
def test_budget_is_spent_in_the_order_of_the_recording(
    tmp_path: Path, servers: ServerFactory
) -> None:
    recording = record(servers.start(), tmp_path / "r")
    whole = plan_replay(recording, ReplayBudget())
    # An edit and two clips, the second of which was refused for want of credits.
    assert (whole.credits, whole.tokens) == (50 + 100 + 100, 2)
    assert not whole.fits(ReplayBudget(499, 4), times=2)
    assert whole.fits(ReplayBudget(500, 4), times=2)
    budget = ReplayBudget(60, 1)
    part = plan_replay(recording, budget)
    assert (part.credits, part.tokens, part.over_budget) == (50, 1, 3)
    base_url = servers.start()
    replay = RecordingPlayer(base_url, recording, WallClock()).play(part)
    sent = [one.endpoint for one in replay.recording.exchanges]
    assert sent.count("chat") == 6  # Talk, four edits of a session, and one without a message.
    assert "over --max-credits 60" in {call.reason for call in replay.calls}


@pytest.mark.parametrize("language", MESSAGES)
def test_agent_understands_the_messages_of_a_replay(language: str) -> None:
    kinds = {"place": PlaceUploads, "title": AddTitle, "music": AddMusic, "generation": Generate}
    for kind, message in MESSAGES[language].items():
        found = parse_message(message)
        if kind == "talk":
            assert isinstance(found, NoEdit)
        else:
            assert isinstance(found, tuple)
            assert [type(edit) for edit in found] == [kinds[kind]]
