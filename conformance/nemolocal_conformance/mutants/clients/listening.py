"""Clients that take silence, cuts and heartbeats for what they are not."""

from typing import Any

from nemolocal_client.effects import Chunk, Effect, Flow, Now, OpenStream, ReadStream
from nemolocal_client.errors import StreamTimeout
from nemolocal_client.turns import Turn

from . import scenarios
from .mutant import ClientMutant, Hit, broken_client
from .rewriting import Memory, broken_effects


class _Pauses(tuple[float, ...]):
    """Pauses that tell when somebody follows them."""

    hit: Hit

    def __iter__(self) -> Any:
        self.hit()
        return super().__iter__()


def _pauses(
    id: str, kills: str, scenario: scenarios.Scenario, at: str, *pauses: float
) -> ClientMutant:
    """A client that looks at the state at other times."""

    @broken_client(id, "CLI-3", "CLI-4", kills=kills, scenario=scenario, at=at)
    def hasty(original: Any, hit: Hit) -> Any:
        """The state is looked at too early, too often, or not often enough."""
        del original
        found = _Pauses(pauses)
        found.hit = hit
        return found

    return hasty


_SILENCE, _CUT = "turns.AFTER_SILENCE", "turns.AFTER_CUT"
_UNSEEN = scenarios.cut_unchanged
nervous = _pauses(
    "nervous", "client.state.rhythm", scenarios.silent_unchanged, _SILENCE, 0, 1, 1, 1, 1
)
restless = _pauses(
    "restless", "client.state.rhythm", scenarios.silent_unchanged, _SILENCE, 0, *[60] * 8
)
hasty = _pauses("hasty", "client.cut.wait", _UNSEEN, _CUT, 1, 60, 60, 60, 60)
hurried = _pauses("hurried", "client.cut.rhythm", _UNSEEN, _CUT, 30, 5, 5, 5, 5)
faint_hearted = _pauses("faint-hearted", "client.cut.reads", _UNSEEN, _CUT, 30)
stubborn = _pauses("stubborn", "client.cut.reads", _UNSEEN, _CUT, 30, *[60] * 7)


@broken_client(
    "credulous", "CLI-3", "SSE-5",
    kills="client.silent.state-read", scenario=scenarios.silent, at="turns.listen",
)  # fmt: skip
def credulous(original: Any, hit: Hit) -> Any:
    """A turn without a word is taken for done."""

    def hear(session: Any, message: str) -> Flow[Any]:
        heard = yield from original(session, message)
        if not heard.texts:
            hit()
            heard.take("Done.")
        return heard

    return hear


@broken_client(
    "repeats-itself", "CLI-3", "SSE-7", "SSE-5",
    kills="client.resend", scenario=scenarios.silent, at="turns.listen",
)  # fmt: skip
def repeats_itself(original: Any, hit: Hit) -> Any:
    """A message that was answered by silence is sent again."""
    return _sending_again(original, hit)


@broken_client(
    "repeats-cut", "CLI-4", "SSE-7", "SSE-4",
    kills="client.cut.resend", scenario=scenarios.reply_lost, at="turns.listen",
)  # fmt: skip
def repeats_cut(original: Any, hit: Hit) -> Any:
    """A message whose stream was cut is sent again."""
    return _sending_again(original, hit)


def _sending_again(original: Any, hit: Hit) -> Any:
    def hear(session: Any, message: str) -> Flow[Any]:
        heard = yield from original(session, message)
        if heard.cut or not heard.texts:
            hit()
            yield from original(session, message)
        return heard

    return hear


@broken_client(
    "takes-cut-for-end", "CLI-4", "SSE-4",
    kills="client.cut.state-read", scenario=scenarios.reply_lost, at="turns.listen",
)  # fmt: skip
def takes_cut_for_end(original: Any, hit: Hit) -> Any:
    """A cut stream is taken for a complete one."""

    def hear(session: Any, message: str) -> Flow[Any]:
        heard = yield from original(session, message)
        if heard.cut:
            hit()
            heard.cut = False
            heard.take("Done.")
        return heard

    return hear


@broken_effects(
    "deaf-to-heartbeats", "CLI-5", "SSE-3",
    kills="client.heartbeats.patience", scenario=scenarios.stalled,
)  # fmt: skip
def deaf_to_heartbeats(effect: Effect, hit: Hit, memory: Memory) -> Flow[Any]:
    """A minute of heartbeats is a failure."""
    reply = yield effect
    now: float = yield Now()
    if isinstance(effect, OpenStream) or (isinstance(reply, Chunk) and b"content" in reply.data):
        memory["news"] = now
    elif isinstance(effect, ReadStream) and now - memory["news"] > 60.0:
        hit()
        raise StreamTimeout("nothing came for a minute")
    return reply


@broken_client(
    "patient-for-ever", "CLI-5",
    kills="client.heartbeats.limit", scenario=scenarios.stalled, at="listening.Patience.check",
)  # fmt: skip
def patient_for_ever(original: Any, hit: Hit) -> Any:
    """Heartbeats are listened to until the backend gives up."""
    del original

    def check(patience: Any, now: float) -> None:
        del patience, now
        hit()

    return check


@broken_client(
    "hangs-up-and-repeats", "SSE-7", "CLI-5",
    kills="client.hang-up.resend", scenario=scenarios.stalled, at="client.Client.say",
)  # fmt: skip
def hangs_up_and_repeats(original: Any, hit: Hit) -> Any:
    """A turn that took too long is begun anew."""

    def say(client: Any, message: str) -> Turn:
        try:
            turn: Turn = original(client, message)
        except StreamTimeout:
            hit()
            turn = original(client, message)
        return turn

    return say
