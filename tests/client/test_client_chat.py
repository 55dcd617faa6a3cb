"""A turn over real connections: spoken, silent, cut; sent once whatever happens."""

from itertools import pairwise
from typing import Any

import pytest

from nemolocal_client import (
    BadReply,
    CannotConnect,
    Client,
    Notice,
    OutOfCredits,
    SessionNotFound,
    TurnFailed,
)
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import (
    Answer,
    Cut,
    DraftFactory,
    Piece,
    ReceivedRequest,
    Replies,
    ScriptedBackend,
)

CHAT = "/run_sse"
STATE = "/api/state"


def gaps(requests: list[ReceivedRequest]) -> list[float]:
    """Seconds of the clock between requests."""
    return [b.at - a.at for a, b in pairwise(requests)]


def after(backend: ScriptedBackend, answer: list[Piece], changed: dict[str, Any]) -> Answer:
    """An answer after which the draft is another one."""

    def respond(_: ReceivedRequest) -> list[Piece]:
        backend.draft = changed
        return answer

    return respond


@pytest.mark.slow
def test_message_is_sent_in_the_shape_of_the_contract(
    client: Client, backend: ScriptedBackend
) -> None:
    client.say("make it brighter")
    (request,) = backend.of(CHAT)
    assert request.json == {
        "app_name": "nemo_agent",
        "user_id": "me",
        "session_id": "1" * 19,
        "new_message": {"parts": [{"text": "make it brighter"}]},
    }
    assert request.headers["accept"] == "text/event-stream"


@pytest.mark.slow
def test_texts_are_shown_and_tool_calls_are_not(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    result = wire.event(functionResponse={"id": "1", "name": "edit", "response": {"secret": 1}})
    stream = wire.stream(wire.tool(), b"data:\n\n", result, wire.text("Made it brighter."))
    backend.arm(CHAT, stream)
    turn = client.say("brighter")
    assert turn.lines == ("Made it brighter.",)
    assert not turn.silent


@pytest.mark.slow
def test_silent_turn_reads_the_state_and_says_what_changed(
    client: Client, backend: ScriptedBackend, wire: Replies, make_draft: DraftFactory
) -> None:
    silent = wire.stream(wire.tool(), b"data:\n\n")
    backend.arm(CHAT, after(backend, silent, make_draft("beach", "city")))
    turn = client.say("add the city")
    assert turn.silent
    assert "Video added: city (5-10s)" in turn.changes
    assert len(backend.of(CHAT)) == 1
    # Once before the turn to compare with, once after it, at once.
    assert gaps(backend.of(STATE)) == [0]


@pytest.mark.slow
def test_silent_turn_that_is_applied_late_is_waited_for(
    client: Client, backend: ScriptedBackend, wire: Replies, make_draft: DraftFactory
) -> None:
    backend.arm(CHAT, wire.stream(wire.tool()))
    same, late = backend.state(backend.draft), backend.state(make_draft("beach", length=4000))
    backend.arm(STATE, same, same, same, late)
    turn = client.say("trim")
    assert turn.changes[-1] == "Total length changed from 10s to 4s"
    assert gaps(backend.of(STATE)) == [0, 30, 60]


@pytest.mark.slow
def test_silent_turn_that_changes_nothing_is_reported_as_failed(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.stream(wire.tool()))
    with pytest.raises(TurnFailed, match="nothing on the timeline changed"):
        client.say("trim")
    assert len(backend.of(CHAT)) == 1
    assert len(backend.of(STATE)) == 1 + 5


def test_change_beside_the_timeline_counts_and_is_said(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.stream(wire.tool()))
    same = backend.state(backend.draft)
    backend.arm(STATE, same, backend.state(backend.draft, generated_media=[{"id": 1}]))
    assert "no visible difference" in client.say("generate").changes[0]


@pytest.mark.slow
@pytest.mark.parametrize("reset", [False, True])
def test_cut_stream_is_never_sent_again_and_the_state_is_read_after_30_then_60_seconds(
    client: Client,
    backend: ScriptedBackend,
    wire: Replies,
    cut: type[Cut],
    make_draft: DraftFactory,
    reset: bool,
) -> None:
    backend.arm(CHAT, wire.stream(wire.tool(), cut(reset=reset)))
    same, changed = backend.state(backend.draft), backend.state(make_draft("city"))
    backend.arm(STATE, same, same, changed)
    turn = client.say("use the city instead")
    assert turn.cut
    assert turn.changes == ("Removed Video: beach (0-10s)", "Video added: city (0-10s)")
    assert gaps(backend.of(STATE)) == [30, 60]
    assert len(backend.of(CHAT)) == 1


@pytest.mark.slow
def test_cut_stream_fails_after_five_unchanged_reads(
    client: Client, backend: ScriptedBackend, wire: Replies, cut: type[Cut], notices: list[Notice]
) -> None:
    backend.arm(CHAT, wire.stream(wire.text("Working on it."), cut()))
    with pytest.raises(TurnFailed, match="the connection was lost") as caught:
        client.say("trim")
    assert gaps(backend.of(STATE)) == [30, 60, 60, 60, 60]
    assert len(backend.of(CHAT)) == 1
    assert caught.value.heard == ("Working on it.",)
    assert [n.text for n in notices].count("⏳ Still working...") == 2


@pytest.mark.slow
def test_connection_lost_before_the_reply_counts_as_a_cut(
    client: Client, backend: ScriptedBackend, cut: type[Cut], make_draft: DraftFactory
) -> None:
    backend.arm(CHAT, after(backend, [cut()], make_draft("city")))
    assert client.say("use the city").cut
    assert len(backend.of(CHAT)) == 1


@pytest.mark.slow
def test_state_that_cannot_be_read_after_a_cut_counts_as_unchanged(
    client: Client,
    backend: ScriptedBackend,
    wire: Replies,
    cut: type[Cut],
    make_draft: DraftFactory,
) -> None:
    backend.arm(CHAT, wire.stream(cut()))
    same, changed = backend.state(backend.draft), backend.state(make_draft("city"))
    backend.arm(STATE, same, wire.html(502), [cut()], changed)
    assert client.say("trim").changes
    assert gaps(backend.of(STATE)) == [30, 60, 60]


@pytest.mark.slow
def test_temporary_issue_is_ignored_when_something_else_was_said(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    issue = wire.text("I encountered a temporary issue. Please try again.")
    backend.arm(CHAT, wire.stream(wire.text("Added the title."), issue))
    assert client.say("title").lines == ("Added the title.",)


@pytest.mark.slow
def test_temporary_issue_is_ignored_when_the_timeline_changed(
    client: Client, backend: ScriptedBackend, wire: Replies, make_draft: DraftFactory
) -> None:
    issue = wire.stream(wire.text("I encountered a temporary issue."))
    backend.arm(CHAT, after(backend, issue, make_draft("beach", "city")))
    turn = client.say("add the city")
    assert not any("temporary" in line for line in turn.lines)
    assert turn.changes


@pytest.mark.slow
def test_temporary_issue_alone_is_the_reason_of_a_failure(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.stream(wire.text("I encountered a temporary issue.")))
    with pytest.raises(TurnFailed, match="temporary issue"):
        client.say("title")


@pytest.mark.slow
def test_no_credits_is_said_with_the_link_and_not_tried_again(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.fail(2001, "Register: https://n.example/r?bind=anon_7"))
    with pytest.raises(OutOfCredits, match=r"https://n.example/r\?bind=anon_7"):
        client.say("trim")
    assert len(backend.of(CHAT)) == 1


@pytest.mark.slow
def test_no_credits_in_the_middle_of_a_turn_is_an_error_too(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    frame = b'data: {"code":2001,"message":"no","data":null}\n\n'
    backend.arm(CHAT, wire.stream(wire.tool(), frame))
    with pytest.raises(OutOfCredits, match="bind=anon_7"):
        client.say("trim")


@pytest.mark.slow
def test_unknown_session_is_said_with_the_way_out(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.json({"detail": "Session not found: 1"}, 404))
    with pytest.raises(SessionNotFound, match="open a new session"):
        client.say("trim")


@pytest.mark.slow
@pytest.mark.parametrize("status", [200, 500, 502])
def test_page_in_place_of_the_stream_is_unreadable_and_not_sent_again(
    client: Client, backend: ScriptedBackend, wire: Replies, status: int
) -> None:
    backend.arm(CHAT, wire.html(status))
    with pytest.raises(BadReply, match="check the state before you retry"):
        client.say("trim")
    assert len(backend.of(CHAT)) == 1


def test_stream_that_has_moved_says_where_to(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.html(301, Location="https://new.example/run_sse"))
    with pytest.raises(BadReply, match=r"use https://new\.example/run_sse instead"):
        client.say("trim")


def test_json_in_place_of_the_stream_is_unreadable(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.ok({}))
    with pytest.raises(BadReply, match="did not answer the message with a stream"):
        client.say("trim")


@pytest.mark.slow
def test_message_that_was_never_sent_is_no_cut(client: Client, backend: ScriptedBackend) -> None:
    client.open_session()
    backend.stop()
    with pytest.raises(CannotConnect, match=backend.base_url):
        client.say("trim")


def test_gui_words_are_translated_and_what_the_screen_shows_is_read_from_the_state(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    said = "I added the title. You can preview it in the timeline. Click Export to download."
    backend.arm(CHAT, wire.stream(wire.text(said)))
    turn = client.say("title")
    assert turn.lines == (
        "I added the title.",
        'Say "export" to get the file.',
        "Timeline (1 track): 1. Video: beach (0-10s)",
    )


@pytest.mark.slow
def test_timeline_that_the_backend_has_told_itself_is_not_told_twice(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    summary = "Timeline (1 track): 1. Video: beach (0-10s)"
    backend.arm(CHAT, wire.stream(wire.text(f"{summary}. You can preview it in the timeline.")))
    assert client.say("title").lines == (f"{summary}.",)


@pytest.mark.slow
def test_turn_of_gui_words_only_still_tells_something(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.stream(wire.text("Click Generate.")))
    turn = client.say("go")
    assert turn.lines == ("Timeline (1 track): 1. Video: beach (0-10s)",)
    assert not turn.silent


@pytest.mark.slow
def test_cut_turn_that_pointed_at_the_timeline_shows_it(
    client: Client,
    backend: ScriptedBackend,
    wire: Replies,
    cut: type[Cut],
    make_draft: DraftFactory,
) -> None:
    stream = wire.stream(wire.text("Preview it in the timeline."), cut())
    backend.arm(CHAT, after(backend, stream, make_draft("city")))
    assert client.say("city").timeline == "Timeline (1 track): 1. Video: city (0-10s)"


@pytest.mark.slow
def test_what_the_state_tells_is_said_in_the_language_of_the_session(
    make_client: ClientFactory, backend: ScriptedBackend, wire: Replies, make_draft: DraftFactory
) -> None:
    chinese = make_client(language="zh-CN")
    backend.arm(CHAT, after(backend, wire.stream(wire.tool()), make_draft("beach", "city")))
    assert "已添加视频：city（5-10秒）" in chinese.say("添加 city").changes
    backend.arm(CHAT, wire.stream(wire.text("请在时间线中预览。")))
    reported = "时间线（1条轨道）：1. 视频：beach（0-5秒），city（5-10秒）"
    assert chinese.say("播放").lines == (reported,)
    assert chinese.timeline() == reported
    backend.arm(CHAT, wire.stream(wire.tool()))
    same = backend.state(backend.draft)
    backend.arm(STATE, same, backend.state(backend.draft, generated_media=[{"id": 1}]))
    assert "没有可见的变化" in chinese.say("生成").changes[0]
