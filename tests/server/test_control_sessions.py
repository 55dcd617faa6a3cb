"""Sessions and the versions of their drafts over the control API."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from nemolocal_agent import DraftVersion
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.describe import describe_changes
from nemolocal_contract.draft import Draft, Segment, Track, draft_from_wire
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.inspection import draft_history
from nemolocal_server.inspection.session_report import _truth, _TurnRow
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.executor import FakeRenderExecutor
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

CONTROL = "/__nemolocal__"
TRIM = "trim to the first 1 second"
TITLE = "add a title 'Hi' for 1 second"


def detail(caller: HttpCaller) -> dict[str, Any]:
    return caller.get(f"{CONTROL}/sessions/{caller.session}")


def version(caller: HttpCaller, number: int) -> dict[str, Any]:
    return caller.get(f"{CONTROL}/sessions/{caller.session}/drafts/{number}")


def test_each_turn_shows_its_versions_its_cost_and_what_was_sent(edited: HttpCaller) -> None:
    edited.say(TRIM)
    edited.say("hello")
    found = detail(edited)
    turns = found["turns"]
    assert [turn["truth"] for turn in turns] == ["applied", "applied", "talk"]
    assert [turn["versions"] for turn in turns] == [[2], [3], []]
    assert [(turn["held"], turn["cost"]) for turn in turns] == [(50, 50), (0, 0), (0, 0)]
    kinds = [event["kind"] for event in turns[1]["events"]]
    assert kinds == ["tool_call", "tool_result", "text"]
    assert found["versions"][-1]["number"] == found["session"]["version"] == 3
    assert [row["turn"] for row in found["ledger"]] == [None, 1, 1]
    assert found["ledger"][-1]["balance"] == edited.balance()["available"]


def test_the_truth_of_silent_turns_shows_also_without_the_journal(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    policy = SilentTurnPolicy(script="anl")
    caller = new_caller(servers.start(FakeRenderExecutor(), silence=policy)).connect()
    caller.upload(sample)
    for message in ("edit my raw video footage", TRIM, TITLE):
        caller.say(message)
    while detail(caller)["turns"][2]["truth"] == "pending":
        pass
    with_journal = detail(caller)
    caller.http.delete(f"{CONTROL}/journal")
    without = detail(caller)
    for found in (with_journal, without):
        truths = [(turn["silent"], turn["truth"]) for turn in found["turns"]]
        assert truths == [(True, "applied"), (True, "not_applied"), (True, "late")]
    assert found["session"]["silent"] == 3
    assert [turn["entry"] for turn in without["turns"]] == [None] * 3
    assert without["turns"][0]["events"] == []


def test_every_version_is_kept_and_the_newest_is_that_of_the_state(edited: HttpCaller) -> None:
    first = edited.draft()
    edited.say(TRIM)
    second = edited.draft()
    edited.say("undo")
    assert [version(edited, number)["draft"] for number in (2, 3, 4)] == [first, second, first]
    assert version(edited, 1)["draft"] == {"t": [], "d": 0}


def test_the_difference_of_two_versions_is_in_words_and_a_patch_that_applies(
    edited: HttpCaller,
) -> None:
    for message in (TRIM, TITLE, "make it twice as fast"):
        edited.say(message)
    drafts = {number: version(edited, number)["draft"] for number in range(1, 6)}
    path = f"{CONTROL}/sessions/{edited.session}/drafts"
    for since, number in ((2, 3), (2, 5), (5, 2), (1, 4)):
        found = edited.get(f"{path}/{number}/changes?since={since}&language=en")
        assert jsonpatch.apply_patch(drafts[since], found["patch"]) == drafts[number]
        assert found["changes"] == describe_changes(
            draft_from_wire(drafts[since]), draft_from_wire(drafts[number]), "en"
        )
    by_default = edited.get(f"{path}/4/changes")
    assert (by_default["since"], by_default["number"]) == (3, 4)
    assert by_default["changes"] == ["Title added: 'Hi' (white, top-center, 0-1s)"]
    assert "标题" in edited.get(f"{path}/4/changes?language=zh")["changes"][0]


@pytest.mark.parametrize(
    ("path", "code", "named"),
    [
        ("sessions/1", 404, "session not found"),
        ("sessions/{session}/drafts/99", 404, "no draft version 99"),
        ("sessions/{session}/drafts/-1", 400, "number from 1 on"),
        ("sessions/{session}/drafts/0", 400, "number from 1 on"),
        ("sessions/{session}/drafts/1/changes?since=x", 400, "since"),
        ("sessions/{session}/drafts/1/changes?from=1", 400, "from"),
        ("sessions/{session}/drafts/1/changes?since=7", 404, "no draft version 7"),
        ("assets/none/strip.jpg", 404, "asset not found"),
        ("renders/none", 404, "render not found"),
        ("events?since=x", 400, "since"),
    ],
)
def test_what_is_not_there_is_named(caller: HttpCaller, path: str, code: int, named: str) -> None:
    response = caller.http.get(f"{CONTROL}/{path.format(session=caller.session)}")
    body = response.json()
    assert (response.status_code, body["code"]) == (code, code)
    assert named in body["message"]


def test_sessions_of_all_tokens_are_listed_the_last_used_first(
    caller: HttpCaller, base_url: str, new_caller: NewCaller
) -> None:
    other = new_caller(base_url, "other").connect()
    listed = caller.get(f"{CONTROL}/sessions")["sessions"]
    assert [session["id"] for session in listed] == [other.session, caller.session]
    assert [session["user_id"] for session in listed] == [other.user_id, caller.user_id]


def test_a_token_in_a_message_does_not_show(edited: HttpCaller) -> None:
    token = edited.http.headers["Authorization"].removeprefix("Bearer ")
    edited.say(f"add a title '{token}'")
    for path in ("", "/drafts/3", "/drafts/3/changes"):
        assert token not in edited.http.get(f"{CONTROL}/sessions/{edited.session}{path}").text


def test_journal_entries_name_the_draft_version(edited: HttpCaller) -> None:
    edited.say(TRIM)
    entry = edited.get(f"{CONTROL}/journal?endpoint=chat")["entries"][-1]
    assert (entry["draft_version_before"], entry["draft_version_after"]) == (2, 3)


def test_deleted_data_take_their_versions_with_them(edited: HttpCaller) -> None:
    edited.post(f"{CONTROL}/reset", json={})
    assert edited.http.get(f"{CONTROL}/sessions/{edited.session}").status_code == 404
    assert edited.get(f"{CONTROL}/sessions")["sessions"] == []


def test_of_many_large_drafts_the_newest_are_described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large drafts take long to compare: a page does not wait for all of them."""
    monkeypatch.setattr(draft_history, "_MAX_COMPARED", 1200)
    services = Services(Settings(), ManualClock(), FakeRenderExecutor())
    _, token = services.create_token(NewToken(client_id="client"))
    sessions = services.context.sessions
    session = sessions.create(token, "project", "en")
    for number in range(2, 8):
        title = Segment(id="title", start_ms=0, duration_ms=number, text="x" * 200)
        draft = Draft(tracks=(Track(type=7, segments=(title,)),), duration_ms=number)
        sessions.add_version(session.id, DraftVersion(number, draft))
    found = asyncio.run(services.drafts.describe_all(session.id, range(2, 8), "en"))
    services.context.store.close()
    assert [*found] == [7, 6]
    assert all(found.values())


def test_large_drafts_are_compared_in_a_thread(
    edited: HttpCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited.say(TRIM)
    path = f"{CONTROL}/sessions/{edited.session}/drafts/3/changes"
    at_once = edited.get(path)
    threads: list[str] = []

    def describe(*arguments: Any) -> list[str]:
        threads.append(threading.current_thread().name)
        return describe_changes(*arguments)

    monkeypatch.setattr(draft_history, "describe_changes", describe)
    monkeypatch.setattr(draft_history, "_SMALL_DRAFTS", 0)
    assert edited.get(f"{path}?language=en-GB") == at_once
    assert "nemolocal-server" not in threads
    assert len(threads) == 1


@pytest.mark.parametrize(
    ("fields", "truth"),
    [
        ({"is_edit": False}, "talk"),
        ({"versions": "2", "truth": "late"}, "late"),
        ({"versions": "2"}, "applied"),
        ({"status": "running"}, "pending"),
        ({}, "not_applied"),
    ],
)
def test_a_turn_of_which_the_journal_knows_nothing_has_a_truth(
    fields: dict[str, Any], truth: str
) -> None:
    plain: dict[str, Any] = {
        "number": 1,
        "message": "trim",
        "status": "done",
        "silent": True,
        "started": 0.0,
        "ended": 1.0,
        "truth": None,
        "is_edit": True,
        "held": 0,
        "answer": None,
        "versions": None,
        "resend": False,
    }
    assert _truth(_TurnRow(**{**plain, **fields})) == truth
