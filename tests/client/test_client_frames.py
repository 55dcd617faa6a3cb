"""Frames in every shape and cut: what they say is heard once, whole, and nothing else is."""

import pytest

from nemolocal_client import Client
from tests.support.scripted_backend import Replies, ScriptedBackend

CHAT = "/run_sse"


@pytest.mark.slow
def test_typed_dialect_is_read_as_well(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    frames = (
        b'data: {"type":"heartbeat"}\n\ndata: {"type":"tool_call","name":"x","args":{}}\n\n',
        b'data: {"type":"text","content":"Hi."}\n\n',
    )
    backend.arm(CHAT, wire.stream(*frames))
    assert client.say("hi").texts == ("Hi.",)


@pytest.mark.slow
def test_frames_torn_inside_a_character_and_line_separators_arrive_whole(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    frame = 'data: {"type":"text","content":"加了 a\u2028b\u0085c"}\n\n'.encode()
    backend.arm(CHAT, wire.stream(*(frame[i : i + 1] for i in range(len(frame)))))
    assert client.say("hi").texts == ("加了 a\u2028b\u0085c",)


@pytest.mark.slow
def test_stream_that_ends_without_its_last_blank_line_loses_nothing(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.stream(wire.text("Whole.").rstrip()))
    assert client.say("hi").texts == ("Whole.",)


@pytest.mark.slow
@pytest.mark.parametrize(
    "frames",
    [
        b'data:{"type":"text","content":"Hi."}\n\n',
        b'data:{"content":{"parts":[{"text":"Hi."}]}}\r\n\r\n',
        b'\xef\xbb\xbfevent: message\rid: 7\rdata:{"type":"text","content":"Hi."}\r\r',
        b': comment\n\ndata\n\ndata:\n\ndata: \n\ndata:{"type":"text",\ndata:"content":"Hi."}',
        b'data:{"type":"heartbeat"}\n\nevent: p\ndata:\n\ndata:{"type":"text","content":"Hi."}\n',
    ],
)
def test_frames_are_read_in_whatever_way_they_are_written(
    client: Client, backend: ScriptedBackend, wire: Replies, frames: bytes
) -> None:
    backend.arm(CHAT, wire.stream(frames))
    assert client.say("hi").texts == ("Hi.",)


@pytest.mark.slow
def test_repeated_event_is_shown_once_and_an_unreadable_one_not_at_all(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.stream(wire.text("A"), wire.text("A"), b"data: {bad\n\n"))
    assert client.say("hi").texts == ("A",)
