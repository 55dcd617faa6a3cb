"""A worker renders a part, or says whose failure it is: the part's, the server's or its own."""

import asyncio
import dataclasses
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from nemolocal_farm import part_activity, worker_transfers
from nemolocal_farm.part_activity import PartRenderer
from nemolocal_farm.part_store import PartStore
from nemolocal_farm.part_tasks import (
    FFMPEG_FAILED,
    RENDER_ENDED,
    SERVER_DISK_FULL,
    TAKEN_ELSEWHERE,
    TRANSFER_FAILED,
    WORKER_UNFIT,
    PartResult,
    TaskRange,
    encode_plan_for_workers,
)
from nemolocal_farm.signed_paths import sign_path
from nemolocal_farm.source_cache import SourceCache
from nemolocal_farm.transfer_app import build_transfer_app, file_path, upload_path
from nemolocal_farm.worker_transfers import WorkerTransfers
from nemolocal_render import encoders
from nemolocal_render.encoders import EncoderProbe
from nemolocal_render.ffmpeg_cli import DISK_FULL, FFmpegFailed
from nemolocal_render.render_progress import ProgressRange
from tests.farm.test_farm_protocol import KEY, PART, small_part
from tests.farm.test_source_cache import CONTENT

# Some tasks are signed when the tests are collected.
DAY = 86_400.0
RENDERED = b"a rendered part"
TITLES = b"[Events]"
Encode = Callable[[Path, ProgressRange], Awaitable[str]]


class Worker:
    """A worker beside the endpoints of a server, whose FFmpeg does as the test says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.probe = EncoderProbe(encoders.SOFTWARE_ENCODER, "")
        self.heartbeats: list[float] = []
        self.encodes: list[Encode] = []
        self.answers: list[httpx.Response] = []
        self.kept = b""
        self.store = PartStore(folder / "stored", folder)
        self.parts = folder / "parts"
        monkeypatch.setattr(part_activity, "run_command", self._run)
        monkeypatch.setattr(encoders, "probe_encoder", self._probe)
        monkeypatch.setattr(worker_transfers, "_PAUSES", ())

    async def _run(
        self, folder: Path, _plan: object, _command: object, stage: ProgressRange, _: object
    ) -> str:
        return await self.encodes.pop(0)(folder, stage)

    async def _probe(self, _: str) -> EncoderProbe:
        return self.probe

    @asynccontextmanager
    async def renderer(self) -> AsyncIterator[PartRenderer]:
        files = {"source-0": self.folder / "clip.mp4", "titles.ass": self.folder / "titles"}
        files["source-0"].write_bytes(CONTENT)
        files["titles.ass"].write_bytes(TITLES)
        for name in ("sources", "parts"):
            (self.folder / name).mkdir()
        endpoints = httpx.ASGITransport(build_transfer_app(KEY, self.store))

        async def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "PUT" and self.answers:
                return self.answers.pop(0)
            return await endpoints.handle_async_request(request)

        transfers = WorkerTransfers("http://farm")
        transfers._client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        with self.store.offered(PART, files):
            yield PartRenderer(
                transfers, SourceCache(transfers, self.folder / "sources", 1 << 30), self.parts
            )
        await transfers.close()

    async def render(self, renderer: PartRenderer, task: bytes, attempt: int = 1) -> PartResult:
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(environment.info, attempt=attempt)
        environment.on_heartbeat = self.heartbeats.append
        result: bytes = await environment.run(renderer.render_part, task)
        return msgspec.json.decode(result, type=PartResult)


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    return Worker(tmp_path, monkeypatch)


def task(*ranges: tuple[int, int], **changes: Any) -> bytes:
    announced = [TaskRange(a, b, sha256(CONTENT[a:b]).hexdigest()) for a, b in ranges]
    files = [
        {
            "name": name,
            "size": len(content),
            "sha256": sha256(content).hexdigest(),
            "path": sign_path(KEY, "GET", file_path(PART, name), DAY),
            "ranges": announced if name == "source-0" else [],
        }
        for name, content in (("source-0", CONTENT), ("titles.ass", TITLES))
    ]
    fields = {
        "id": PART,
        "plan": msgspec.Raw(encode_plan_for_workers(small_part())),
        "machine": {"encoder": "libx264", "cores": 2},
        "files": files,
        "upload": sign_path(KEY, "PUT", upload_path(PART), DAY),
        **changes,
    }
    return msgspec.json.encode(fields)


async def well(folder: Path, stage: ProgressRange) -> str:
    assert (folder / "titles.ass").read_bytes() == TITLES
    stage.report(0.5)
    (folder / "part.mp4").write_bytes(RENDERED)
    return ""


def failing(error: Exception) -> Encode:
    async def fail(_folder: Path, _stage: ProgressRange) -> str:
        raise error

    return fail


def render(
    worker: Worker, text: bytes, *encodes: Encode, attempts: Sequence[int] = (1,)
) -> tuple[list[PartResult | ApplicationError], PartRenderer]:
    """What comes of each attempt at a part."""
    worker.encodes = [*encodes]

    async def attempt(renderer: PartRenderer, number: int) -> PartResult | ApplicationError:
        try:
            return await worker.render(renderer, text, number)
        except ApplicationError as error:
            return error

    async def all_of_them() -> tuple[list[PartResult | ApplicationError], PartRenderer]:
        async with worker.renderer() as renderer:
            found = [await attempt(renderer, number) for number in attempts]
            assert renderer.running == 0
            assert list(worker.parts.iterdir()) == [], "a folder of a part is left"
            worker.kept = worker.store.path(PART).read_bytes() if worker.store.has(PART) else b""
            return found, renderer

    return asyncio.run(all_of_them())


def test_a_part_is_rendered_from_what_the_server_has_and_returned(worker: Worker) -> None:
    (result,), renderer = render(worker, task(), well)
    assert isinstance(result, PartResult)
    assert (result.size, result.sha256) == (len(RENDERED), sha256(RENDERED).hexdigest())
    assert (result.fetched, result.complaint) == (len(CONTENT) + len(TITLES), "")
    assert worker.kept == RENDERED
    assert not renderer.unfit.is_set()


def test_the_engine_hears_how_far_a_part_is(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_activity, "_HEARTBEAT_SECONDS", 0.0)

    async def slow(folder: Path, stage: ProgressRange) -> str:
        for share in (0.25, 0.1234567):
            stage.report(share)
            while round(share, 3) not in worker.heartbeats:
                await asyncio.sleep(0)
        return await well(folder, stage)

    (result,), _ = render(worker, task(), slow)
    assert isinstance(result, PartResult)
    assert worker.heartbeats[0] == 0.0
    assert {0.25, 0.123} <= set(worker.heartbeats)


@pytest.mark.parametrize("complains", [True, False], ids=["a complaint", "a failure"])
def test_a_complaint_of_ffmpeg_about_holes_has_the_whole_source_fetched(
    worker: Worker, complains: bool
) -> None:
    async def complain(folder: Path, stage: ProgressRange) -> str:
        await well(folder, stage)
        if not complains:
            raise FFmpegFailed("x" * 999)
        return "x" * 999

    (result,), _ = render(worker, task((0, 5000)), complain, well)
    assert isinstance(result, PartResult)
    assert result.complaint == "x" * 200
    assert result.fetched == 5000 + len(CONTENT) + len(TITLES)


def test_ranges_without_a_complaint_are_enough(worker: Worker) -> None:
    (result,), _ = render(worker, task((0, 5000)), well)
    assert isinstance(result, PartResult)
    assert (result.fetched, result.complaint) == (5000 + len(TITLES), "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "it is not valid"),
        (task(machine={"encoder": "h264_nvenc", "cores": 2}), "its encoder is not that of this"),
        (task(plan={"width": "wide"}), "its plan is not valid"),
        (task(files=[]), "'source-0' is not known"),
    ],
)
def test_a_task_that_is_not_valid_is_refused_for_good(
    worker: Worker, text: bytes, reason: str
) -> None:
    (refused,), renderer = render(worker, text)
    assert isinstance(refused, ApplicationError)
    assert refused.message.startswith("the task is refused: ")
    assert reason in refused.message
    assert refused.non_retryable
    assert not renderer.unfit.is_set()


def test_a_part_that_ffmpeg_cannot_render_is_left_to_others_once_and_then_to_blame(
    worker: Worker,
) -> None:
    failure = FFmpegFailed("ffmpeg: broken", "the source is broken", cause_unknown=True)
    (first, second, third), renderer = render(
        worker, task(), *[failing(failure)] * 2, attempts=(1, 2, 3)
    )
    assert isinstance(first, ApplicationError)
    assert (first.type, first.message) == (FFMPEG_FAILED, "ffmpeg: broken")
    assert tuple(first.details) == ("the source is broken", True)
    assert not first.non_retryable
    assert isinstance(second, ApplicationError)
    assert (second.type, second.non_retryable) == (TAKEN_ELSEWHERE, False)
    assert second.next_retry_delay is not None
    assert second.next_retry_delay.total_seconds() == 1
    assert isinstance(third, ApplicationError)
    assert (third.type, third.non_retryable) == (FFMPEG_FAILED, True)
    assert not renderer.unfit.is_set()


DISK = "the disk of this worker is full: free some space, then start it again"


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (FFmpegFailed("no space", DISK_FULL), DISK),
        (OSError(errno.ENOSPC, "No space left on device"), DISK),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), DISK),
        (
            OSError(errno.EROFS, "Read-only file system"),
            "this worker cannot use its files: Read-only file system",
        ),
    ],
)
def test_a_worker_that_would_fail_at_all_parts_leaves_and_the_part_is_tried_elsewhere(
    worker: Worker, failure: Exception, reason: str
) -> None:
    (failed,), renderer = render(worker, task((0, 10)), failing(failure))
    assert isinstance(failed, ApplicationError)
    assert (failed.type, failed.message, failed.non_retryable) == (WORKER_UNFIT, reason, False)
    assert renderer.unfit.is_set()
    assert renderer.unfit_reason == reason


def test_a_worker_whose_ffmpeg_has_broken_leaves(worker: Worker) -> None:
    worker.probe = EncoderProbe(encoders.SOFTWARE_ENCODER, "it was not found")
    (failed,), renderer = render(worker, task(), failing(FFmpegFailed("exit 127")))
    assert isinstance(failed, ApplicationError)
    assert failed.type == WORKER_UNFIT
    assert renderer.unfit_reason == "FFmpeg does not work here any more: it was not found"


@pytest.mark.parametrize(
    ("status", "kind", "message", "for_good"),
    [
        (507, SERVER_DISK_FULL, "the server has no room for it", True),
        (410, RENDER_ENDED, "its render has ended", True),
        (500, TRANSFER_FAILED, "the part could not be returned: the server answers 500: x", False),
    ],
)
def test_a_server_that_does_not_take_a_part_is_not_the_fault_of_the_worker(
    worker: Worker, status: int, kind: str, message: str, for_good: bool
) -> None:
    worker.answers = [httpx.Response(status, text="x")]
    (failed,), renderer = render(worker, task(), well)
    assert isinstance(failed, ApplicationError)
    assert (failed.type, failed.message, failed.non_retryable) == (kind, message, for_good)
    assert not renderer.unfit.is_set()


def test_a_second_copy_is_refused_by_the_worker_that_renders_the_first(worker: Worker) -> None:
    async def work() -> None:
        async with worker.renderer() as renderer:
            refusals = []

            async def meanwhile(folder: Path, stage: ProgressRange) -> str:
                with pytest.raises(ApplicationError) as refused:
                    await worker.render(renderer, task(is_second=True))
                refusals.append(refused.value.type)
                return await well(folder, stage)

            worker.encodes = [meanwhile, well]
            await worker.render(renderer, task())
            assert refusals == [TAKEN_ELSEWHERE]
            # Another worker takes it.
            assert (await worker.render(renderer, task(is_second=True))).size == len(RENDERED)

    asyncio.run(work())
