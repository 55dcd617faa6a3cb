"""Resets, restores and snapshots that come in the middle of something else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import RenderRequest
from nemolocal_server.app import build_app
from nemolocal_server.data.sessions import SessionRecord
from nemolocal_server.data.tokens import NewToken, TokenRecord
from nemolocal_server.errors import ContractError
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from nemolocal_server.stored_files import StoredFileResponse
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.asgi_caller import AsgiCaller
from tests.support.clips import open_session
from tests.support.executor import FakeRenderExecutor
from tests.support.server_invariants import assert_consistent

EDIT = "compress this video"
LONGEST = 2000.0
TITLE = {"t": [{"tt": 7, "sg": [{"s": 0, "d": 1000, "txt": "hi"}]}]}


class ServerHarness:
    """A server on a manual clock with a token that has a session."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.executor = FakeRenderExecutor()
        self.server = Services(
            Settings(silence=SilentTurnPolicy(rate=0)), self.clock, self.executor
        )
        self.token: TokenRecord = self.server.create_token(NewToken(credits=500))[1]
        self.session: SessionRecord = open_session(self.server.context, self.token)

    async def submit(self, name: str) -> None:
        request = RenderRequest(name, self.session.id, TITLE)
        await self.server.exports.submit(self.token, self.session, request, "1080p")

    async def end(self) -> None:
        while self.server.turns.tasks.running_count or self.server.exports.tasks.running_count:
            await self.clock.advance(LONGEST)
        assert_consistent(self.server)


@asynccontextmanager
async def opened() -> AsyncIterator[ServerHarness]:
    harness = ServerHarness()
    harness.server.start()
    try:
        async with asyncio.timeout(30):  # nobody waits so long unless the test has failed
            yield harness
    finally:
        await harness.server.close()


Change = Callable[[ServerHarness], Awaitable[object]]


async def reset(harness: ServerHarness) -> None:
    await harness.server.reset()


async def reset_token(harness: ServerHarness) -> None:
    await harness.server.snapshots.reset_token(harness.token)


@pytest.mark.slow
@pytest.mark.parametrize("change", [reset, reset_token])
def test_a_stream_ends_when_its_turn_is_stopped_before_its_first_step(change: Change) -> None:
    async def play() -> None:
        async with opened() as harness:
            turn = harness.server.turns.start(harness.token, harness.session, EDIT)
            await change(harness)
            assert [event async for event in turn.events()] == []

    asyncio.run(play())


def test_what_begins_while_a_token_is_reset_is_stopped_too() -> None:
    async def play() -> None:
        async with opened() as harness:
            server = harness.server
            server.turns.start(harness.token, harness.session, EDIT)
            forgetting = asyncio.ensure_future(server.snapshots.reset_token(harness.token))
            await asyncio.sleep(0)
            harness.session = open_session(server.context, harness.token)
            server.turns.start(harness.token, harness.session, EDIT)
            await harness.submit("render_1")
            await forgetting
            assert (server.turns.tasks.running_count, server.exports.tasks.running_count) == (0, 0)
            await harness.end()
            assert server.context.ledger.balance(harness.token.id).available == 500

    asyncio.run(play())


def test_what_was_stopped_for_a_restore_that_fails_goes_on_or_gives_its_credits_back() -> None:
    async def play() -> None:
        async with opened() as harness:
            past = harness.server.snapshots
            snapshot = past.create()
            harness.executor.gate = asyncio.Event()
            harness.server.turns.start(harness.token, harness.session, EDIT)
            await harness.submit("render_1")
            restoring = asyncio.ensure_future(past.restore(snapshot))
            await asyncio.sleep(0)
            past.delete(snapshot)
            with pytest.raises(ContractError, match="snapshot not found"):
                await restoring
            assert harness.server.context.ledger.balance(harness.token.id).frozen == 0
            harness.executor.gate.set()
            await harness.end()
            export = harness.server.exports.find(harness.token, "render_1")
            assert export.status == "completed"

    asyncio.run(play())


@pytest.mark.parametrize("change", [reset, reset_token])
def test_no_snapshot_is_taken_of_what_is_half_stopped(change: Change) -> None:
    async def play() -> None:
        async with opened() as harness:
            past = harness.server.snapshots
            harness.server.turns.start(harness.token, harness.session, EDIT)
            changing = asyncio.ensure_future(change(harness))
            refusals = set()
            await asyncio.sleep(0)
            while not changing.done():
                with pytest.raises(ContractError) as refused:
                    past.create()
                refusals.add(refused.value.message)
                await asyncio.sleep(0)
            assert refusals == {
                "a reset or a restore is running: try again when it has ended",
            }
            assert past.create()

    asyncio.run(play())


def test_a_file_that_goes_before_it_is_sent_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset may take it away after it was found, and before it is opened."""
    app = build_app(Settings(data_dir=tmp_path))
    store = app.state.services.context.store
    file = store.renders / f"{'0' * 32}.mp4"
    init = StoredFileResponse.__init__

    def init_and_lose(self: StoredFileResponse, *args: object, **rest: object) -> None:
        init(self, *args, **rest)  # type: ignore[arg-type]
        file.unlink()

    async def ask(path: str) -> int:
        return (await AsgiCaller(app, lambda: 0).call("GET", path, {})).code

    file.write_bytes(b"a render")
    assert asyncio.run(ask(f"/cdn/renders/{file.name}")) == 0
    monkeypatch.setattr("starlette.responses.FileResponse.__init__", init_and_lose)
    try:
        assert asyncio.run(ask(f"/cdn/renders/{file.name}")) == 404
    finally:
        store.close()
