"""Lines of a turn as they come: the same as at the end, and the same rules."""

import pytest

from nemolocal_client import BadReply, Client, OutOfCredits, TurnFailed
from nemolocal_contract.turn_events import SseParser
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import (
    Answer,
    Cut,
    Piece,
    ReceivedRequest,
    Replies,
    ScriptedBackend,
)

CHAT = "/run_sse"


def changed(backend: ScriptedBackend, answer: list[Piece]) -> Answer:
    """An answer after which the timeline is empty."""

    def respond(_: ReceivedRequest) -> list[Piece]:
        backend.draft = {"t": [], "d": 0}
        return answer

    return respond


def answers(backend: ScriptedBackend, wire: Replies, cut: type[Cut]) -> list[Answer]:
    """Turns of every kind."""
    spoken = wire.text("The title is in. You can preview it in the timeline. Click Export.")
    return [
        wire.stream(wire.text("One."), wire.tool(), wire.text("Two."), wire.text("Two.")),
        wire.stream(spoken),
        changed(backend, wire.stream(wire.tool())),
        changed(backend, wire.stream(wire.text("On it."), cut())),
        wire.stream(wire.text("Click Generate.")),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", range(5))
def test_stream_tells_what_say_returns(
    make_client: ClientFactory, backend: ScriptedBackend, wire: Replies, cut: type[Cut], kind: int
) -> None:
    reported = []
    for whole in (True, False):
        backend.draft = {"t": [{"tt": 7, "sg": [{"txt": "Hi", "d": 1000}]}], "d": 1000}
        backend.arm(CHAT, answers(backend, wire, cut)[kind])
        client = make_client()
        lines = client.say("x").lines if whole else tuple(client.stream("x"))
        reported.append(lines)
    assert reported[0] == reported[1]
    assert reported[0]


@pytest.mark.slow
def test_lines_come_before_the_turn_has_ended(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    frame = b'data: {"code":2001,"message":"no","data":null}\n\n'
    backend.arm(CHAT, wire.stream(wire.text("Working on it."), frame))
    lines = client.stream("trim")
    assert next(iter(lines)) == "Working on it."
    with pytest.raises(OutOfCredits):
        next(iter(lines))


def test_stream_that_is_left_hangs_up_and_the_message_is_not_sent_again(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.stream(wire.text("One."), wire.text("Two.")))
    for line in client.stream("trim"):
        assert line == "One."
        break
    assert client.balance().total == 100
    assert len(backend.of(CHAT)) == 1


@pytest.mark.slow
def test_other_calls_may_be_made_between_two_lines(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.stream(wire.text("One."), wire.text("Two.")))
    reported = [(line, client.balance().total) for line in client.stream("trim")]
    assert reported == [("One.", 100), ("Two.", 100)]


@pytest.mark.slow
def test_stream_that_changes_nothing_ends_in_the_error_of_say(
    client: Client, backend: ScriptedBackend, wire: Replies
) -> None:
    backend.arm(CHAT, wire.stream(wire.tool()))
    with pytest.raises(TurnFailed):
        list(client.stream("trim"))


def test_an_event_without_an_end_ends_the_turn_and_is_not_sent_again(
    client: Client, backend: ScriptedBackend, wire: Replies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SseParser.__init__, "__defaults__", (1 << 20,))
    backend.arm(CHAT, wire.stream(b"data: ", *[b"a" * 100_000] * 20))
    with pytest.raises(BadReply, match="an event of more than 1 MB"):
        client.say("trim")
    assert len(backend.of(CHAT)) == 1


def test_a_reply_larger_than_any_reply_is_given_up(
    client: Client, backend: ScriptedBackend, wire: Replies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nemolocal_client.httpx_adapter._MAX_RESPONSE_BYTES", 1 << 20)
    large = wire.json({"code": 0, "data": {"total": 1, "filler": "a" * 2_000_000}})
    backend.arm("/api/credits/balance/simple", *[large] * 5)
    with pytest.raises(BadReply, match="more than 1 MB"):
        client.balance()
