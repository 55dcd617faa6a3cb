"""Client mutants that misinterpret silent turns, cut streams and heartbeats."""

from typing import Any

from nemolocal_client.errors import ConnectionCut, StreamTimeout
from nemolocal_client.operations import (
    Flow,
    GetTime,
    OpenStream,
    Operation,
    ReadStream,
    StreamChunk,
    StreamCut,
    StreamEnd,
    StreamOpened,
)
from nemolocal_client.turns import Turn

from . import client_scenarios
from .client_mutant import ClientMutant, OnApplied, client_mutant
from .flow_rewriting import Memory, operation_mutant

_DONE = b'data: {"content":{"role":"model","parts":[{"text":"Done."}]}}\n\n'


class _Pauses(tuple[float, ...]):
    """Pauses that report when they are used."""

    hit: OnApplied

    def __iter__(self) -> Any:
        self.hit()
        return super().__iter__()


def _pauses(
    id: str, kills: str, scenario: client_scenarios.MutationScenario, at: str, *pauses: float
) -> ClientMutant:
    """Make a mutant that reads the state at other times."""

    @client_mutant(id, "CLI-3", "CLI-4", kills=kills, scenario=scenario, at=at)
    def hasty(original: Any, on_applied: OnApplied) -> Any:
        """The state is read too early, too often, or not often enough."""
        del original
        found = _Pauses(pauses)
        found.hit = on_applied
        return found

    return hasty


_SILENCE, _CUT = "turns.POLL_DELAYS_AFTER_SILENCE", "turns.POLL_DELAYS_AFTER_CUT"
_UNSEEN = client_scenarios.cut_unchanged
nervous = _pauses(
    "nervous", "client.state.rhythm", client_scenarios.silent_unchanged, _SILENCE, 0, 1, 1, 1, 1
)
restless = _pauses(
    "restless", "client.state.rhythm", client_scenarios.silent_unchanged, _SILENCE, 0, *[60] * 8
)
hasty = _pauses("hasty", "client.cut.wait", _UNSEEN, _CUT, 1, 60, 60, 60, 60)
hurried = _pauses("hurried", "client.cut.rhythm", _UNSEEN, _CUT, 30, 5, 5, 5, 5)
faint_hearted = _pauses("faint-hearted", "client.cut.reads", _UNSEEN, _CUT, 30)
stubborn = _pauses("stubborn", "client.cut.reads", _UNSEEN, _CUT, 30, *[60] * 7)


@operation_mutant(
    "credulous", "CLI-3", "SSE-5",
    kills="client.silent.state-read", scenario=client_scenarios.silent,
)  # fmt: skip
def credulous(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """A silent turn is treated as done."""
    reply = yield operation
    if _is_silent_end(reply, memory):
        on_applied()
        memory["told"] = True
        return StreamChunk(_DONE)
    return reply


@operation_mutant(
    "repeats-itself", "CLI-3", "SSE-7", "SSE-5", kills="client.resend",
    scenario=client_scenarios.silent,
)  # fmt: skip
def repeats_itself(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """A message is sent again after a silent turn."""
    if isinstance(operation, OpenStream):
        memory["turn"] = operation
    reply = yield operation
    if _is_silent_end(reply, memory):
        on_applied()
        yield from _send_again(memory["turn"])
    return reply


@operation_mutant(
    "repeats-cut", "CLI-4", "SSE-7", "SSE-4",
    kills="client.cut.resend", scenario=client_scenarios.reply_lost,
)  # fmt: skip
def repeats_cut(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """A message is sent again after a cut stream."""
    if isinstance(operation, OpenStream):
        memory["turn"] = operation
    try:
        reply = yield operation
    except ConnectionCut:
        if isinstance(operation, OpenStream):
            on_applied()
            yield from _send_again(operation)
        raise
    if isinstance(reply, StreamCut):
        on_applied()
        yield from _send_again(memory["turn"])
    return reply


def _repeating(
    id: str, kills: str, scenario: client_scenarios.MutationScenario, rule: str
) -> ClientMutant:
    """Make a mutant that sends a message again once it knows what became of it."""

    @client_mutant(id, rule, "SSE-7", kills=kills, scenario=scenario, at="client.Client.say")
    def twice(original: Any, on_applied: OnApplied) -> Any:
        """A message is sent again after the state was read."""

        def say(client: Any, message: str) -> Turn:
            original(client, message)
            on_applied()
            turn: Turn = original(client, message)
            return turn

        return say

    return twice


repeats_seen_silence = _repeating(
    "repeats-seen-silence", "client.resend", client_scenarios.silent, "CLI-3"
)
repeats_seen_cut = _repeating(
    "repeats-seen-cut", "client.cut.resend", client_scenarios.reply_lost, "CLI-4"
)


def _send_again(turn: OpenStream) -> Flow[None]:
    """Send the same message again and read the stream."""
    reply = yield turn
    while not isinstance(reply, StreamEnd | StreamCut):
        reply = yield ReadStream()


def _is_silent_end(reply: object, memory: Memory) -> bool:
    """Whether a turn has ended without text."""
    if isinstance(reply, StreamOpened):
        memory["told"] = False
    elif isinstance(reply, StreamChunk):
        memory["told"] |= b'"text"' in reply.data
    return isinstance(reply, StreamEnd) and not memory["told"]


@operation_mutant(
    "takes-cut-for-end", "CLI-4", "SSE-4",
    kills="client.cut.state-read", scenario=client_scenarios.reply_lost,
)  # fmt: skip
def takes_cut_for_end(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """A cut stream is treated as complete."""
    if isinstance(operation, ReadStream) and "end" in memory:
        return memory["end"].pop(0)
    try:
        return (yield operation)
    except ConnectionCut:
        if not isinstance(operation, OpenStream):
            raise
        on_applied()
        memory["end"] = [StreamChunk(_DONE), StreamEnd()]
        return StreamOpened()


@operation_mutant(
    "deaf-to-heartbeats", "CLI-5", "SSE-3",
    kills="client.heartbeats.patience", scenario=client_scenarios.stalled,
)  # fmt: skip
def deaf_to_heartbeats(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """A turn is given up after a minute of heartbeats."""
    reply = yield operation
    now: float = yield GetTime()
    if isinstance(operation, OpenStream) or (
        isinstance(reply, StreamChunk) and b"content" in reply.data
    ):
        memory["news"] = now
    elif isinstance(operation, ReadStream) and now - memory["news"] > 60.0:
        on_applied()
        raise StreamTimeout("nothing came for a minute")
    return reply


@operation_mutant(
    "patient-for-ever", "CLI-5",
    kills="client.heartbeats.limit", scenario=client_scenarios.stalled,
)  # fmt: skip
def patient_for_ever(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """The client waits for heartbeats until the server ends the turn."""
    reply = yield operation
    match reply:
        case StreamOpened():
            memory["begun"] = yield GetTime()
        case StreamEnd() | StreamCut():
            memory.clear()
    if isinstance(operation, GetTime) and "begun" in memory:
        on_applied()
        return memory["begun"]
    return reply


@client_mutant(
    "hangs-up-and-repeats", "SSE-7", "CLI-5",
    kills="client.hang-up.resend", scenario=client_scenarios.stalled, at="client.Client.say",
)  # fmt: skip
def hangs_up_and_repeats(original: Any, on_applied: OnApplied) -> Any:
    """A message is sent again when its turn takes too long."""

    def say(client: Any, message: str) -> Turn:
        try:
            turn: Turn = original(client, message)
        except StreamTimeout:
            on_applied()
            turn = original(client, message)
        return turn

    return say


@operation_mutant(
    "hangs-up-early", "SSE-4", "CLI-5",
    kills="client.stream.to-end", scenario=client_scenarios.job,
)  # fmt: skip
def hangs_up_early(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """The client disconnects after the first event."""
    reply = yield operation
    if isinstance(reply, StreamChunk) and b"content" in reply.data:
        on_applied()
        raise StreamTimeout("the first event is enough")
    return reply
