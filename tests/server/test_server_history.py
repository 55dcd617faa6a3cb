"""Undo and redo over the wire: their credits, silences, restarts, and generations as one step."""

from pathlib import Path

import pytest

from nemolocal_contract.turn_events import ReceivedEvent, Text
from nemolocal_render.media import MediaInfo
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

FREE = {"available": 100, "frozen": 0, "total": 100}
PAID = {"available": 50, "frozen": 0, "total": 50}
NOTHING = {"available": 0, "frozen": 0, "total": 0}
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


def texts(events: list[ReceivedEvent]) -> str:
    return " ".join(event.text for event in events if isinstance(event, Text))


@pytest.mark.slow
def test_an_undo_gives_the_draft_back_as_it_was_and_a_redo_takes_that_back(
    edited: HttpCaller,
) -> None:
    placed = edited.draft()
    edited.say("loop it")
    looped = edited.draft()
    assert looped != placed
    assert texts(edited.say("undo"))
    assert edited.draft() == placed
    edited.say("redo")
    assert edited.draft() == looped
    edited.say("undo that and add a title 'B'")
    assert [track["tt"] for track in edited.draft()["t"]] == [0, 7]
    assert edited.draft()["d"] == placed["d"]
    edited.say("undo")
    assert edited.draft() == looped


@pytest.mark.slow
def test_nothing_to_undo_is_said_and_costs_nothing(caller: HttpCaller, sample: Path) -> None:
    caller.upload(sample)
    before = caller.state()
    assert "nothing to undo" in texts(caller.say("undo"))
    assert "nothing to redo" in texts(caller.say("redo"))
    assert (caller.state(), caller.balance()) == (before, FREE)


@pytest.mark.slow
def test_what_cannot_be_done_is_told_in_the_language_of_the_session(caller: HttpCaller) -> None:
    caller.open_session(language="zh")
    assert "没有可以撤销的操作" in texts(caller.say("undo"))


@pytest.mark.slow
@pytest.mark.rule("CRD-3", "SSE-8")
def test_a_generation_is_undone_in_one_step_and_for_nothing(caller: HttpCaller) -> None:
    empty = caller.draft()
    caller.say("generate a 4-second ocean timelapse")
    full = caller.draft()
    assert len(full["t"]) == 3
    assert caller.balance() == NOTHING
    caller.say("undo")
    assert (caller.draft(), caller.balance()) == (empty, NOTHING)
    caller.say("redo")
    assert caller.draft() == full


@pytest.mark.slow
def test_editing_is_paid_once_and_an_undo_brings_no_credits_back(
    caller: HttpCaller, sample: Path
) -> None:
    caller.upload(sample)
    caller.say("loop it")
    caller.say("undo")
    assert caller.balance() == PAID
    caller.say("start over")
    assert caller.balance() == PAID


@pytest.mark.slow
@pytest.mark.rule("SSE-5")
@pytest.mark.parametrize("fault", ["silent", "silent-late"])
def test_what_came_without_a_word_is_undone_all_the_same(edited: HttpCaller, fault: str) -> None:
    placed = edited.draft()
    edited.chat("loop it", fault)
    while edited.draft() == placed:
        pass
    edited.say("undo")
    assert edited.draft() == placed


@pytest.mark.slow
def test_what_was_not_applied_is_no_step(edited: HttpCaller) -> None:
    edited.say("loop it")
    looped = edited.draft()
    edited.chat("loop it", "silent-not-applied")
    assert edited.draft() == looped
    edited.say("undo")
    assert edited.draft()["d"] * 2 == looped["d"]


@pytest.mark.slow
@pytest.mark.rule("SES-2")
def test_undo_reaches_back_across_a_restart(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path
) -> None:
    caller = new_caller(servers.start(data_dir=tmp_path)).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    placed = caller.draft()
    caller.say("loop it")
    servers.stop()
    again = new_caller(servers.start(data_dir=tmp_path))
    again.http.headers.update(caller.http.headers)
    again.session = caller.session
    again.say("undo")
    assert again.draft() == placed
