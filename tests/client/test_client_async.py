"""What only the async face has: calls that are cancelled, calls that overlap, and a free loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from nemolocal_client import AsyncClient, FileProblem, MemoryProfile, Notice, RenderFailed
from nemolocal_client.driver import FlowExecution
from nemolocal_client.file_transfer import run_in_thread
from nemolocal_client.operations import Flow, GetTime
from nemolocal_contract.endpoints import Attribution
from tests.support.scripted_backend import Answer, Replies, ScriptedBackend

CHAT = "/run_sse"
RENDER = "/api/render/proxy/lambda"
STATUS = f"{RENDER}/"

Scene = Callable[[AsyncClient], Awaitable[None]]
# Plays a scene with a client that has these options.
Act = Callable[..., None]


@pytest.fixture
def act(backend: ScriptedBackend) -> Act:
    """Plays a scene with a client of the backend, in a loop of its own."""

    @asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[AsyncClient]:
        defaults: dict[str, Any] = {
            "attribution": Attribution("test-skill", "1.2.3"),
            "profile": MemoryProfile(),
            "clock": backend.clock,
            "environment": {},
        }
        async with AsyncClient(backend.base_url, **{**defaults, **options}) as client:
            yield client

    async def play(scene: Scene, options: dict[str, Any]) -> None:
        async with opened(**options) as client:
            await scene(client)

    def start(scene: Scene, **options: Any) -> None:
        asyncio.run(play(scene, options))

    return start


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_cancelled_download_leaves_no_part_and_the_older_file(
    act: Act, backend: ScriptedBackend, tmp_path: Path, video: bytes
) -> None:
    out = tmp_path / "out" / "out.mp4"
    out.parent.mkdir()
    out.write_bytes(b"older")
    arrived, over = asyncio.Event(), threading.Event()

    def notify(notice: Notice) -> None:
        if notice.kind == "download" and notice.progress:
            arrived.set()

    backend.arm("/cdn/", [*backend.wire.file(video, cut_at=4000), over])

    async def scene(client: AsyncClient) -> None:
        task = asyncio.create_task(client.export(out))
        await arrived.wait()
        assert list(out.parent.glob(".nemolocal-*.part"))
        await cancelled(task)
        assert [path.name for path in out.parent.iterdir()] == ["out.mp4"]
        assert out.read_bytes() == b"older"
        over.set()

    act(scene, notify=notify)


def test_cancelled_turn_hangs_up_and_the_client_goes_on(
    act: Act, backend: ScriptedBackend, wire: Replies
) -> None:
    over = threading.Event()
    backend.arm(CHAT, [*wire.stream(wire.text("Working on it."))[:2], over])

    async def scene(client: AsyncClient) -> None:
        async with aclosing(client.stream("trim")) as lines:
            assert await anext(lines) == "Working on it."
            rest = asyncio.create_task(anext(lines))
            await asyncio.sleep(0)
            await cancelled(rest)
        over.set()
        assert (await client.say("what happened?")).lines == ("Done.",)
        assert len(backend.of(CHAT)) == 2

    act(scene)


def test_wait_that_is_cancelled_ends_at_once(act: Act, backend: ScriptedBackend) -> None:
    waiting = asyncio.Event()

    def notify(notice: Notice) -> None:
        if notice.kind == "waiting":
            waiting.set()

    backend.arm("/api/credits", backend.wire.fail(429))

    async def scene(client: AsyncClient) -> None:
        task = asyncio.create_task(client.balance())
        await waiting.wait()
        await cancelled(task)
        assert len(backend.of("/api/credits")) == 1

    act(scene, notify=notify)


def test_notify_may_be_a_coroutine_function(act: Act, clip: Path) -> None:
    reported: list[str] = []

    async def notify(notice: Notice) -> None:
        await asyncio.sleep(0)
        reported.append(notice.kind)

    async def scene(client: AsyncClient) -> None:
        await client.connect()
        await client.upload(clip)

    act(scene, notify=notify)
    assert {"connecting", "upload"} <= set(reported)


def test_export_that_waits_is_cancelled_by_another_call(
    act: Act, backend: ScriptedBackend, tmp_path: Path
) -> None:
    def answer(state: str) -> Answer:
        return lambda request: backend.wire.json(
            {"id": request.path.split("/")[5], "status": state}
        )

    backend.arm(STATUS, answer("processing"), answer("failed"), answer("failed"))

    rendering = asyncio.Event()

    def notify(notice: Notice) -> None:
        if notice.kind == "render":
            rendering.set()

    async def scene(client: AsyncClient) -> None:
        task = asyncio.create_task(client.export(tmp_path / "out.mp4"))
        await rendering.wait()
        await client.cancel_export()
        with pytest.raises(RenderFailed, match="cancelled"):
            await task

    act(scene, notify=notify)
    assert len([r for r in backend.of(RENDER) if r.path == RENDER]) == 1
    assert any(path.endswith("/cancel") for path in backend.paths())


def test_loop_is_free_while_a_large_file_is_sent(
    act: Act, backend: ScriptedBackend, clip: Path
) -> None:
    with clip.open("wb") as file:
        file.truncate(4_000_000)
    turns = 0

    async def scene(client: AsyncClient) -> None:
        nonlocal turns
        task = asyncio.create_task(client.upload(clip))
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        await task

    act(scene)
    assert turns > 4_000_000 // (1 << 18)
    assert len(backend.of("/api/upload-video")[0].body) > 4_000_000


def test_large_file_arrives_whole_block_by_block(
    act: Act, backend: ScriptedBackend, tmp_path: Path
) -> None:
    large = bytes(range(256)) * 5000
    backend.arm(STATUS, backend.completed("render_1700000000000", size=len(large)))
    backend.arm("/cdn/", backend.wire.file(large))

    async def scene(client: AsyncClient) -> None:
        assert (await client.export(tmp_path / "out.mp4")).size == len(large)

    act(scene)
    assert (tmp_path / "out.mp4").read_bytes() == large


def test_file_that_breaks_while_it_is_sent_is_a_problem_of_the_file(
    act: Act, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise FileProblem("the disk is gone")

    monkeypatch.setattr("nemolocal_client.file_transfer.ProgressFile.read", broken)

    async def scene(client: AsyncClient) -> None:
        with pytest.raises(FileProblem, match="the disk is gone"):
            await client.upload(clip)

    act(scene)


def test_calls_that_overlap_renew_the_token_once(act: Act, backend: ScriptedBackend) -> None:
    refused = backend.wire.fail(1001)

    async def scene(client: AsyncClient) -> None:
        await asyncio.gather(client.connect(), client.connect())
        backend.arm("/api/credits", refused, refused)
        both = await asyncio.gather(client.balance(), client.balance())
        assert [balance.total for balance in both] == [100, 100]

    act(scene)
    assert len(backend.of("/api/auth/anonymous-token")) == 2


def test_thread_is_waited_for_when_its_work_is_cancelled() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(60)
        done.set()

    async def scene() -> None:
        task = asyncio.create_task(run_in_thread(work))
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done.is_set()

    asyncio.run(scene())


def test_flow_that_ends_at_an_error_has_an_outcome() -> None:
    def flow() -> Flow[str]:
        try:
            yield GetTime()
        except FileProblem:
            return "over"
        return "never"

    walk = FlowExecution(flow())
    walk.throw(FileProblem())
    assert (walk.pending, walk.result) == (None, "over")
