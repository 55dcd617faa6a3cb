"""Days and minutes pass on the manual clock: no wait is a real one."""

import asyncio
import contextlib
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.responses import ResponseCode
from nemolocal_contract.turn_events import Heartbeat, Text
from nemolocal_server.errors import ContractError
from nemolocal_server.faults.catalogue import ActiveFault, StallArgs
from nemolocal_server.services import Services
from nemolocal_server.setting_ranges import DAY
from nemolocal_server.settings import Settings
from nemolocal_server.turns.running_turn import RunningTurn

_Scenario = Callable[[Services, ManualClock], Awaitable[None]]


@contextlib.asynccontextmanager
async def server(clock: ManualClock) -> AsyncIterator[Services]:
    opened = Services(Settings(address_limit=10), clock)
    opened.start()
    try:
        yield opened
    finally:
        await opened.close()


class WatchingSelector(selectors.DefaultSelector):
    """What an event loop waits with: writes down for how long it had nothing to do."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout != 0:
            self.waits.append(timeout)
        return super().select(timeout)


def real_waits(scenario: _Scenario, selector: WatchingSelector | None = None) -> list[float | None]:
    """What a scenario on its own server waited for, in real seconds (None: for an event)."""
    selector = selector or WatchingSelector()
    clock = ManualClock()

    async def run_scenario() -> list[float | None]:
        async with server(clock) as opened:
            selector.waits.clear()
            await scenario(opened, clock)
            return [*selector.waits]

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        return runner.run(run_scenario())


async def token_life(opened: Services, clock: ManualClock) -> None:
    """Seven days of a token, an hour at a time."""
    text, _ = opened.context.tokens.issue("client-1", "")
    for _ in range(7 * 24 - 1):
        await clock.advance(3600)
        assert opened.context.tokens.find(text) is not None
    await clock.advance(3600)
    assert opened.context.tokens.find(text) is None
    opened.context.tokens.issue("client-1", "")


async def address_window(opened: Services, clock: ManualClock) -> None:
    """Ten tokens of one address, and the eleventh when the first is a week old."""
    for number in range(10):
        opened.context.tokens.issue(f"client-{number}", "10.0.0.1")
        await clock.advance(DAY / 2)
    with pytest.raises(ContractError) as refused:
        opened.context.tokens.issue("client-10", "10.0.0.1")
    assert refused.value.code == ResponseCode.RATE_LIMITED
    await clock.advance(2 * DAY)
    opened.context.tokens.issue("client-10", "10.0.0.1")


async def stalled_turn(opened: Services, clock: ManualClock, seconds: float) -> list[object]:
    """A turn that has nothing to say for so long."""
    _, token = opened.context.tokens.issue("client-1", "")
    session = opened.context.sessions.create(token, "project", "en")
    fault = ActiveFault("stall", StallArgs(seconds))
    turn: RunningTurn = opened.turns.start(token, session, "hello", (fault,))
    reported: list[object] = []

    async def listen() -> None:
        async for event in turn.events():
            reported.append(event)

    listener = asyncio.ensure_future(listen())
    await clock.advance(900)
    await listener
    return reported


async def ten_minute_stall(opened: Services, clock: ManualClock) -> None:
    """Forty heartbeats, and then the answer after all."""
    reported = await stalled_turn(opened, clock, 600)
    assert sum(isinstance(event, Heartbeat) for event in reported) == 40
    assert isinstance(reported[-1], Text)


async def fifteen_minute_turn(opened: Services, clock: ManualClock) -> None:
    """A turn that would last for ever is ended after a quarter of an hour."""
    reported = await stalled_turn(opened, clock, 100_000)
    assert reported == [Heartbeat()] * 60


@pytest.mark.slow
@pytest.mark.rule("AUTH-4", "AUTH-5", "SSE-3", "SSE-6")
@pytest.mark.parametrize(
    "scenario",
    [token_life, address_window, ten_minute_stall, fifteen_minute_turn],
    ids=lambda scenario: scenario.__name__,
)
def test_a_long_time_passes_without_a_real_wait(scenario: _Scenario) -> None:
    assert real_waits(scenario) == []


def test_a_real_wait_is_seen() -> None:
    selector = WatchingSelector()

    async def doze(_: Services, __: ManualClock) -> None:
        # A busy machine may be away until a short time is over: nothing was waited for then.
        while not selector.waits:
            await asyncio.sleep(0.01)

    assert real_waits(doze, selector)
