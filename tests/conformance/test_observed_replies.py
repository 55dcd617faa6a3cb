"""The watch over all replies of a run: each field by itself, and replies that disagree."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from nemolocal_conformance.observed_replies import ObservedReplies
from nemolocal_conformance.target import TargetResponse
from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import CLIENT_ID, Endpoint, bearer_header
from nemolocal_contract.responses import decode_json, encode_json
from nemolocal_contract.turn_events import Text, ToolCall, ToolResult, TurnEvent, TurnEventEncoder

SESSION = "1234567890123456789"
JSON = {"content-type": "application/json; charset=utf-8"}
FILE = {
    "filename": "clip.mp4",
    "file_type": "video",
    "cdn_url": "http://files/1.mp4",
    "duration": 2.0,
    "width": 160,
    "height": 90,
    "fps": 15,
    "hash": "7cce",
}
DRAFT = {
    "t": [
        {"tt": 0, "id": "a", "n": "Video", "sg": [{"id": "x", "s": 0, "d": 2000, "src": "1"}]},
        {"tt": 7, "id": "b", "n": "Title", "sg": [{"id": "y", "s": 0, "d": 900, "txt": "Hi"}]},
    ],
    "d": 2000,
}
STATE = {
    "session_id": SESSION,
    "task_id": "t",
    "task_name": "project",
    "user_id": "anon_1",
    "state": {
        "draft": DRAFT,
        "video_infos": [FILE],
        "canvas_config": {"width": 160, "height": 90, "ratio": "16:9"},
        "generated_media": [],
    },
}
RENDER = {
    "id": "render_1",
    "status": "completed",
    "progress": 100,
    "output": {"url": "http://files/render_1.mp4", "duration": 2.0, "size": 100},
}
SUCCESSES: dict[Endpoint, dict[str, Any]] = {
    wire.TOKEN: {
        "token": "nmv_usr_1",
        "credits": 100,
        "user_id": "anon_1",
        "expires_at": "2026-11-27T09:00:00.000Z",
    },
    wire.CLAIM_TOKEN: {"claim_token": "clm_1", "expires_in": 604_800},
    wire.SESSION: {"session_id": SESSION, "task_id": "t", "user_id": "anon_1"},
    wire.UPLOAD: {"files": [FILE], "session_state_applied": True},
    wire.BALANCE: {"available": 50, "frozen": 50, "total": 100},
    wire.STATE: STATE,
    wire.RENDER_STATUS: RENDER,
}


def watch(
    replies: ObservedReplies,
    endpoint: Endpoint,
    body: object,
    *,
    status: int = 200,
    headers: dict[str, str] = JSON,
    sent: object = None,
    client: str = "one",
) -> list[tuple[str, str]]:
    """Let a reply pass, and return the rules and the parts that it breaks."""
    path = endpoint.path(user="me", session=SESSION, render="render_1")
    named = {**bearer_header("nmv_usr_1"), CLIENT_ID: client}
    request = httpx.Request(endpoint.method, f"http://server{path}", json=sent, headers=named)
    before = len(replies.violations)
    content = body if isinstance(body, bytes) else encode_json(body)
    replies.observe(request, TargetResponse(status, headers, content))
    return [(one.rule, one.what) for one in replies.violations[before:]]


def envelope(endpoint: Endpoint, data: object) -> object:
    return data if endpoint == wire.RENDER_STATUS else {"code": 0, "data": data}


def changed(endpoint: Endpoint, path: str, change: Callable[[dict[str, Any], str], None]) -> object:
    """Return a success of an endpoint with a change at a path, `0` being the first item."""
    data = decode_json(encode_json(SUCCESSES[endpoint]))
    holder, names = data, path.split(".")
    for name in names[:-1]:
        holder = holder[int(name)] if name.isdecimal() else holder[name]
    change(holder, names[-1])
    return envelope(endpoint, data)


def drop(holder: dict[str, Any], name: str) -> None:
    del holder[name]


def put(value: object) -> Callable[[dict[str, Any], str], None]:
    def change(holder: dict[str, Any], name: str) -> None:
        holder[name] = value

    return change


@pytest.mark.parametrize("endpoint", list(SUCCESSES), ids=str)
def test_right_replies_are_not_accused(endpoint: Endpoint) -> None:
    replies = ObservedReplies()
    body = envelope(endpoint, SUCCESSES[endpoint])
    assert watch(replies, endpoint, body) == []
    further = {**SUCCESSES[endpoint], "further": {"fields": 1}}
    fresh = ObservedReplies()
    assert watch(fresh, endpoint, envelope(endpoint, further)) == []


@pytest.mark.parametrize(
    ("endpoint", "path", "change", "rule"),
    [
        (wire.TOKEN, "user_id", drop, "AUTH-1"),
        (wire.TOKEN, "expires_at", put("tomorrow"), "AUTH-1"),
        (wire.TOKEN, "credits", put(True), "AUTH-1"),
        (wire.CLAIM_TOKEN, "expires_in", put(604.8), "AUTH-7"),
        (wire.SESSION, "task_id", put(""), "SES-1"),
        (wire.UPLOAD, "files.0.hash", put(None), "UPL-2"),
        (wire.UPLOAD, "files.0.fps", put(0), "UPL-2"),
        (wire.UPLOAD, "files", put([]), "UPL-2"),
        (wire.BALANCE, "total", put(101), "CRD-1"),
        (wire.BALANCE, "frozen", put(-1), "CRD-1"),
        (wire.STATE, "session_id", put("1"), "STA-1"),
        (wire.STATE, "state.canvas_config", drop, "STA-1"),
        (wire.STATE, "state.canvas_config.ratio", put("9:16"), "STA-1"),
        (wire.STATE, "state.draft.t.0.tt", put(2), "STA-2"),
        (wire.STATE, "state.draft.d", put(2001), "STA-4"),
        (wire.STATE, "state.draft.t.1.id", put("a"), "STA-4"),
        (wire.STATE, "state.draft.t.1.sg.0.id", put("x"), "STA-4"),
        (wire.STATE, "state.draft.t.1.sg.0.txt", drop, "STA-4"),
        (wire.STATE, "state.draft.t.0.sg.0.v", put(2), "STA-4"),
        (wire.RENDER_STATUS, "id", put("render_2"), "REN-4"),
        (wire.RENDER_STATUS, "progress", put(99), "REN-4"),
        (wire.RENDER_STATUS, "status", put("processing"), "REN-5"),
        (wire.RENDER_STATUS, "output.size", put(0), "REN-4"),
        (wire.RENDER_STATUS, "error", put("none"), "REN-4"),
    ],
)
def test_broken_field_is_told_with_its_rule(
    endpoint: Endpoint, path: str, change: Callable[[dict[str, Any], str], None], rule: str
) -> None:
    broken = watch(ObservedReplies(), endpoint, changed(endpoint, path, change))
    assert rule in {one for one, _ in broken}


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        (wire.TOKEN, "data.token"),
        (wire.TOKEN, "data.user_id"),
        (wire.SESSION, "data.session_id"),
        (wire.SESSION, "data.task_id"),
    ],
)
def test_an_id_that_comes_twice_is_told(endpoint: Endpoint, path: str) -> None:
    replies = ObservedReplies()
    body = envelope(endpoint, SUCCESSES[endpoint])
    watch(replies, endpoint, body)
    assert path in {what for _, what in watch(replies, endpoint, body, client="two")}


def test_owner_and_names_of_a_session_stay() -> None:
    replies = ObservedReplies()
    watch(replies, wire.SESSION, envelope(wire.SESSION, SUCCESSES[wire.SESSION]),
          sent={"task_name": "holiday"})  # fmt: skip
    body = changed(wire.STATE, "user_id", put("anon_2"))
    assert watch(replies, wire.STATE, body) == [
        ("STA-1", "data.user_id"),
        ("STA-1", "data.task_name"),
    ]


def test_claim_token_belongs_to_one_session() -> None:
    replies = ObservedReplies()
    body = envelope(wire.CLAIM_TOKEN, SUCCESSES[wire.CLAIM_TOKEN])
    for session, broken in (("1", []), ("1", []), ("2", [("AUTH-7", "data.claim_token")])):
        assert watch(replies, wire.CLAIM_TOKEN, body, sent={"session_id": session}) == broken


def test_render_that_has_ended_stays_as_it_was() -> None:
    replies = ObservedReplies()
    assert watch(replies, wire.RENDER_STATUS, RENDER) == []
    pending = {"id": "render_1", "status": "pending", "progress": 0}
    assert watch(replies, wire.RENDER_STATUS, pending) == [("REN-5", "status after the end")]
    longer = changed(wire.RENDER_STATUS, "output.duration", put(3.0))
    assert watch(replies, wire.RENDER_STATUS, longer) == [("REN-5", "a render that has ended")]


def test_nested_renders_are_read_as_flat_ones() -> None:
    nested = {"id": "render_1", "status": "completed", "progress": 100, "outputUrl": "http://f/1"}
    body = {"success": True, "data": nested}
    assert watch(ObservedReplies(), wire.RENDER_STATUS, body) == []
    broken = {"success": True, "data": {**nested, "outputUrl": ""}}
    assert watch(ObservedReplies(), wire.RENDER_STATUS, broken) == [
        ("REN-5", "output.url while completed")
    ]


def failure(**changes: object) -> dict[str, object]:
    return {"code": 1002, "message": "Session not found", "data": None, **changes}


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        (failure(message=""), 200, "message"),
        (failure(data={}), 200, "data of a failure"),
        (failure(code=0), 200, "code of a failure"),
        (failure(code="1002"), 200, "code of a failure"),
        (failure(), 500, "the HTTP status of 1002"),
    ],
)
def test_broken_failure_is_told(body: object, status: int, what: str) -> None:
    assert what in {one for _, one in watch(ObservedReplies(), wire.STATE, body, status=status)}


def test_failures_of_two_styles_are_told() -> None:
    replies = ObservedReplies()
    assert watch(replies, wire.STATE, failure(), status=404) == []
    assert watch(replies, wire.BALANCE, failure(code=1001), status=200) == [
        ("GEN-2", "the HTTP status of 1001")
    ]


def test_failures_in_the_words_of_adk_are_not_accused() -> None:
    body = {"detail": "Session not found: 1"}
    assert watch(ObservedReplies(), wire.CHAT, body, status=404) == []


def test_media_type_and_status_of_successes_are_told() -> None:
    replies = ObservedReplies()
    body = envelope(wire.BALANCE, SUCCESSES[wire.BALANCE])
    headers = {"content-type": "text/plain"}
    watch(replies, wire.BALANCE, body, status=201, headers=headers)
    names = ["balance"]
    assert [one.what for one in replies.find(["GEN-1"], names)] == ["content-type"]
    assumed = replies.find(["GEN-1"], names, assumed=True)
    assert [one.what for one in assumed] == ["the HTTP status of a success"]


def stream(*events: TurnEvent, turn: str = "e-1", first: int = 1, at: float = 5.0) -> bytes:
    numbers = iter(range(first, first + 99))
    encoder = TurnEventEncoder("adk", turn, lambda: f"id-{next(numbers)}", lambda: at)
    return b"".join(map(encoder.encode, events))


EDIT = (ToolCall("c", "edit", {}), ToolResult("c", "edit", {}), Text("Done"))


def watch_stream(replies: ObservedReplies, body: bytes) -> set[str]:
    headers = {"content-type": "text/event-stream", "date": "Thu, 01 Jan 1970 00:00:00 GMT"}
    return {what for _, what in watch(replies, wire.CHAT, body, headers=headers)}


def test_events_of_turns_are_watched() -> None:
    replies = ObservedReplies()
    assert watch_stream(replies, stream(*EDIT)) == set()
    assert watch_stream(replies, stream(*EDIT, turn="e-2", first=9)) == set()
    assert watch_stream(replies, stream(*EDIT, turn="e-2", first=20)) == {"invocationId"}
    assert watch_stream(replies, stream(*EDIT, turn="e-3")) == {"id of an event"}
    assert watch_stream(replies, stream(*EDIT[1:], turn="e-4", first=40)) == {"functionResponse"}
    assert watch_stream(replies, stream(*EDIT, turn="e-5", first=50, at=5000)) == {"timestamp"}


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b'"author":"nemo_agent"', b'"author":null', "author"),
        (b'"text":"Done"', b'"text":""', "text"),
        (b'"role":"user"', b'"role":"model"', "role"),
        (b'"args":{}', b'"args":[]', "functionCall.args"),
        (b'"name":"edit"', b'"name":""', "functionCall.name"),
        (b'"stateDelta":{},', b"", "actions.stateDelta"),
        (b'"timestamp":5.0', b'"timestamp":"5"', "timestamp"),
        (b"\n\ndata: ", b"\ndata: ", "an event"),
    ],
)
def test_broken_events_are_told(old: bytes, new: bytes, what: str) -> None:
    body = stream(*EDIT)
    assert old in body
    assert what in watch_stream(ObservedReplies(), body.replace(old, new))


def test_typed_events_are_watched() -> None:
    good = b'data: {"type":"text","content":"Done"}\n\n'
    assert watch_stream(ObservedReplies(), good) == set()
    assert watch_stream(ObservedReplies(), good.replace(b"Done", b"")) == {"content"}
    assert watch_stream(ObservedReplies(), good.replace(b'"text"', b'"done"')) == {"type"}


def test_replies_that_say_nothing_are_not_accused() -> None:
    replies = ObservedReplies()
    page = b"<h1>Bad gateway</h1>"
    assert watch(replies, wire.BALANCE, page, status=502, headers={}) == []
    request = httpx.Request("GET", f"http://server{wire.BALANCE.template}")
    replies.observe(request, TargetResponse(200, JSON, b'{"code":', "cut"))
    assert replies.violations == []


def test_a_client_that_asks_again_may_stay_the_same_user() -> None:
    replies = ObservedReplies()
    watch(replies, wire.TOKEN, envelope(wire.TOKEN, SUCCESSES[wire.TOKEN]))
    again = {**SUCCESSES[wire.TOKEN], "token": "nmv_usr_2"}
    assert watch(replies, wire.TOKEN, envelope(wire.TOKEN, again)) == []


@pytest.mark.parametrize(
    ("event", "what"),
    [
        ({"type": "tool_call", "name": "edit", "args": {}}, set()),
        ({"type": "tool_call", "name": "", "args": []}, {"name", "args"}),
        ({"type": "tool_result", "name": "edit", "result": None}, {"result"}),
        # Nothing that the contract knows: newer servers may send more.
        ({"progress": 1}, set()),
    ],
)
def test_typed_tool_events_are_watched(event: object, what: set[str]) -> None:
    body = b"data: " + encode_json(event) + b"\n\n"
    assert watch_stream(ObservedReplies(), body) == what


def with_parts(parts: object, role: str = "model") -> bytes:
    (event,) = decode_turn_frames(stream(Text("Done")))
    event["content"] = {"role": role, "parts": parts}
    return b"data: " + encode_json(event) + b"\n\n"


def decode_turn_frames(body: bytes) -> list[dict[str, Any]]:
    return [decode_json(frame.removeprefix(b"data: ")) for frame in body.split(b"\n\n") if frame]


CALL = {"functionCall": {"id": "c", "name": "edit", "args": {}}}


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ([{"text": "Done"}], set()),
        ([7], {"a part"}),
        ([{"functionCall": "edit"}], {"functionCall"}),
        ([CALL], set()),
        ([CALL, CALL], {"functionCall.id"}),
        # Parts of later versions are no tools.
        ([{"thought": True}], set()),
    ],
)
def test_parts_of_events_are_watched(parts: object, what: set[str]) -> None:
    assert watch_stream(ObservedReplies(), with_parts(parts)) == what


def test_times_are_not_judged_where_the_server_has_no_date() -> None:
    headers = {"content-type": "text/event-stream", "date": "today"}
    assert watch(ObservedReplies(), wire.CHAT, stream(*EDIT, at=5000), headers=headers) == []


def test_media_with_the_same_id_are_told() -> None:
    state = {
        **SUCCESSES[wire.STATE]["state"],
        "video_infos": [{**FILE, "id": "1"}, {**FILE, "id": "1"}],
    }
    found = watch(ObservedReplies(), wire.STATE, envelope(wire.STATE, {**STATE, "state": state}))
    assert found == [("STA-4", "ids of media")]


@pytest.mark.parametrize("time", ["2026-13-27T09:00:00Z", "2026-11-27T09:00:00"])
def test_an_end_of_a_token_that_is_no_time_in_utc_is_told(time: str) -> None:
    body = changed(wire.TOKEN, "expires_at", put(time))
    assert any("expires_at" in what for _, what in watch(ObservedReplies(), wire.TOKEN, body))


def test_a_part_of_a_file_is_no_whole_file() -> None:
    """A range need not begin as a file does."""
    path = wire.RENDER_DOWNLOAD.path(render="render_1")
    headers = {"content-type": "video/mp4", "content-range": "bytes 5-8/100"}
    seen = {}
    for name in ("range", "x-other"):
        replies = ObservedReplies()
        request = httpx.Request("GET", f"http://server{path}", headers={name: "bytes=5-8"})
        replies.observe(request, TargetResponse(206, headers, b"abcd"))
        seen[name] = bool(replies.violations)
    assert seen == {"range": False, "x-other": True}
