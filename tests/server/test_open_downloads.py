"""Downloads hold a bounded number of files open; who reads nothing for long makes way."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from nemolocal_contract.responses import ResponseCode
from nemolocal_server.errors import ContractError
from nemolocal_server.open_downloads import OpenDownloads
from nemolocal_server.transport.connection_limits import max_connections, max_open_files

STALLED_SECONDS = 30.0
PART: Message = {"type": "http.response.body", "body": b"x", "more_body": True}


class Client:
    """Who reads of a download what it is allowed to, and nothing more."""

    def __init__(self, downloads: OpenDownloads, cut: list["Client"]) -> None:
        self._readable = asyncio.Semaphore(0)
        self._left = 3
        self.received = 0
        self.is_open = asyncio.Event()
        monitored = self

        class Transport:
            def get_extra_info(self, _name: str) -> Any:
                return self

            def setsockopt(self, *_option: object) -> None:
                pass

            def abort(self) -> None:
                cut.append(monitored)

        scope: Scope = {"type": "http", "state": {"nemolocal.transport": Transport()}}
        self.task = asyncio.create_task(downloads.send(self._app, scope, _never, self._send))

    async def _app(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.is_open.set()
        try:
            for _ in range(self._left):
                await send(PART)
        finally:
            self.is_open.clear()

    async def _send(self, _message: Message) -> None:
        await self._readable.acquire()
        self.received += 1

    async def read(self, parts: int) -> None:
        wanted = self.received + parts
        for _ in range(parts):
            self._readable.release()
        while self.received < wanted:
            await asyncio.sleep(0)


async def _never() -> Message:
    raise AssertionError


Scenario = Callable[[Callable[[], Client], list[Client], Callable[[float], None]], Awaitable[None]]


def play(scenario: Scenario, monkeypatch: pytest.MonkeyPatch, most: int = 2) -> None:
    """Run a scenario with a loop whose clock only it advances."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        passed, cut = [loop.time()], list[Client]()
        monkeypatch.setattr(loop, "time", lambda: passed[0])
        downloads = OpenDownloads(lambda: most, STALLED_SECONDS)

        def advance(seconds: float) -> None:
            passed[0] += seconds

        await scenario(lambda: Client(downloads, cut), cut, advance)

    asyncio.run(run())


def test_a_download_too_many_is_refused_while_all_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(
        connect: Callable[[], Client], cut: list[Client], advance: Callable[[float], None]
    ) -> None:
        first, second = connect(), connect()
        await first.is_open.wait()
        await second.is_open.wait()
        for _ in range(2):
            advance(STALLED_SECONDS - 1)
            await first.read(1)
            await second.read(1)
        with pytest.raises(ContractError, match="2 downloads are open already") as refused:
            await connect().task
        assert refused.value.code == ResponseCode.RATE_LIMITED
        await first.read(1)
        await first.task
        third = connect()
        await third.is_open.wait()
        assert cut == []
        for client in (second, third):
            client.task.cancel()

    play(scenario, monkeypatch)


def test_a_newcomer_takes_the_place_of_who_reads_nothing_for_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(
        connect: Callable[[], Client], cut: list[Client], advance: Callable[[float], None]
    ) -> None:
        first, second = connect(), connect()
        await first.is_open.wait()
        await second.is_open.wait()
        advance(1)
        await first.read(1)
        advance(STALLED_SECONDS)
        third = connect()
        await third.is_open.wait()
        with pytest.raises(ClientDisconnect):
            await second.task
        assert cut == [second]
        assert not second.is_open.is_set()
        await first.read(2)
        await first.task
        await third.read(3)
        await third.task

    play(scenario, monkeypatch)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("soft", [64, 256, 1024, 65_536])
def test_downloads_and_connections_leave_descriptors_for_the_rest(
    monkeypatch: pytest.MonkeyPatch, soft: int
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (soft, soft))
    assert max_open_files() >= 16
    assert max_connections() + max_open_files() <= soft - 16
