"""How long a turn may take: a word every 2 minutes, 10 minutes of heartbeats, 15 in all (CLI-5)."""

from typing import Any

import pytest

from nemolocal_client import Notice, StreamTimeout
from nemolocal_client.auth import AuthState
from nemolocal_client.chat_stream import send_message
from nemolocal_client.operations import (
    Flow,
    GetTime,
    Notify,
    OpenStream,
    Operation,
    ReadStream,
    Secret,
    StreamChunk,
    StreamEnd,
    StreamOpened,
)
from nemolocal_client.sessions import ClientSession
from nemolocal_contract.clock import ManualClock

BEAT = StreamChunk(b"data:\n\n")
TYPED_BEAT = StreamChunk(b'data: {"type":"heartbeat"}\n\n')
TOOL = StreamChunk(b'data: {"type":"tool_call","name":"render","args":{}}\n\n')
WORDS = StreamChunk(b'data: {"type":"text","content":"Done."}\n\n')

Reads = list[tuple[float, Any]]


def play(flow: Flow[Any], clock: ManualClock, reads: list[Any], notify: Notify) -> Any:
    """Answer a flow's reads from a list of (seconds that pass, what is read)."""
    effect: Operation = next(flow)
    try:
        while True:
            reply: object = None
            if isinstance(effect, OpenStream):
                reply = StreamOpened()
            elif isinstance(effect, ReadStream):
                seconds, reply = reads.pop(0)
                clock.wait(seconds)
            elif isinstance(effect, GetTime):
                reply = clock.time()
            elif isinstance(effect, Notice):
                notify(effect)
            effect = flow.send(reply)
    except StopIteration as end:
        return end.value


def hear(reads: Reads) -> tuple[Any, list[Notice]]:
    """Listen to what is read at these times; what was heard and what the user was told."""
    reported: list[Notice] = []
    session = ClientSession(AuthState(Secret("t")), "1")
    heard = play(send_message(session, "hi"), ManualClock(), reads, reported.append)
    return heard, reported


def test_still_working_is_said_every_two_minutes() -> None:
    heard, reported = hear([(15, BEAT)] * 33 + [(0, WORDS), (0, StreamEnd())])
    assert [notice.text for notice in reported] == ["⏳ Still working..."] * 4
    assert heard.texts == ["Done."]


def test_nothing_is_said_before_two_minutes() -> None:
    _, reported = hear([(15, BEAT)] * 7 + [(0, WORDS), (0, StreamEnd())])
    assert reported == []


@pytest.mark.parametrize("beat", [BEAT, TYPED_BEAT])
def test_ten_minutes_of_heartbeats_only_time_out(beat: StreamChunk) -> None:
    with pytest.raises(StreamTimeout, match="10 minutes"):
        hear([(15, beat)] * 40)


def test_just_under_ten_minutes_of_heartbeats_do_not() -> None:
    heard, _ = hear([(15, BEAT)] * 39 + [(0, StreamEnd())])
    assert heard.texts == []


def test_tool_calls_are_signs_of_life() -> None:
    reads: Reads = [*[(15.0, BEAT)] * 39, (0, TOOL), *[(15.0, BEAT)] * 20, (0, StreamEnd())]
    hear(reads)


def test_fifteen_minutes_in_all_time_out_whatever_is_said() -> None:
    with pytest.raises(StreamTimeout, match="15 minutes"):
        hear([(60, TOOL)] * 15)


def test_what_is_complete_after_fifteen_minutes_is_heard() -> None:
    heard, _ = hear([(60, TOOL)] * 14 + [(59, WORDS), (2, StreamEnd())])
    assert heard.texts == ["Done."]
