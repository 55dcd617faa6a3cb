"""Generations under faults: both stages, or what was done of them, and their credits."""

import itertools
from pathlib import Path

import pytest

from nemolocal_agent.nlu import parse_message
from nemolocal_agent.tool_calls import PlannedToolCall, split_stages
from nemolocal_agent.understanding import NoEdit
from nemolocal_contract.draft import Draft
from nemolocal_contract.turn_events import Text
from nemolocal_render.media import MediaInfo
from nemolocal_server.seeded_random import SeededRandom
from nemolocal_server.settings import FREE_TARIFF
from nemolocal_server.turns.turn_schedule import CommitEdits, TurnScheduler, TurnSeed
from tests.support.http_caller import NewCaller
from tests.support.servers import ServerFactory

FREE = {"available": 100, "frozen": 0, "total": 100}
NOTHING = {"available": 0, "frozen": 0, "total": 0}
GENERATE = "generate a video of a city at night"
CLIP = MediaInfo(kind="video", extension="mp4", duration=4.0, width=64, height=64, fps=30.0)
SONG = MediaInfo(kind="audio", extension="m4a", duration=4.0, audio_codec="aac")


@pytest.fixture(autouse=True)
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips and music are stood in for."""

    async def scene(_name: str, _seconds: float, _seed: int, destination: Path) -> MediaInfo:
        destination.write_bytes(b"a clip")
        return CLIP

    async def music(_mood: str, _seconds: float, destination: Path) -> MediaInfo:
        destination.write_bytes(b"a song")
        return SONG

    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_scene", scene)
    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_music", music)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "balance"),
    [("silent-not-applied", FREE), ("silent-late", NOTHING), ("silent", NOTHING)],
)
def test_a_generation_has_the_same_three_truths(
    servers: ServerFactory, new_caller: NewCaller, fault: str, balance: dict[str, int]
) -> None:
    caller = new_caller(servers.start()).connect()
    assert "functionResponse" in caller.chat(GENERATE, fault).text.split("\n\n")[-2]
    while caller.balance()["frozen"]:
        pass
    assert caller.balance() == balance
    assert len(caller.draft()["t"]) == (0 if balance == FREE else 3)


@pytest.mark.slow
def test_a_generation_that_takes_too_long_is_given_up_with_its_credits(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    caller = new_caller(servers.start(), "client").connect()
    wanted = parse_message(GENERATE)
    assert not isinstance(wanted, NoEdit)
    stages = [[PlannedToolCall(edits, Draft(), Draft())] for edits in split_stages(wanted)]
    seed = TurnSeed("client", 1, 1, GENERATE)
    plan = TurnScheduler(seed, SeededRandom(0), 15).generation(stages, None)
    times = list(itertools.accumulate(step.delay for step in plan))
    first, last = (t for t, s in zip(times, plan, strict=True) if isinstance(s.action, CommitEdits))
    assert last - first > 30
    caller.chat(GENERATE, f"stall;seconds={900 - (first + last) / 2}")
    while caller.balance()["frozen"]:
        pass
    assert caller.balance() == FREE
    assert [track["tt"] for track in caller.draft()["t"]] == [0]


@pytest.mark.slow
def test_a_clip_with_music_and_title_of_its_own_gets_nothing_added(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    """The second stage of the turn has no edits then, and the turn ends like any other."""
    caller = new_caller(servers.start(tariff=FREE_TARIFF)).connect()
    events = caller.say(f"{GENERATE}, add lofi music and add a title 'Hi'")
    assert any(isinstance(event, Text) and "Done!" in event.text for event in events)
    assert len(caller.draft()["t"]) == 3
