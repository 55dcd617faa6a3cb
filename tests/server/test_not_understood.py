"""Messages that are not understood: a stand-in, a question or a refusal, and the journal."""

from pathlib import Path
from typing import Any

import pytest

from nemolocal.client_report import count_simulated, report_lines
from nemolocal_agent import NoEdit, write_question_reply
from nemolocal_agent.edits.stand_in_edits import stand_in_for
from nemolocal_conformance.verdicts import ConformanceReport
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.journal import Entry
from nemolocal_contract.responses import decode_json, encode_json
from nemolocal_contract.turn_events import Text, ToolCall, ToolResult
from nemolocal_server.settings_loader import load_settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

WISH = "make it flibber the wobble"
PAID = {"available": 50, "frozen": 0, "total": 50}


def chats(caller: HttpCaller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get("/__nemolocal__/journal?endpoint=chat")["entries"]
    return found


def texts(events: list[Any]) -> list[str]:
    return [event.text for event in events if isinstance(event, Text)]


def test_try_is_a_charged_edit_that_is_marked_as_simulated(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    caller = new_caller(servers.start(not_understood="try")).connect()
    caller.upload(sample)
    events = caller.say(WISH)
    call = next(event for event in events if isinstance(event, ToolCall))
    assert call.args["operations"][0]["action"] == "simulate_edit"
    assert any(isinstance(event, ToolResult) for event in events)
    (text,) = texts(events)
    assert text.startswith(f'Done! I simulated "{WISH}": the local server cannot do this')
    (segment,) = caller.draft()["t"][1]["sg"]
    assert segment["txt"] == f"[simulated] {WISH}"
    assert segment["m"] == {"simulated": True, "request": WISH}
    assert caller.balance() == PAID
    caller.say("undo")
    assert len(caller.draft()["t"]) == 1
    caller.say("hello")
    turns = [entry["turn"] for entry in chats(caller)]
    assert [turn["understood"] for turn in turns] == ["none", "full", "full"]
    summary = caller.get("/__nemolocal__/journal/summary")
    assert summary["simulated"] == 1
    assert "3 turns (1 simulated), which would have cost 50 credits" in summary["line"]
    entries = [decode_json(encode_json(entry), type=Entry) for entry in chats(caller)]
    assert count_simulated(entries) == 1
    report = ConformanceReport(base_url="", version="", ours=True, verdicts=(), alternatives={})
    first = next(iter(report_lines(report, "x", 3, 1)))
    assert first == "1 turn simulated: the local server did not understand them"


def test_a_token_has_its_own_way_and_the_server_the_rest(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    caller = new_caller(servers.start()).connect()
    caller.upload(sample)
    (refusal,) = texts(caller.say(WISH))
    assert refusal.startswith("I did not understand")
    tokens = "/__nemolocal__/tokens"
    changed = caller.post(f"{tokens}/1", json={"not_understood": "ask"})
    assert changed["not_understood"] == "ask"
    (question,) = texts(caller.say(WISH))
    assert question.startswith(f'What should I do for "{WISH}"?')
    caller.post(f"{tokens}/1", json={"not_understood": "try"})
    assert texts(caller.say(WISH))[0].startswith("Done! I simulated")
    caller.post(f"{tokens}/1", json={"not_understood": None})
    assert texts(caller.say(WISH))[0].startswith("I did not understand")
    made = caller.post(tokens, json={"not_understood": "try"})
    assert made["not_understood"] == "try"
    assert caller.http.post(tokens, json={"not_understood": "guess"}).status_code == 400
    assert [entry["turn"]["truth"] for entry in chats(caller)] == [
        "talk", "talk", "applied", "talk",
    ]  # fmt: skip


def test_a_stand_in_is_silent_and_late_like_every_edit(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {
        "not_understood": "try",
        "data_dir": tmp_path,
        "silence": SilentTurnPolicy(script="l", late_seconds=60.0),
    }
    clock = ManualClock(autojump=True)
    with clock.hold(60.0):
        caller = new_caller(servers.start(clock=clock, **settings)).connect()
        caller.upload(sample)
        assert texts(caller.say(WISH)) == []
        servers.stop()
    again = new_caller(servers.start(**settings))
    again.http.headers["Authorization"] = caller.http.headers["Authorization"]
    again.session = caller.session
    while again.balance()["frozen"]:
        pass
    assert again.draft()["t"][1]["sg"][0]["m"]["simulated"] is True


@pytest.mark.slow
def test_a_reply_with_its_own_text_needs_no_stand_in(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    caller = new_caller(servers.start(not_understood="try")).connect()
    caller.post("/__nemolocal__/replies", json={"say": "Mine"})
    assert texts(caller.say(WISH)) == ["Mine"]
    (text,) = texts(caller.say(WISH))
    assert "there is no video to work on yet" in text


def test_long_wishes_are_cut_and_questions_are_asked_in_both_languages() -> None:
    (edit,) = stand_in_for(NoEdit("unknown"), "make\n  it " + "x" * 100)
    assert edit.request == "make it " + "x" * 51 + "…"
    wish = NoEdit("unknown", "flibber")
    assert "nothing was charged" in write_question_reply(wish, "en", "m")
    assert "charged" not in write_question_reply(wish, "en", "m", gui=False)
    assert "“flibber”具体要怎么做" in write_question_reply(wish, "zh-CN", "m")


def test_a_default_of_the_command_gives_way_to_the_file_and_the_options(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('not_understood = "ask"', encoding="utf-8")
    defaults = {"not_understood": "try"}
    assert load_settings().not_understood == "refuse"
    assert load_settings(defaults=defaults).not_understood == "try"
    assert load_settings(file, defaults=defaults).not_understood == "ask"
    given = {"not_understood": "refuse"}
    assert load_settings(file, given, defaults=defaults).not_understood == "refuse"
