"""Turns over the wire: the draft changes, the words or the silence come, the credits move."""

import json
from pathlib import Path

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.turn_events import Heartbeat, ReceivedEvent, Text, ToolCall, ToolResult
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

HELLO_COST = {"available": 100, "frozen": 0, "total": 100}
PAID = {"available": 50, "frozen": 0, "total": 50}


def texts(events: list[ReceivedEvent]) -> str:
    return " ".join(event.text for event in events if isinstance(event, Text))


@pytest.mark.slow
@pytest.mark.rule("SSE-1", "SSE-2", "STA-1")
def test_an_edit_changes_the_draft_and_says_so(caller: HttpCaller, sample: Path) -> None:
    caller.upload(sample)
    events = caller.say("trim to the first 1 second")
    kinds = [type(event) for event in events if not isinstance(event, Heartbeat)]
    assert kinds == [ToolCall, ToolResult, Text]
    assert "kept the first 1s" in texts(events)
    (track,) = caller.draft()["t"]
    assert (track["tt"], track["sg"][0]["d"]) == (0, 1000)
    state = caller.state()["state"]
    assert state["canvas_config"] == {"width": 1280, "height": 720, "ratio": "16:9"}
    assert track["sg"][0]["src"] == state["video_infos"][0]["id"]


@pytest.mark.slow
@pytest.mark.rule("SSE-5")
def test_a_silent_edit_changes_the_draft_without_a_word(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    caller = new_caller(servers.start(silent_rate=1.0)).connect()
    caller.upload(sample)
    events = caller.say("trim to the first 1 second")
    assert texts(events) == ""
    assert {type(event) for event in events} >= {ToolCall, ToolResult}
    assert caller.draft()["d"] == 1000


@pytest.mark.slow
@pytest.mark.rule("SSE-5")
def test_silence_follows_the_seed_and_the_key_not_the_order(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    def silences(clients: list[str]) -> dict[str, bool]:
        base_url = servers.start(seed=3, silent_rate=0.5)
        heard = {}
        for client in clients:
            caller = new_caller(base_url, client).connect()
            caller.upload(sample)
            heard[client] = not texts(caller.say("compress it"))
        return heard

    clients = [f"client-{n}" for n in range(8)]
    assert silences(clients) == silences(clients[::-1])
    assert len(set(silences(clients).values())) == 2


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_music_is_composed_and_lies_under_the_video(caller: HttpCaller, sample: Path) -> None:
    caller.upload(sample)
    caller.say("add lo-fi background music at 35% volume")
    (music,) = caller.state()["state"]["generated_media"]
    assert music["duration"] >= 2
    (segment,) = caller.draft()["t"][1]["sg"]
    assert (segment["src"], segment["v"]) == (music["id"], 0.35)
    assert caller.http.get(music["cdn_url"]).status_code == 200


@pytest.mark.slow
@pytest.mark.rule("CRD-3")
def test_editing_costs_fifty_once_a_session_and_talk_nothing(
    caller: HttpCaller, sample: Path
) -> None:
    caller.upload(sample)
    assert "Drag and drop" in texts(caller.say("hello"))
    assert caller.balance() == HELLO_COST
    for message in ("trim to the first 1 second", "compress it", 'add a title "x"'):
        caller.say(message)
        assert caller.balance() == PAID


@pytest.mark.slow
@pytest.mark.parametrize("message", ["make it pretty", "compress it", "how do I trim?"])
@pytest.mark.rule("CRD-3")
def test_what_is_not_done_changes_and_costs_nothing(caller: HttpCaller, message: str) -> None:
    before = caller.state()
    assert texts(caller.say(message))
    assert caller.state() == before
    assert caller.balance() == HELLO_COST


@pytest.mark.slow
@pytest.mark.rule("CRD-4", "SES-4")
def test_too_few_credits_is_2001_with_the_registration_link(
    caller: HttpCaller, sample: Path
) -> None:
    for _ in range(2):
        caller.open_session().upload(sample)
        caller.say("compress it")
    caller.open_session().upload(sample)
    before = caller.draft()
    reply = caller.chat("compress it").json()
    assert reply["code"] == 2001
    assert f"?bind={caller.user_id}" in reply["message"]
    assert caller.draft() == before
    assert caller.balance() == {"available": 0, "frozen": 0, "total": 0}
    assert texts(caller.say("hello"))


@pytest.mark.slow
@pytest.mark.rule("CRD-1", "CRD-2")
def test_credits_are_frozen_while_the_edit_runs(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    clock = ManualClock()
    caller = new_caller(servers.start(clock=clock)).connect()
    caller.upload(sample)
    with caller.http.stream("POST", "/run_sse", json=caller.turn("compress it")) as response:
        assert response.status_code == 200
        assert caller.balance() == {"available": 50, "frozen": 50, "total": 100}


@pytest.mark.slow
@pytest.mark.rule("SSE-7")
def test_the_work_goes_on_when_the_client_hangs_up(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    clock = ManualClock(autojump=True)
    caller = new_caller(servers.start(clock=clock)).connect()
    caller.upload(sample)
    with clock.hold(), caller.http.stream("POST", "/run_sse", json=caller.turn("compress it")):
        pass
    while caller.balance()["frozen"]:
        pass
    assert caller.balance() == PAID
    assert caller.draft()["m"]["compress"] == {"mode": "rtk"}


@pytest.mark.slow
@pytest.mark.rule("CRD-2")
def test_a_defect_in_the_work_gives_the_credits_back(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_music(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_music", no_music)
    caller = new_caller(servers.start()).connect()
    caller.upload(sample)
    before = caller.draft()
    assert texts(caller.say("add calm music")) == ""
    assert caller.draft() == before
    while caller.balance()["frozen"]:
        pass
    assert caller.balance() == HELLO_COST


@pytest.mark.slow
def test_a_failure_of_the_work_is_said_and_costs_nothing(
    servers: ServerFactory,
    new_caller: NewCaller,
    sample: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no_music(*_: object) -> None:
        raise FFmpegFailed("the disk is full")

    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_music", no_music)
    caller = new_caller(servers.start()).connect()
    caller.upload(sample)
    assert "the disk is full" in texts(caller.say("add calm music"))
    assert caller.balance() == HELLO_COST


@pytest.mark.slow
@pytest.mark.rule("SSE-2")
def test_the_stream_is_adk_by_default_and_typed_on_request(
    servers: ServerFactory, new_caller: NewCaller, caller: HttpCaller
) -> None:
    frames = [
        line for line in caller.chat("hello").text.split("\n\n") if line.startswith("data: {")
    ]
    assert json.loads(frames[-1][6:])["content"]["role"] == "model"
    typed = (
        new_caller(servers.start(sse="typed", heartbeat="event", heartbeat_seconds=2.0))
        .connect()
        .chat("hello")
        .text
    )
    events = [json.loads(frame[6:]) for frame in typed.split("\n\n") if frame]
    assert events[0] == {"type": "heartbeat"}
    assert events[-1]["type"] == "text"


@pytest.mark.slow
@pytest.mark.rule("SSE-3")
def test_heartbeats_are_empty_data_lines(servers: ServerFactory, new_caller: NewCaller) -> None:
    body = new_caller(servers.start(heartbeat_seconds=2.0)).connect().chat("hello").content
    assert body.startswith(b"data:\n\ndata:\n\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "session_id"),
        ({"session_id": 5, "new_message": {"parts": []}}, "session_id"),
        ({"session_id": "1", "new_message": {"parts": [{}]}}, "parts"),
        ({"session_id": "SID", "new_message": {"parts": []}}, "new_message.parts"),
        ({"session_id": "SID", "new_message": {"parts": [{"text": "x" * 20_001}]}}, "20000"),
        ([], "object"),
    ],
)
@pytest.mark.rule("GEN-6", "SSE-1")
def test_a_bad_body_is_400_and_names_the_field(caller: HttpCaller, body: object, said: str) -> None:
    if isinstance(body, dict) and body.get("session_id") == "SID":
        body["session_id"] = caller.session
    response = caller.http.post("/run_sse", json=body)
    assert (response.status_code, response.json()["code"]) == (400, 400)
    assert said in response.json()["message"]


@pytest.mark.slow
def test_a_user_id_of_somebody_else_is_1002(caller: HttpCaller) -> None:
    reply = caller.post("/run_sse", json={**caller.turn("hello"), "user_id": "anon_other"})
    assert reply["code"] == 1002


@pytest.mark.slow
def test_streams_of_a_second_server_in_the_process_are_not_cut(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    assert texts(new_caller(servers.start()).connect().say("hello"))
    servers.stop()
    assert texts(new_caller(servers.start()).connect().say("hello"))


@pytest.mark.slow
@pytest.mark.rule("SSE-10")
def test_the_language_of_the_session_is_the_language_of_the_answer(caller: HttpCaller) -> None:
    caller.open_session(language="zh")
    assert "拖拽" in texts(caller.say("hello"))


@pytest.mark.slow
def test_connection_is_refused_in_words_when_the_session_is_gone(caller: HttpCaller) -> None:
    response: httpx.Response = caller.http.post(
        "/run_sse", json={**caller.turn("hello"), "session_id": "1" * 19}
    )
    assert response.json() == {
        "code": 1002, "message": f"Session not found: {'1' * 19}", "data": None
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.rule("SSE-8", "CRD-3")
def test_a_generation_puts_a_clip_then_music_and_a_title_on_the_timeline(
    caller: HttpCaller,
) -> None:
    text = texts(caller.say("generate a 2-second ocean timelapse"))
    assert "generated a 2s clip: ocean timelapse" in text
    assert caller.balance() == {"available": 0, "frozen": 0, "total": 0}
    video, music, title = caller.draft()["t"]
    assert (video["tt"], video["sg"][0]["d"]) == (0, 2000)
    assert (music["tt"], music["sg"][0]["v"]) == (1, 0.35)
    assert (title["tt"], title["sg"][0]["txt"]) == (7, "Ocean Timelapse")
    media = caller.state()["state"]["generated_media"]
    assert [m["file_type"] for m in media] == ["video", "audio"]
    assert caller.chat("compress it").json()["code"] == 2001
