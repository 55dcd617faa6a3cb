"""What faults do to the bytes of a reply, as an httpx client sees them on a real socket."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import FAULT
from nemolocal_contract.rules import rules
from nemolocal_contract.turn_events import (
    Heartbeat,
    SseParser,
    Text,
    ToolCall,
    ToolResult,
    decode_turn_events,
)
from nemolocal_server.faults.catalogue import CALL_NAMES, CATALOGUE
from nemolocal_server.transport.uvicorn_protocols import CuttableH11Protocol
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

FREE = {"available": 100, "frozen": 0, "total": 100}
PAID = {"available": 50, "frozen": 0, "total": 50}


@pytest.fixture
def ready(caller: HttpCaller, sample: Path) -> HttpCaller:
    """A caller with an upload, nothing on its timeline yet."""
    caller.upload(sample)
    return caller


def pieces(
    caller: HttpCaller, fault: str, message: str = "compress it", came: list[bytes] | None = None
) -> list[bytes]:
    """The body as it came, chunk by chunk, up to a cut in `came`."""
    chunks = [] if came is None else came
    with caller.http.stream(
        "POST", "/run_sse", json=caller.turn(message), headers={FAULT: fault}
    ) as response:
        chunks.extend(response.iter_raw())
    return chunks


def events(body: bytes) -> list[Any]:
    found = [event for frame in SseParser().feed(body) for event in decode_turn_events(frame)]
    return [event for event in found if not isinstance(event, Heartbeat)]


def kinds(body: bytes) -> list[type]:
    return [type(event) for event in events(body)]


TOLD = [ToolCall, ToolResult, Text]


def test_every_fault_has_a_sentence_endpoints_and_rules_that_exist() -> None:
    for fault in CATALOGUE.values():
        assert fault.sentence.endswith(".")
        assert set(fault.endpoints) <= set(CALL_NAMES)
        assert set(fault.rules) <= set(rules())
        assert fault.rules


@pytest.mark.slow
@pytest.mark.rule("SSE-4")
def test_without_a_fault_the_stream_ends_cleanly(ready: HttpCaller) -> None:
    assert kinds(ready.chat("compress it").content) == TOLD


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["silent", "silent-not-applied", "silent-late"])
def test_a_silent_turn_ends_cleanly_without_text(ready: HttpCaller, fault: str) -> None:
    assert kinds(ready.chat("compress it", fault).content) == [ToolCall, ToolResult]
    assert kinds(ready.chat("hello", fault).content) == []


@pytest.mark.slow
def test_what_was_not_applied_is_not_in_the_draft_and_not_paid(ready: HttpCaller) -> None:
    ready.chat("compress it", "silent-not-applied")
    assert (ready.draft()["t"], ready.balance()) == ([], FREE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("cut-fin", httpx.RemoteProtocolError),
        ("cut-reset", httpx.ReadError),
        ("commit-then-drop", httpx.RemoteProtocolError),
        ("commit-then-drop;how=reset", httpx.ReadError),
    ],
)
@pytest.mark.parametrize("http", ["httptools", "h11"])
@pytest.mark.rule("SSE-4", "SSE-7")
def test_a_cut_is_an_error_of_the_connection_and_the_work_goes_on(
    servers: ServerFactory,
    new_caller: NewCaller,
    sample: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    error: type[Exception],
    http: str,
) -> None:
    if http == "h11":
        monkeypatch.setattr(
            "nemolocal_server.serving.select_http_protocol", lambda: CuttableH11Protocol
        )
    caller = new_caller(servers.start()).connect()
    caller.upload(sample)
    with pytest.raises(error):
        caller.chat("compress it", fault)
    while caller.balance() != PAID:
        pass
    assert caller.draft()["m"]["compress"] == {"mode": "rtk"}


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 1, 2])
def test_what_was_said_before_a_cut_arrives(ready: HttpCaller, after: int) -> None:
    came: list[bytes] = []
    with pytest.raises(httpx.RemoteProtocolError):
        pieces(ready, f"cut-fin;after={after}", came=came)
    assert len(came) == after
    assert all(chunk.endswith(b"\n\n") for chunk in came)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "error"), [("cut-fin", httpx.RemoteProtocolError), ("cut-reset", httpx.ReadError)]
)
def test_a_reply_in_one_piece_is_cut_in_its_middle(
    caller: HttpCaller, fault: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        caller.http.get("/api/credits/balance/simple", headers={FAULT: fault})
    assert caller.balance() == FREE


@pytest.mark.slow
def test_a_cut_reply_does_not_undo_the_request(caller: HttpCaller) -> None:
    body = {"task_name": "project"}
    path = "/api/tasks/me/with-session/nemo_agent"
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            caller.http.post(path, json=body, headers={FAULT: "commit-then-drop"})
    entries = caller.get("/__nemolocal__/journal")["entries"]
    assert [entry["faults"] for entry in entries[-2:]] == [["commit-then-drop"]] * 2
    assert {entry["ending"] for entry in entries[-2:]} == {"cut by fault"}


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["cut-fin", "cut-reset", "commit-then-drop"])
def test_the_journal_knows_of_a_cut_before_the_client_does(ready: HttpCaller, fault: str) -> None:
    for _ in range(10):
        with pytest.raises(httpx.TransportError):
            ready.chat("hello", fault)
        entry = ready.get("/__nemolocal__/journal")["entries"][-1]
        assert (entry["url"], entry["ending"], entry["faults"]) == (
            "/run_sse", "cut by fault", [fault],
        )  # fmt: skip


@pytest.mark.slow
def test_a_stall_of_a_talk_has_heartbeats_only(ready: HttpCaller) -> None:
    assert ready.chat("hello", "stall").content == b"data:\n\n" * 60


@pytest.mark.slow
@pytest.mark.rule("SSE-9")
def test_a_temporary_issue_is_the_last_text_of_a_turn_that_went_well(ready: HttpCaller) -> None:
    reported = events(ready.chat("compress it", "temporary-issue").content)
    assert [type(event) for event in reported] == [*TOLD, Text]
    assert reported[-1] == Text("I encountered a temporary issue")
    assert ready.balance() == PAID


@pytest.mark.slow
def test_one_event_is_no_json(ready: HttpCaller) -> None:
    lines = ready.chat("compress it", "bad-json;after=1").content.split(b"\n\n")
    bad = [line for line in lines if line.startswith(b"data: {") and not line.endswith(b"}")]
    assert len(bad) == 1
    assert lines.index(bad[0]) == 1
    assert ready.balance() == PAID


@pytest.mark.slow
def test_characters_are_torn_apart_between_chunks(ready: HttpCaller) -> None:
    came = pieces(ready, "split-utf8")
    torn = [chunk for chunk in came if not _whole(chunk)]
    assert torn
    assert kinds(b"".join(came)) == TOLD
    assert "✅" in b"".join(came).decode()


def _whole(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.slow
def test_events_are_torn_apart_between_chunks(ready: HttpCaller) -> None:
    came = pieces(ready, "split-frames")
    assert sum(not chunk.endswith(b"\n\n") for chunk in came) > 5
    assert b"\n" in came
    assert kinds(b"".join(came)) == TOLD


@pytest.mark.slow
def test_bytes_come_one_by_one_and_in_their_time(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    clock = ManualClock(autojump=True)
    caller = new_caller(servers.start(clock=clock)).connect()
    before = clock.time()
    came = pieces(caller, "slow-bytes;seconds=1", "hello")
    assert {len(chunk) for chunk in came} == {1}
    assert clock.time() - before >= len(came)
    assert kinds(b"".join(came)) == [Text]


@pytest.mark.slow
def test_a_reply_with_a_length_may_be_slow_too(caller: HttpCaller) -> None:
    reply = caller.http.get("/api/credits/balance/simple", headers={FAULT: "slow-bytes"})
    assert reply.json()["data"] == FREE


@pytest.mark.slow
def test_events_come_twice_with_the_same_id(ready: HttpCaller) -> None:
    frames = ready.chat("compress it", "duplicate-event").content.split(b"\n\n")
    reported = [frame for frame in frames if frame.startswith(b"data: {")]
    assert len(reported) == 6
    assert reported[0::2] == reported[1::2]


@pytest.mark.slow
def test_line_separators_are_no_line_ends(ready: HttpCaller) -> None:
    (text,) = [
        e.text
        for e in events(ready.chat("compress it", "line-separator").content)
        if type(e) is Text
    ]
    assert "\u2028" in text
    assert "\u0085" in text


@pytest.mark.slow
def test_a_late_heartbeat_comes_long_after_it_is_due(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    clock = ManualClock(autojump=True)
    caller = new_caller(servers.start(clock=clock, heartbeat_seconds=100)).connect()
    before = clock.time()
    body = caller.chat("hello", "late-heartbeat;seconds=90").content
    assert body.startswith(b"data:\n\ndata: {")
    assert clock.time() - before >= 90


def test_two_faults_of_one_request_work_together(ready: HttpCaller) -> None:
    came = pieces(ready, "duplicate-event, split-frames")
    assert kinds(b"".join(came)) == [kind for kind in TOLD for _ in range(2)]
    assert sum(not chunk.endswith(b"\n\n") for chunk in came) > 10
