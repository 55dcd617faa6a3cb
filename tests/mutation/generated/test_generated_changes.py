"""What each change of a generated mutant does to a message."""

from typing import Any

import pytest

from nemolocal_contract.responses import decode_json, encode_json
from nemolocal_contract.turn_events import (
    HEARTBEAT_BYTES,
    Text,
    ToolCall,
    ToolResult,
    TurnEventEncoder,
)
from tests.mutation.generated.exchange_keys import key_of, keys_of
from tests.mutation.generated.generated_catalogue import generated_mutants
from tests.mutation.generated.observed_callers import ObservedCallers
from tests.mutation.generated.refusal_causes import amended_request, cause_of
from tests.mutation.generated.request_changes import changed_request
from tests.mutation.generated.response_changes import changed_response
from tests.mutation.generated.stream_changes import kind_of
from tests.mutation.generated.value_changes import EarlierValues
from tests.mutation.mutation_middleware import WireRequest, WireResponse

TOKEN = "response:POST /api/auth/anonymous-token:success:data."
UPLOAD = "response:POST /api/upload-video/nemo_agent/{user}/{session}:success:data."
BALANCE = "response:GET /api/credits/balance/simple:success:data."
EVENT = "event:POST /run_sse:"
JSON = {"content-type": "application/json"}


def response_of(name: str, data: object) -> WireResponse:
    del name
    return WireResponse(200, JSON, encode_json({"code": 0, "data": data}))


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (TOKEN + "credits:dropped", {"credits": 100}, {}),
        (TOKEN + "credits:null", {"credits": 100}, {"credits": None}),
        (TOKEN + "credits:type", {"credits": 100}, {"credits": "7"}),
        (TOKEN + "credits:empty", {"credits": 100}, {"credits": 0}),
        (TOKEN + "credits:plus-one", {"credits": 100}, {"credits": 101}),
        (TOKEN + "credits:times-1000", {"credits": 100}, {"credits": 100_000}),
        (TOKEN + "credits:by-1000", {"credits": 100}, {"credits": 0}),
        (
            TOKEN + "expires_at:minus-one",
            {"expires_at": "2026-11-27T09:00:00.000Z"},
            {"expires_at": "2026-11-26T09:00:00.000Z"},
        ),
        (BALANCE + "frozen:exchanged", {"frozen": 1, "total": 2}, {"frozen": 2, "total": 1}),
        (
            UPLOAD + "files[].file_type:other-value",
            {"files": [{"file_type": "audio"}]},
            {"files": [{"file_type": "image"}]},
        ),
        (UPLOAD + "files:reversed", {"files": [1, 2]}, {"files": [2, 1]}),
        (UPLOAD + "files:last-dropped", {"files": [1, 2]}, {"files": [1]}),
        (UPLOAD + "files:doubled", {"files": [1]}, {"files": [1, 1]}),
        (
            UPLOAD + "session_state_applied:other-value",
            {"session_state_applied": True},
            {"session_state_applied": False},
        ),
    ],
)
def test_a_field_is_changed(name: str, before: Any, after: Any) -> None:
    mutant = generated_mutants()[name]
    changed = changed_response(mutant, response_of(name, before), "t", EarlierValues())
    assert changed.json["data"] == after


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ("constant", ["a1", "a1", "a1", "a1"]),
        ("repeated", ["a1", "a1", "a1", "b1"]),
        ("foreign", ["a1", "a1", "b1", "a2"]),
    ],
)
def test_earlier_values_take_the_place_of_new_ones(change: str, seen: list[str]) -> None:
    mutant, earlier = generated_mutants()[f"{TOKEN}user_id:{change}"], EarlierValues()
    values = ("a1", "b1", "a2", "b2")
    told = [
        changed_response(mutant, response_of("", {"user_id": value}), value[0], earlier)
        for value in values
    ]
    assert [one.json["data"]["user_id"] for one in told] == seen


def test_status_of_a_render_is_not_that_of_its_response() -> None:
    start = "response:GET /api/render/proxy/lambda/{render}:success:status:"
    pending = WireResponse(200, JSON, b'{"id":"1","status":"pending"}')
    for change, told in (("other-value", (200, "processing")), ("not-found", (404, "pending"))):
        changed = changed_response(
            generated_mutants()[start + change], pending, "", EarlierValues()
        )
        assert (changed.status, changed.json["status"]) == told


def test_status_and_headers_are_changed() -> None:
    refused = WireResponse(200, JSON, b'{"code":4002,"message":"x","data":null}')
    start = "response:POST /api/upload-video/nemo_agent/{user}/{session}:4002:"
    changes = {
        "status:other-style": (413, JSON),
        "status:server-error": (500, JSON),
        "header.content-type:dropped": (200, {}),
        "header.content-type:empty": (200, {"content-type": ""}),
    }
    for name, (status, headers) in changes.items():
        mutant = generated_mutants()[start + name]
        changed = changed_response(mutant, refused, "", EarlierValues())
        assert (changed.status, changed.headers) == (status, headers)


def events(*kinds: str) -> bytes:
    numbers = iter(range(99))
    encoder = TurnEventEncoder("adk", "e-1", lambda: str(next(numbers)), lambda: 1.0)
    bodies = {
        "text": encoder.encode(Text("Done")),
        "tool_call": encoder.encode(ToolCall("c", "edit", {})),
        "tool_result": encoder.encode(ToolResult("c", "edit", {})),
        "heartbeat": HEARTBEAT_BYTES,
    }
    return b"".join(bodies[kind] for kind in kinds)


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("heartbeat:dropped", ["tool_call", "tool_result", "text"]),
        ("text:dropped", ["heartbeat", "tool_call", "tool_result"]),
        ("tool_call:moved", ["heartbeat", "tool_result", "tool_call", "text"]),
        ("tool_call:doubled", ["heartbeat", "tool_call", "tool_call", "tool_result", "text"]),
        ("tool_call:merged", ["heartbeat", "", "text"]),
    ],
)
def test_events_are_changed(name: str, after: list[str]) -> None:
    body = events("heartbeat", "tool_call", "tool_result", "text")
    stream = WireResponse(200, {"content-type": "text/event-stream"}, body)
    changed = changed_response(generated_mutants()[EVENT + name], stream, "", EarlierValues())
    frames = [part + b"\n\n" for part in changed.body.split(b"\n\n") if part]
    assert [kind_of(frame) for frame in frames] == after


def test_fields_of_events_are_changed() -> None:
    stream = WireResponse(200, {"content-type": "text/event-stream"}, events("text", "text"))
    mutant = generated_mutants()[EVENT + "content.parts[].text:empty"]
    changed = changed_response(mutant, stream, "", EarlierValues())
    assert changed.body == stream.body.replace(b"Done", b"")


def request_of(method: str, path: str, body: object = None, **headers: str) -> WireRequest:
    path, _, query = path.partition("?")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = b"" if body is None else encode_json(body)
    return WireRequest(method, path, query, named, content)


def seen_callers() -> ObservedCallers:
    """Return what is known after two callers have opened a session each."""
    seen = ObservedCallers()
    for name in ("a", "b"):
        made = {"token": f"nmv_usr_{name}", "user_id": f"anon_{name}"}
        seen.observe(request_of("POST", "/api/auth/anonymous-token"), response_of("", made))
        opened = request_of(
            "POST",
            "/api/tasks/me/with-session/nemo_agent",
            {"task_name": "project"},
            authorization=f"Bearer nmv_usr_{name}",
        )
        seen.observe(opened, response_of("", {"session_id": f"s-{name}"}))
    return seen


STATE = "/api/state/nemo_agent/me/{}/latest"


@pytest.mark.parametrize(
    ("path", "authorization", "outcome", "cause"),
    [
        (STATE.format("s-a"), "", "1001", "token.missing"),
        (STATE.format("s-a"), "Basic x", "1001", "token.malformed"),
        (STATE.format("s-a"), "Bearer x", "1001", "token.unknown"),
        (STATE.format("s-a"), "Bearer clm_1", "1001", "token.claim"),
        (STATE.format("s-a"), "Bearer nmv_usr_a", "1001", "token.expired"),
        (STATE.format("s-a") + "?t=nmv_usr_a", "Bearer nmv_usr_a", "1001", "token.in-query"),
        (STATE.format("nmv_usr_a"), "Bearer nmv_usr_a", "1001", "token.in-path"),
        (STATE.format("s-b"), "Bearer nmv_usr_a", "1002", "session.foreign"),
        (STATE.format("never"), "Bearer nmv_usr_a", "1002", "session.unknown"),
        (STATE.format("s-a").replace("me", "anon_b"), "Bearer nmv_usr_a", "1002", "user.foreign"),
    ],
)
def test_cause_of_a_refusal_is_found_and_amended(
    path: str, authorization: str, outcome: str, cause: str
) -> None:
    seen = seen_callers()
    request = request_of("GET", path, authorization=authorization)
    assert cause_of(request, outcome, seen) == cause
    assert f"request:GET /api/state/nemo_agent/{{user}}/{{session}}/latest:{cause}:ignored" in (
        generated_mutants()
    )
    amended = amended_request(cause, request, seen)
    assert amended is not None
    assert amended.path.endswith(("s-a/latest", "s-b/latest"))
    assert amended.query == ""


def test_a_foreign_session_is_read_as_its_owner() -> None:
    request = request_of("GET", STATE.format("s-b"), authorization="Bearer nmv_usr_a")
    amended = amended_request("session.foreign", request, seen_callers())
    assert amended is not None
    assert amended.headers["authorization"] == "Bearer nmv_usr_b"


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("body.language:unread", {"task_name": "new"}),
        ("body.task_name:repeated", {"task_name": "project", "language": "zh"}),
    ],
)
def test_a_request_is_read_wrongly(name: str, after: object) -> None:
    path = "/api/tasks/me/with-session/nemo_agent"
    mutant = generated_mutants()[f"request:POST {path.replace('me', '{user}')}:{name}"]
    request = request_of("POST", path, {"task_name": "new", "language": "zh"})
    changed = changed_request(mutant, request, seen_callers())
    assert changed is not None
    assert decode_json(changed.body) == after


def test_a_multipart_upload_keeps_its_first_file() -> None:
    name = "request:POST /api/upload-video/nemo_agent/{user}/{session}:form.files:first-only"
    request = WireRequest(
        "POST",
        "/api/upload-video/nemo_agent/me/1",
        "",
        {"content-type": "multipart/form-data; boundary=x"},
        b"--x\r\none\r\n--x\r\ntwo\r\n--x--\r\n",
    )
    changed = changed_request(generated_mutants()[name], request, ObservedCallers())
    assert changed is not None
    assert changed.body == b"--x\r\none\r\n--x--\r\n"


def test_mutants_are_tried_on_what_they_change() -> None:
    request = request_of("GET", "/api/credits/balance/simple", authorization="Bearer nmv_usr_a")
    body = {"available": 1, "frozen": 0, "total": 1}
    keys = keys_of(request, response_of("", body), ObservedCallers())
    start = "GET /api/credits/balance/simple:"
    for name in ("response:" + start + "success:data.frozen:null",
                 "response:" + start + "success:status:server-error"):  # fmt: skip
        assert key_of(generated_mutants()[name]) in keys
    refused = WireResponse(200, JSON, b'{"code":1001,"message":"x","data":null}')
    keys = keys_of(request_of("GET", request.path), refused, ObservedCallers())
    for name in ("response:" + start + "1001:message:empty",
                 "request:" + start + "token.missing:ignored"):  # fmt: skip
        assert key_of(generated_mutants()[name]) in keys
