"""A burst of requests is begun step by step, and health is not behind it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message, Receive, Scope, Send

from nemolocal_contract import endpoints
from nemolocal_server.middleware import AdmissionMiddleware

BURST = 400


class Recorder:
    """An app that notes which requests have begun, and in how many turns of the event loop."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._app = AdmissionMiddleware(self._note)

    async def _note(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        self.begun.append(scope["path"])

    def request(self, path: str) -> asyncio.Task[None]:
        return asyncio.ensure_future(self._app({"type": "http", "path": path}, _nothing, _nowhere))


async def _nothing() -> Message:
    raise AssertionError("nobody reads here")


async def _nowhere(_message: Message) -> None:
    raise AssertionError("nobody answers here")


def run(work: Callable[[Recorder], Awaitable[None]]) -> list[str]:
    async def main() -> list[str]:
        recorder = Recorder()
        await work(recorder)
        return recorder.begun

    return asyncio.run(main())


def test_a_burst_is_begun_in_order_and_wholly() -> None:
    async def burst(recorder: Recorder) -> None:
        await asyncio.gather(*(recorder.request(f"/{number}") for number in range(BURST)))

    assert run(burst) == [f"/{number}" for number in range(BURST)]


@pytest.mark.slow
def test_a_turn_of_the_loop_begins_a_few_requests_only() -> None:
    async def burst(recorder: Recorder) -> None:
        tasks = [recorder.request("/") for _ in range(BURST)]
        while not all(task.done() for task in tasks):
            before = len(recorder.begun)
            await asyncio.sleep(0)
            assert len(recorder.begun) - before <= 8

    assert len(run(burst)) == BURST


@pytest.mark.slow
def test_health_is_begun_at_once_in_a_burst() -> None:
    async def burst(recorder: Recorder) -> None:
        tasks = [recorder.request("/") for _ in range(BURST)]
        await recorder.request(endpoints.HEALTH.path())
        assert len(recorder.begun) <= 9
        await asyncio.gather(*tasks)

    assert len(run(burst)) == BURST + 1


def test_connections_that_keep_coming_are_taken_before_their_requests_are_begun() -> None:
    async def one_each_turn(recorder: Recorder) -> None:
        tasks = []
        for _ in range(BURST):
            tasks.append(recorder.request("/"))
            await asyncio.sleep(0)
        assert 0 < len(recorder.begun) <= BURST // 10
        await asyncio.gather(*tasks)

    assert len(run(one_each_turn)) == BURST


def test_a_request_alone_is_begun_without_a_turn_more() -> None:
    async def one_after_the_other(recorder: Recorder) -> None:
        for number in range(3):
            recorder.request("/")
            await asyncio.sleep(0)
            assert len(recorder.begun) == number + 1
            for _ in range(4):
                await asyncio.sleep(0)

    run(one_after_the_other)


def test_a_request_given_up_while_it_waits_takes_nobody_s_place() -> None:
    async def given_up(recorder: Recorder) -> None:
        tasks = [recorder.request(f"/{number}") for number in range(BURST)]
        await asyncio.sleep(0)
        for task in tasks[10:-1]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    assert run(given_up) == [*(f"/{number}" for number in range(10)), f"/{BURST - 1}"]


def test_an_idle_server_has_nothing_to_do() -> None:
    """What has been begun leaves nothing in the event loop that would run for ever."""

    async def idle(recorder: Recorder) -> None:
        await asyncio.gather(*(recorder.request("/") for _ in range(BURST)))
        loop = asyncio.get_running_loop()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not loop._ready  # type: ignore[attr-defined]

    run(idle)
