"""Turn events: both dialects are written, and read back without being told which."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.turn_events import (
    Heartbeat,
    SseDialect,
    SseEvent,
    SseParser,
    Text,
    ToolCall,
    ToolResult,
    TurnEvent,
    TurnEventEncoder,
    UnreadableEvent,
    decode_turn_events,
)

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
arguments = st.dictionaries(words, st.integers(-9, 9) | words, max_size=3)
events = st.one_of(
    words.map(Text),
    st.just(Heartbeat()),
    st.builds(ToolCall, words, words, arguments),
    st.builds(ToolResult, words, words, arguments),
)


def encoder(dialect: SseDialect) -> TurnEventEncoder:
    return TurnEventEncoder(dialect, "e-1", lambda: "id-1", lambda: 1.5)


def through_the_wire(event: TurnEvent, dialect: SseDialect) -> list[object]:
    frames = SseParser().feed(encoder(dialect).encode(event))
    return [received for frame in frames for received in decode_turn_events(frame)]


@pytest.mark.slow
@given(events)
def test_adk_events_come_back_as_they_were(event: TurnEvent) -> None:
    assert through_the_wire(event, "adk") == [event]


@pytest.mark.slow
@given(events)
def test_typed_events_come_back_without_their_ids(event: TurnEvent) -> None:
    (received,) = through_the_wire(event, "typed")
    expected = {k: v for k, v in fields(event).items() if k != "id"}
    assert {k: v for k, v in fields(received).items() if k != "id"} == expected


def fields(event: object) -> dict[str, Any]:
    assert isinstance(event, msgspec.Struct)
    return msgspec.structs.asdict(event) | {"": type(event)}


def test_an_adk_event_has_the_shape_of_the_public_api_server() -> None:
    data = SseParser().feed(encoder("adk").encode(ToolCall("c", "edit_multitrack", {})))[0].data
    event = json.loads(data)
    assert event["content"] == {
        "role": "model",
        "parts": [{"functionCall": {"id": "c", "name": "edit_multitrack", "args": {}}}],
    }
    assert event["author"] == "nemo_agent"
    assert event["invocationId"] == "e-1"
    assert set(event) == {"content", "invocationId", "author", "actions", "id", "timestamp"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", [Heartbeat()]),
        ("  ", [Heartbeat()]),
        ("{broken", [UnreadableEvent("{broken")]),
        ("[" * 100_000, [UnreadableEvent("[" * 100_000)]),
        ("3", [UnreadableEvent("3")]),
        ('{"type": "who knows"}', [UnreadableEvent('{"type": "who knows"}')]),
        ('{"type": "tool_call", "name": "x", "args": 3}', [ToolCall("", "x", {})]),
        ('{"actions": {"stateDelta": {}}}', [Heartbeat()]),
        ('{"content": {"parts": "x"}}', [Heartbeat()]),
        ('{"content": {"parts": [{"text": "a"}, {"text": "b"}, 5]}}', [Text("a"), Text("b")]),
        ('{"content": {"parts": [{"text": "hm", "thought": true}]}}', [Heartbeat()]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_whatever_a_frame_holds_is_read_as_something(data: str, expected: list[object]) -> None:
    assert decode_turn_events(SseEvent(data)) == expected
