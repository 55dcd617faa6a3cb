"""Polls of an export are answered once it has been rendered, and no earlier."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nemolocal.client_scenarios import scenario_settings
from nemolocal.exec.render_hold import RenderHoldMiddleware
from nemolocal_conformance.client_runner.scenario import scenarios
from nemolocal_contract.endpoints import BALANCE, RENDER, RENDER_STATUS

SUBMIT = (RENDER.method, RENDER.path())
POLL = (RENDER_STATUS.method, RENDER_STATUS.path(render="render_1"))


def countdown(running: int) -> Callable[[], int]:
    """Return a count of running exports that falls by one each time it is read."""
    left: Iterator[int] = iter(range(running, -1, -1))
    return lambda: next(left)


def send(app: RenderHoldMiddleware, *requests: tuple[str, str]) -> None:
    async def run() -> None:
        for method, path in requests:
            await app({"type": "http", "method": method, "path": path}, None, None)

    asyncio.run(run())


@pytest.fixture
def passed() -> list[str]:
    """The paths that reached the app."""
    return []


def hold(passed: list[str], queue: float, count: Callable[[], int]) -> RenderHoldMiddleware:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        passed.append(scope["path"])

    return RenderHoldMiddleware(app, queue, count)


def test_poll_waits_until_nothing_is_rendered(passed: list[str]) -> None:
    count = countdown(3)
    send(hold(passed, 0.0, count), SUBMIT, POLL)
    assert passed == [SUBMIT[1], POLL[1]]
    with pytest.raises(StopIteration):  # it was read down to 0
        count()


def test_poll_of_a_queued_export_does_not_wait(passed: list[str]) -> None:
    send(hold(passed, 1000.0, countdown(-1)), SUBMIT, POLL)
    assert passed == [SUBMIT[1], POLL[1]]


def test_other_requests_do_not_wait(passed: list[str]) -> None:
    send(hold(passed, 0.0, countdown(-1)), (BALANCE.method, BALANCE.path()), SUBMIT)
    assert passed == [BALANCE.path(), SUBMIT[1]]


@pytest.mark.parametrize("name", scenarios())
def test_export_is_pending_at_the_first_poll_of_a_fast_scenario(name: str) -> None:
    settings = scenario_settings(scenarios()[name])
    queue = settings.render_queue
    assert queue == ((45.0, 45.0) if settings.speed == 200.0 else (0.0, 0.0))
