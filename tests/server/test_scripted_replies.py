"""Scripted replies over a socket: what a client sees, what it costs and what is counted."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import CONTROL_TOKEN, FAULT, REPLY
from nemolocal_contract.turn_events import Heartbeat, Text, ToolCall, ToolResult
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from tests.support.http_caller import HttpCaller
from tests.support.servers import ServerFactory, server_settings

REPLIES = "/__nemolocal__/replies"
TITLE = {"t": [{"tt": 7, "sg": [{"id": "a", "s": 0, "d": 2000, "txt": "Hi"}]}]}
NewServer = Callable[..., HttpCaller]


@pytest.fixture
def scripted() -> Iterator[NewServer]:
    """Starts a server with these replies and connects to it."""
    servers: list[LocalServer] = []
    callers: list[HttpCaller] = []

    def start(*replies: Mapping[str, Any], settings: Settings | None = None) -> HttpCaller:
        clock = ManualClock(autojump=True)
        server = LocalServer(settings or server_settings(), clock, replies=replies)
        servers.append(server.__enter__())
        callers.append(HttpCaller(server.base_url).connect())
        return callers[-1]

    yield start
    for caller in callers:
        caller.http.close()
    for server in servers:
        server.__exit__()


def uses(caller: HttpCaller) -> dict[str, int]:
    return {reply["name"]: reply["uses"] for reply in caller.get(REPLIES)["replies"]}


def journal(caller: HttpCaller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get("/__nemolocal__/journal?endpoint=chat")["entries"]
    return found


def test_a_reply_says_when_what_and_for_how_much(scripted: NewServer) -> None:
    tools = [{"name": "add_subtitles", "args": {"a": 1}, "response": {"status": "success"}}]
    caller = scripted(
        {"match": {"message": "ADD captions"}, "draft": TITLE, "say": "Done! I added captions.",
         "tools": tools, "wait": 40.0, "credits": 7},
    )  # fmt: skip
    start = caller.get("/__nemolocal__/clock")["time"]
    events = caller.say("please add captions")
    assert events == [
        ToolCall("call-1", "add_subtitles", {"a": 1}),
        Heartbeat(),
        ToolResult("call-1", "add_subtitles", {"status": "success"}),
        Text("Done! I added captions."),
    ]
    assert caller.get("/__nemolocal__/clock")["time"] - start == pytest.approx(40.0, abs=0.01)
    assert caller.draft() == {**TITLE, "d": 2000}
    assert caller.balance()["available"] == 93
    (entry,) = journal(caller)
    assert (entry["reply"], entry["turn"]["truth"], entry["turn"]["cost"]) == (
        "reply-1",
        "applied",
        7,
    )
    # It was used once, so the agent answers now.
    assert isinstance(caller.say("please add captions")[-1], Text)
    assert "reply" not in journal(caller)[1]
    assert caller.get(REPLIES)["unused"] == []


def test_silent_cut_and_late_replies(scripted: NewServer) -> None:
    caller = scripted(
        {"match": {"turn": 1}, "draft": TITLE, "say": "", "applied": "no"},
        {"match": {"turn": 2}, "draft": TITLE, "say": "", "applied": "late", "credits": 9},
        {"match": {"turn": 3}, "edits": [], "say": "Bye", "fault": "cut-reset;after=0"},
        {"match": {"turn": 4}, "edits": [], "say": "Hi", "fault": "rate-limited"},
        {"match": {"turn": 4}, "edits": [], "say": "Hi", "credits": 3},
    )
    assert not [event for event in caller.say("one") if isinstance(event, Text)]
    assert caller.draft() == {"t": [], "d": 0}
    assert not [event for event in caller.say("two") if isinstance(event, Text)]
    caller.http.post("/__nemolocal__/clock/advance", json={"seconds": 60})
    assert caller.draft()["d"] == 2000
    with pytest.raises(httpx.ReadError):
        caller.chat("three")
    assert caller.chat("four").status_code == 429
    assert caller.say("four") == [Text("Hi")]
    assert caller.balance() == {"available": 88, "frozen": 0, "total": 88}
    entries = journal(caller)
    assert [entry["turn"] and entry["turn"]["truth"] for entry in entries] == [
        "not_applied", "late", "talk", None, "talk",
    ]  # fmt: skip
    assert [entry["faults"] for entry in entries][2:4] == [["cut-reset"], ["rate-limited"]]
    assert entries[2]["ending"] == "cut by fault"
    assert set(uses(caller).values()) == {1}


def test_raw_events_are_sent_as_they_are(scripted: NewServer) -> None:
    events = [{"type": "text", "content": "typed"}, {"odd": [1, None]}]
    caller = scripted({"events": events, "wait": 0, "draft": TITLE})
    frames = caller.chat("go").content.decode().split("\n\n")
    assert [json.loads(frame.removeprefix("data: ")) for frame in frames if frame] == events
    assert caller.draft()["d"] == 2000
    assert journal(caller)[0]["turn"]["silent"] is False


def test_a_patch_changes_the_draft_that_is_there_or_is_refused(scripted: NewServer) -> None:
    patch = [{"op": "replace", "path": "/t/0/sg/0/txt", "value": "Ho"}]
    caller = scripted(
        {"draft_patch": patch, "say": "Patched"}, {"draft": TITLE}, {"draft_patch": patch}
    )
    (refusal,) = [event for event in caller.say("patch") if isinstance(event, Text)]
    assert "the JSON Patch does not fit the draft" in refusal.text
    caller.say("draft")
    assert isinstance(caller.say("patch")[-1], Text)
    assert caller.draft()["t"][0]["sg"][0]["txt"] == "Ho"
    caller.say("undo")
    assert caller.draft()["t"][0]["sg"][0]["txt"] == "Hi"


def test_what_a_reply_leaves_out_the_agent_decides(scripted: NewServer) -> None:
    caller = scripted({"wait": 1.0}, {"say": "Mine"}, {"edits": [{"edit": "start-over"}]})
    agent = caller.say("hello")
    assert isinstance(agent[0], Text)
    assert agent[0].text.startswith("Hi! I can cut")
    assert caller.say("hello") == [Text("Mine")]
    (refused,) = [event for event in caller.say("hello") if isinstance(event, Text)]
    assert "the timeline is empty already" in refused.text


def test_the_first_reply_that_matches_is_taken(scripted: NewServer) -> None:
    def reply(say: str, **match: Any) -> dict[str, Any]:
        return {"name": say, "match": match, "say": say, "edits": [], "times": 0, "wait": 0}

    caller = scripted(
        reply("other client", client="client-2"),
        reply("other session", session="1"),
        reply("chinese", language="zh"),
        reply("equal", message={"equals": "Trim it"}),
        reply("pattern", message={"regex": r"^\d+ clips$"}),
        reply("contains", message={"contains": "TRIM"}),
        reply("second", turn=5),
    )
    messages = ["Trim it", "12 clips", "please trim it", "so 12 clips", "so 12 clips"]
    said = [caller.say(message)[-1] for message in messages]
    assert said[:3] == [Text("equal"), Text("pattern"), Text("contains")]
    assert said[3] not in (Text("second"), Text("pattern"))
    assert said[4] == Text("second")
    caller.open_session(language="zh")
    assert caller.say("x") == [Text("chinese")]
    assert caller.get(REPLIES)["unused"] == ["other client", "other session"]


def test_replies_are_added_listed_and_deleted_by_the_control_api(caller: HttpCaller) -> None:
    reply = {"match": {"message": "x"}, "edits": [], "say": "Hi"}
    assert caller.post(REPLIES, json=reply) == {"name": "reply-1"}
    assert caller.post(REPLIES, json={**reply, "name": "mine"}) == {"name": "mine"}
    assert caller.get(REPLIES) == {
        "replies": [
            {"name": "reply-1", "uses": 0, "reply": reply},
            {"name": "mine", "uses": 0, "reply": {"name": "mine", **reply}},
        ],
        "unused": ["reply-1", "mine"],
    }
    summary = caller.get("/__nemolocal__/journal/summary")
    assert summary["unused_replies"] == ["reply-1", "mine"]
    refused = caller.http.post(REPLIES, json={**reply, "match": {"message": {"regex": "("}}})
    assert refused.status_code == 400
    assert refused.json()["message"].startswith("body: match.message.regex: '(' is not a regular")
    assert caller.http.delete(REPLIES).json() == {"deleted": ["reply-1", "mine"]}
    assert "unused_replies" not in caller.get("/__nemolocal__/journal/summary")


def test_a_header_is_the_reply_of_its_own_request(
    servers: ServerFactory, caller: HttpCaller, new_caller: Callable[[str], HttpCaller]
) -> None:
    def status(caller: HttpCaller, header: Mapping[str, str]) -> tuple[int, str]:
        reply = caller.http.post("/run_sse", json=caller.turn("hello"), headers=header)
        return reply.status_code, reply.text

    value = json.dumps({"edits": [], "say": "Grüße"})
    code, text = status(caller, {REPLY: value})
    assert (code, "Grüße" in text) == (200, True)
    assert journal(caller)[0]["reply"] == "header"
    assert "Hi! I can cut" in status(caller, {FAULT: ""})[1]
    code, text = status(caller, {REPLY: '{"say": 1}'})
    assert (code, f"header {REPLY}: say: Expected" in text) == (400, True)
    assert status(caller, {REPLY: "no JSON"})[0] == 400
    closed = new_caller(servers.start(control=False)).connect()
    assert "Grüße" not in status(closed, {REPLY: value})[1]
    guarded = new_caller(servers.start(control_token="ctl_secret")).connect()
    assert status(guarded, {REPLY: value})[0] == 400
    assert "Grüße" in status(guarded, {REPLY: value, CONTROL_TOKEN: "ctl_secret"})[1]


def test_reset_and_snapshot_treat_replies_and_their_counts(scripted: NewServer) -> None:
    """A snapshot keeps them, a restore brings them back, a reset returns to those of the start."""
    caller = scripted({"name": "first", "edits": [], "say": "one", "times": 2})
    caller.say("x")
    caller.post(REPLIES, json={"name": "added", "edits": [], "say": "two"})
    snapshot = caller.post("/__nemolocal__/snapshot", json={})["id"]
    caller.say("x")
    caller.say("x")
    assert uses(caller) == {"first": 2, "added": 1}
    caller.post("/__nemolocal__/restore", json={"id": snapshot})
    assert uses(caller) == {"first": 1, "added": 0}
    assert [caller.say("x") for _ in range(2)] == [[Text("one")], [Text("two")]]
    caller.post("/__nemolocal__/reset", json={"token_id": 1})
    assert uses(caller) == {"first": 2, "added": 1}
    caller.post("/__nemolocal__/reset", json={})
    assert uses(caller) == {"first": 0}


def test_a_name_that_exists_and_the_reply_that_is_one_too_many_are_refused(
    scripted: NewServer,
) -> None:
    caller = scripted(*[{"say": "x"}] * 999)
    assert caller.post(REPLIES, json={"name": "last", "say": "x"})["name"] == "last"
    full = caller.post(REPLIES, json={"say": "x"})
    assert (full["code"], "there are 1000 replies already: delete" in full["message"]) == (
        400,
        True,
    )
    caller.http.delete(REPLIES)
    caller.post(REPLIES, json={"name": "first", "say": "x"})
    again = caller.post(REPLIES, json={"name": "first", "say": "y"})
    assert again["code"] == 400
    assert "a reply named 'first' exists already" in again["message"]
    assert uses(caller) == {"first": 0}


def test_a_reply_of_a_snapshot_that_is_no_reply_any_more_is_left_out(
    scripted: NewServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another release may have written it."""
    caller = scripted(
        {"name": "a", "say": "x"}, {"name": "b", "say": "y"},
        settings=server_settings(data_dir=tmp_path),
    )  # fmt: skip
    snapshot = caller.post("/__nemolocal__/snapshot", json={})["id"]
    (database,) = (tmp_path / "snapshots" / snapshot).glob("*.sqlite3")
    with contextlib.closing(sqlite3.connect(database)) as db, db:
        db.execute("""UPDATE replies SET reply = '{"sya": "x"}' WHERE name = 'a'""")
    assert caller.post("/__nemolocal__/restore", json={"id": snapshot}) == {"id": snapshot}
    assert uses(caller) == {"b": 0}
    assert "the reply a of the snapshot is left out" in caplog.text


@pytest.mark.parametrize(
    "fault",
    ["duplicate-event", "bad-json", "split-utf8", "split-frames", "slow-bytes", "late-heartbeat",
     "line-separator", "temporary-issue", "silent"],
)  # fmt: skip
def test_a_turn_that_cannot_start_is_refused_whatever_the_fault_of_its_reply(
    scripted: NewServer, fault: str
) -> None:
    caller = scripted({"edits": [], "say": "x", "credits": 101, "fault": fault})
    refused = caller.chat("x")
    assert (refused.status_code, refused.json()["code"]) == (200, 2001)
    assert caller.balance()["available"] == 100


def test_a_late_scripted_edit_survives_a_restart(tmp_path: Path) -> None:
    reply = {"draft": TITLE, "say": "", "applied": "late", "credits": 5}
    settings = server_settings(data_dir=tmp_path)
    clock = ManualClock(autojump=True)
    with clock.hold(60.0), LocalServer(settings, clock, replies=[reply]) as server:
        caller = HttpCaller(server.base_url).connect()
        caller.say("go")
    caller.http.close()
    with LocalServer(settings, ManualClock(autojump=True)) as server:
        again = HttpCaller(server.base_url)
        again.http.headers["Authorization"] = caller.http.headers["Authorization"]
        again.session = caller.session
        while again.balance()["frozen"]:
            pass
        assert (again.balance()["available"], again.draft()["d"]) == (95, 2000)
        again.http.close()


@pytest.mark.slow
def test_too_few_credits_are_2001_whatever_the_reply_costs(scripted: NewServer) -> None:
    caller = scripted({"edits": [], "say": "x", "credits": 101})
    assert caller.chat("x").json()["code"] == 2001
    assert caller.balance()["available"] == 100


@pytest.mark.slow
def test_a_scripted_wait_is_limited_like_every_turn(scripted: NewServer) -> None:
    caller = scripted({"edits": [], "say": "x", "wait": 1000, "credits": 5})
    assert set(caller.say("x")) == {Heartbeat()}
    assert caller.balance() == {"available": 100, "frozen": 0, "total": 100}
