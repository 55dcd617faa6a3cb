"""No part is waited for without an end, whatever the engine says or fails to say."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.client import ActivityExecutionStatus, ActivityHandle, PendingActivityState
from temporalio.service import RPCError, RPCStatusCode

from nemolocal_contract.clock import ManualClock
from nemolocal_farm.engine import Engine, EngineUnreachable
from nemolocal_farm.farm import Farm, FarmLimits, FarmUnavailable
from nemolocal_farm.farm_key import FarmKey
from nemolocal_farm.farm_parts import _result
from nemolocal_farm.part_store import PartStore
from nemolocal_farm.part_watch import PartForgotten, PartView, PartWatch
from nemolocal_farm.source_ranges import SourceRanges

RUNNING, STARTED = ActivityExecutionStatus.RUNNING, PendingActivityState.STARTED
LIMITS = FarmLimits()


class Engineless:
    """What `describe` answers, and the workers that are listed."""

    def __init__(self, answer: Callable[[], Any], workers: list[str]) -> None:
        self._answer = answer
        self._workers = workers

    async def describe(self, **_: object) -> Any:
        return self._answer()

    async def workers_of(self, _: str) -> list[str]:
        return self._workers


def seen(status: ActivityExecutionStatus, state: Any, attempt: int = 1, share: float = 0.0) -> Any:
    async def details(_: object) -> list[float]:
        return [share]

    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return SimpleNamespace(
        status=status,
        run_state=state,
        attempt=attempt,
        last_heartbeat_time=moment,
        heartbeat_details=details,
        last_worker_identity="worker",
    )


def watched(
    answer: Callable[[], Any], tmp_path: Path, workers: list[str] | None = None
) -> tuple[Exception, float]:
    """How the watch ends, and after how many seconds."""
    clock = ManualClock(autojump=True)
    engine = Engineless(answer, workers or [])
    farm = Farm(
        engine=cast("Engine", engine),
        key=FarmKey(b"s" * 32, b"u" * 32),
        store=PartStore(tmp_path / "parts", tmp_path),
        ranges=SourceRanges(),
        queue="q",
        limits=LIMITS,
        places=asyncio.Semaphore(1),
        clock=clock,
        last_sign=clock.elapsed(),
    )
    begun = clock.elapsed()
    handle = cast("ActivityHandle[bytes]", engine)
    with pytest.raises((FarmUnavailable, PartForgotten)) as ended:
        asyncio.run(PartWatch(farm, handle, PartView()).run(lambda _worker, _share: None))
    return ended.value, clock.elapsed() - begun


def failing(error: Exception) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "workers", "message", "limit"),
    [
        (
            lambda: seen(ActivityExecutionStatus.COMPLETED, None),
            ["w"],
            "the engine does not return its result",
            LIMITS.engine,
        ),
        (
            lambda: seen(RUNNING, STARTED),
            ["w"],
            "the engine does not notice that its worker is lost",
            LIMITS.heartbeat + LIMITS.engine,
        ),
        (lambda: seen(RUNNING, None), [], "no worker takes it", LIMITS.no_worker),
        (lambda: seen(RUNNING, None), ["w"], "its workers take nothing", LIMITS.idle),
        (
            failing(RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")),
            ["w"],
            "the engine does not answer any more",
            LIMITS.engine,
        ),
        (
            failing(EngineUnreachable("gone")),
            ["w"],
            "the engine does not answer any more",
            LIMITS.engine,
        ),
        (failing(RPCError("?", RPCStatusCode.NOT_FOUND, b"")), [], "the engine has lost it", 0),
    ],
)
def test_a_part_that_gets_nowhere_is_given_up(
    answer: Callable[[], Any], workers: list[str], message: str, limit: float, tmp_path: Path
) -> None:
    reason, passed = watched(answer, tmp_path, workers)
    assert str(reason) == message
    assert limit <= passed <= limit + LIMITS.no_worker + 2


def test_a_worker_that_makes_progress_is_waited_for(tmp_path: Path) -> None:
    shares = iter(n / 200 for n in range(200))

    def answer() -> Any:
        share = next(shares, None)
        if share is None:
            return seen(ActivityExecutionStatus.COMPLETED, None)
        return seen(RUNNING, STARTED, share=share)

    reason, passed = watched(answer, tmp_path)
    assert str(reason) == "the engine does not return its result"
    assert passed > 100


def test_a_call_that_the_engine_cancels_does_not_cancel_the_part() -> None:
    """The SDK raises CancelledError for it, as if somebody here had cancelled the wait."""
    answers = iter([asyncio.CancelledError(), RPCError("?", RPCStatusCode.UNAVAILABLE, b"")])

    class Handle:
        async def result(self, **_: object) -> bytes:
            for error in answers:
                raise error
            return b"done"

    handle = cast("ActivityHandle[bytes]", Handle())
    assert asyncio.run(_result(handle)) == b"done"


def test_a_wait_that_is_cancelled_here_ends() -> None:
    class Handle:
        async def result(self, **_: object) -> bytes:
            await asyncio.Event().wait()
            return b""

    async def cancel() -> None:
        waiting = asyncio.create_task(_result(cast("ActivityHandle[bytes]", Handle())))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cancel())
