"""The words that a scripted reply gives for captions, in the draft of a session with sound."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from nemolocal_agent import Silences
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.turn_events import Text
from nemolocal_server.serving import LocalServer
from nemolocal_server.turns import content_analyzer
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import server_settings

SRT = (
    "1\n00:00:00,200 --> 00:00:00,900\nHello\nyou\n\n2\n00:00:01,000 --> 00:00:09,000\n<i>Bye</i>\n"
)
Script = Callable[..., HttpCaller]


@pytest.fixture
def script(new_caller: NewCaller, sample: Path, request: pytest.FixtureRequest) -> Script:
    """Starts a server with a reply, and uploads two seconds of video with sound to it."""

    def start(reply: Mapping[str, Any]) -> HttpCaller:
        clock = ManualClock(autojump=True)
        server = LocalServer(server_settings(), clock, replies=(reply,))
        server.__enter__()
        request.addfinalizer(server.__exit__)
        caller = new_caller(server.base_url).connect()
        caller.upload(sample)
        return caller

    return start


@pytest.fixture(autouse=True)
def pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The video is silent from 0.8 to 1.2 s."""

    async def analyze(*_: object) -> Silences:
        return Silences(((800, 1200),))

    monkeypatch.setattr(content_analyzer, "run_analysis", analyze)


def captions(caller: HttpCaller) -> list[tuple[int, int, str]]:
    """Start, end and text of each caption, in order."""
    return sorted(
        (segment["s"], segment["s"] + segment["d"], segment["txt"])
        for track in caller.draft()["t"]
        if track["tt"] == 7
        for segment in track["sg"]
    )


def said(caller: HttpCaller, message: str) -> str:
    return "".join(event.text for event in caller.say(message) if isinstance(event, Text))


@pytest.mark.slow
def test_texts_are_the_words_of_the_captions_that_the_message_asks_for(script: Script) -> None:
    caller = script({"captions": ["One", "Two"]})
    text = said(caller, "trim to the first 2 seconds and add captions")
    assert "added captions where there is sound" in text
    assert "placeholders" not in text
    assert captions(caller) == [(0, 800, "One"), (1200, 2000, "Two")]
    # The reply is used up: the next ones are placeholders again.
    assert "placeholders" in said(caller, "add captions")
    assert [caption[2] for caption in captions(caller)] == ["[caption 1]", "[caption 2]"]


@pytest.mark.slow
def test_there_is_a_caption_for_each_text(script: Script) -> None:
    words = [f"word {number}" for number in range(7)]
    caller = script({"edits": [{"edit": "add-captions"}], "captions": words, "say": "Done!"})
    assert said(caller, "do as the script says") == "Done!"
    found = captions(caller)
    assert [caption[2] for caption in found] == words
    assert all(end <= 800 or start >= 1200 for start, end, _ in found)


@pytest.mark.slow
def test_srt_of_a_reply_has_its_own_times(script: Script) -> None:
    caller = script({"captions": SRT, "applied": "late", "say": ""})
    assert said(caller, "add captions") == ""
    caller.post("/__nemolocal__/clock/advance", json={"seconds": 600})
    assert captions(caller) == [(200, 900, "Hello\nyou"), (1000, 2000, "<i>Bye</i>")]


@pytest.mark.slow
def test_captions_of_a_reply_add_none_by_themselves(script: Script) -> None:
    caller = script({"captions": SRT})
    assert "Done" in said(caller, "make it black and white")
    assert captions(caller) == []
