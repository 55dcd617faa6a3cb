"""`nemolocal replies from`, and the replies that `serve` lists when it ends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal.commands.serve import _print_summary
from nemolocal.journal_replies import replies_of
from nemolocal.main import main
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.journal import CreditSummary, Entry, Summary
from nemolocal_contract.responses import decode_json
from nemolocal_contract.turn_events import Heartbeat, ReceivedEvent
from nemolocal_server.serving import LocalServer
from tests.support.http_caller import HttpCaller
from tests.support.servers import server_settings

JOURNAL = "/__nemolocal__/journal?format=jsonl"
TITLE = {"t": [{"tt": 7, "sg": [{"id": "a", "s": 0, "d": 2000, "txt": "Hi"}]}]}
SCRIPT: list[dict[str, Any]] = [
    {"match": {"turn": 2}, "draft": TITLE, "say": "", "applied": "no"},
    {"match": {"turn": 3}, "edits": [], "say": "Two", "tools": [{"name": "x", "args": {"a": 1}}]},
    {"match": {"turn": 4}, "edits": [], "say": "Bye", "fault": "cut-reset;after=0"},
    {"match": {"turn": 5}, "events": [{"type": "text", "content": "a"}, {"type": "odd"}]},
    {"match": {"turn": 6}, "say": "x", "edits": [], "fault": "rate-limited"},
]


@contextmanager
def connected(scenario: str = "", *, script: bool = False) -> Iterator[HttpCaller]:
    settings = server_settings(scenario=scenario)
    replies = SCRIPT if script else []
    with LocalServer(settings, ManualClock(autojump=True), replies=replies) as server:
        caller = HttpCaller(server.base_url).connect()
        yield caller
        caller.http.close()


def talk(caller: HttpCaller) -> list[list[ReceivedEvent]]:
    """What came in turns 1, 2, 3 and 5, without heartbeats."""
    seen = [caller.say(message) for message in ("hello", "clear it", "tools")]
    with pytest.raises(httpx.TransportError):
        caller.chat("cut")
    seen.append(caller.say("raw"))
    assert caller.chat("limited").status_code == 429
    return [[event for event in events if event != Heartbeat()] for events in seen]


def test_replies_of_a_journal_answer_as_the_server_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with connected(script=True) as caller:
        seen = talk(caller)
        journal = tmp_path / "journal.jsonl"
        journal.write_bytes(caller.http.get(JOURNAL).content)
    assert main(["replies", "from", str(journal)]) == 0
    scenario = tmp_path / "replies.toml"
    scenario.write_text(capsys.readouterr().out, encoding="utf-8")
    with connected(str(scenario)) as caller:
        again = talk(caller)
        assert caller.get("/__nemolocal__/replies")["unused"] == []
    assert [again[0], *again[2:]] == [seen[0], *seen[2:]]
    # The agent does not know the edit of the second turn, which is not in the journal.
    assert main(["replies", "from", str(journal), "--session", "other"]) == 1
    assert "no chat request was answered" in capsys.readouterr().err
    assert main(["replies", "from", str(tmp_path / "none")]) == 1


def entry(**fields: object) -> Entry:
    """A chat request that was answered with a text."""
    body = {"session_id": "1", "new_message": {"parts": [{"text": "hi"}]}}
    event = {"content": {"parts": [{"text": "yes"}]}, "id": None}
    known = {
        "started": 10.0, "ended": 12.0, "ending": "complete", "method": "POST", "url": "/run_sse",
        "endpoint": "chat", "status": 200, "code": 0, "rules": [], "faults": [], "token_id": 1,
        "user_id": "u", "session_id": "1", "render_id": None, "turn": None,
        "credits_before": None, "credits_after": None, "draft_before": None, "draft_after": None,
        "request_headers": {}, "request_body": json.dumps(body), "request_size": 1,
        "response_headers": {"content-type": "text/event-stream"},
        "response_body": f"data: {json.dumps(event)}\n\n", "response_size": 1, "chunks": [],
        "speed": 50.0,
    }  # fmt: skip
    return decode_json(json.dumps({**known, **fields}), type=Entry)


def test_what_a_journal_knows_becomes_a_field_of_the_reply() -> None:
    match = {"message": {"equals": "hi"}}
    plain = {"match": match, "say": "yes", "tools": [], "wait": 100.0}
    turn = {"number": 1, "edits": 1, "truth": "late", "cost": 50}
    assert replies_of([entry()]) == [plain]
    assert replies_of([entry(turn=turn)]) == [{**plain, "credits": 50, "applied": "late"}]
    cut = entry(ending="cut by fault", faults=["cut-fin"])
    assert replies_of([cut]) == [{"match": match, "fault": "cut-fin;after=1"}]
    assert replies_of([entry(ending="cut by client")]) == []
    assert replies_of([entry(request_body="{")]) == []
    assert replies_of([entry(endpoint="state")]) == []
    twice = entry(faults=["duplicate-event"], response_body=entry().response_body * 2)
    (reply,) = replies_of([twice])
    assert len(reply["events"]) == 2
    assert "fault" not in reply


def test_serve_lists_replies_that_were_never_used(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary(0, 0, {}, 0, 0, CreditSummary(0, 0), "")
    _print_summary(summary)
    assert capsys.readouterr().err == ""
    _print_summary(Summary(0, 0, {}, 0, 0, CreditSummary(0, 0), "", ("reply-1", "b")))
    assert capsys.readouterr().err == "scripted replies never used: reply-1, b\n"


def test_calls_without_a_result_and_lines_that_are_no_json_are_kept_as_they_can_be() -> None:
    def call(name: str, kind: str) -> dict[str, Any]:
        return {
            kind: {"id": f"id-{name}", "name": name, "args" if kind[-1] == "l" else "response": {}}
        }

    def stream(*parts: dict[str, Any]) -> str:
        content = {"author": "nemo", "content": {"role": "model", "parts": list(parts)}}
        return f"data: {json.dumps(content)}\n\n"

    body = stream(call("a", "functionCall"), call("b", "functionCall"))
    body += stream(call("b", "functionResponse"), {"text": "yes"})
    (reply,) = replies_of([entry(response_body=body)])
    assert reply["tools"] == [
        {"name": "a", "args": {}},
        {"name": "b", "args": {}, "response": {}},
    ]
    broken = "data: {\n\n" + "data: [1]\n\n" + stream({"text": "yes"})
    (reply,) = replies_of([entry(response_body=broken)])
    assert [event["author"] for event in reply["events"]] == ["nemo"]
