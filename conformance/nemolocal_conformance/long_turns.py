"""Turns of minutes, made once for all checks: a generated clip, and an edit that does not end.

Where the clock of the server cannot be moved they are begun first, each with a client of its own,
while other checks run.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from nemolocal_contract.clock import WallClock

from .target import TurnStream

if TYPE_CHECKING:
    from .context import CheckContext

T = TypeVar("T")
LongTurn = Literal["generated", "stalled"]
STALLED_EDIT = "add a title 'Hello' for 1 second"
# Seconds of our own work that are part of the length of a turn: of a clock that stands still
# meanwhile, and of real time.
_SLACK, _BUSY_SLACK = 5.0, 30.0


class GeneratedClip(msgspec.Struct, frozen=True):
    """A generated clip: the stream, the state after it, its seconds and its credits."""

    stream: TurnStream
    state: dict[str, Any]
    seconds: float
    credits_spent: int


class StalledTurn(msgspec.Struct, frozen=True):
    """A turn that was made to stall: the stream, its seconds on the server's clock, a tolerance."""

    stream: TurnStream
    seconds: float
    slack: float


def generate_clip(context: "CheckContext", message: str) -> GeneratedClip:
    """Generate a clip by this message, for an account of its own."""
    account = context.make_account()
    session = context.new_session(account)
    begun = context.control.read_clock()
    before = context.read_balance(account)["available"]
    stream = context.send_message(session, message, account)
    seconds = context.control.read_clock() - begun
    spent = int(before - context.read_balance(account)["available"])
    draft = context.read_draft(session, account)
    state = {**context.read_state(session, account)["state"], "draft": draft}
    return GeneratedClip(stream, state, seconds, spent)


def stall_turn(context: "CheckContext") -> StalledTurn:
    """Make an edit that does not end by itself, for an account of its own."""
    account = context.make_account()
    session = context.new_edited_session(account)
    context.control.arm_fault("stall", account.user_id)
    clock = WallClock()
    begun, before = clock.time(), context.control.read_clock()
    stream = context.send_message(session, STALLED_EDIT, account)
    if context.control.can_advance_clock():
        return StalledTurn(stream, context.control.read_clock() - before, _SLACK)
    # Time passes by itself there, in which a busy machine has its own work to do.
    speed = context.settings.speed
    return StalledTurn(stream, (clock.time() - begun) * speed, _BUSY_SLACK * speed)


def run_in_thread(make: Callable[[], T]) -> "Future[T]":
    """Call a function in a thread that ends with the process."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(make())
        except BaseException as problem:  # for whoever asks for the result
            future.set_exception(problem)

    threading.Thread(target=run, daemon=True).start()
    return future
