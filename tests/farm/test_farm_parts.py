"""A part that the farm does not render is rendered here, or fails with the reason."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from temporalio.client import ActivityExecutionStatus, ActivityFailureError, PendingActivityState
from temporalio.exceptions import (
    ApplicationError,
    CancelledError,
    TimeoutError as ActivityTimeout,
    TimeoutType,
)
from temporalio.service import RPCError, RPCStatusCode

from nemolocal_contract.clock import ManualClock
from nemolocal_farm import farm_parts
from nemolocal_farm.engine import Engine, EngineUnreachable
from nemolocal_farm.farm import Farm, FarmLimits
from nemolocal_farm.farm_parts import FarmParts
from nemolocal_farm.part_store import PartStore
from nemolocal_farm.part_tasks import (
    FFMPEG_FAILED,
    RENDER_ENDED,
    SERVER_DISK_FULL,
    PartResult,
    PartTask,
)
from nemolocal_farm.sealed_payloads import SealBroken
from nemolocal_farm.source_ranges import SourceRanges
from nemolocal_render.command_runs import time_limit
from nemolocal_render.ffmpeg_cli import FFmpegFailed, timeout_message
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources
from nemolocal_render.job import RenderJobFailed
from nemolocal_render.part_encoding import LOCAL_PARTS, Division
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.probing.packet_sizes import VideoPackets
from nemolocal_render.render_log import CURRENT_LOG, RenderLog
from nemolocal_render.render_progress import ProgressRange
from tests.farm.test_farm_protocol import KEY, small_part
from tests.farm.test_part_watch import seen

MACHINE = EncodeResources("libx264", 2)
BY_WORKER, HERE = b"by a worker", b"rendered here"
RESULT = msgspec.json.encode(PartResult("host:7", "ab" * 32, 9, 5, 0.5, 1.0, 0.25))
FOREVER = "forever"


class Part:
    """A part at the engine, which ends as the test says."""

    def __init__(self, farm: "ScriptedFarm", task: PartTask, ending: Any) -> None:
        self._farm = farm
        self._task = task
        self._ending = ending
        self.is_cancelled = False

    async def result(self, **_: object) -> bytes:
        if self._ending is FOREVER:
            await asyncio.Event().wait()
        if isinstance(self._ending, Exception):
            raise self._ending
        if self._ending:
            self._farm.store.path(self._task.id).write_bytes(BY_WORKER)
        return RESULT

    async def describe(self, **_: object) -> Any:
        return self._farm.describe()

    async def cancel(self, **_: object) -> None:
        self.is_cancelled = True
        raise RPCError("it has ended", RPCStatusCode.NOT_FOUND, b"")


class ScriptedFarm:
    """An engine whose parts end in the order of `endings`: True is a file from a worker."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.endings: list[Any] = []
        self.parts: list[Part] = []
        self.asked: list[dict[str, Any]] = []
        self.describe: Callable[[], Any] = lambda: seen(
            ActivityExecutionStatus.RUNNING, PendingActivityState.SCHEDULED
        )
        self.store = PartStore(folder / "parts", folder)
        self.clock = ManualClock(autojump=True)
        self.log = RenderLog(lambda: 0.0)
        self.progress: list[float] = []
        self.header = "header"
        self.frames = 30
        monkeypatch.setattr(farm_parts, "read_packets", self._read_packets)
        monkeypatch.setattr(LOCAL_PARTS, "encode", self._encode_here)

    async def _read_packets(self, folder: Path, name: str) -> VideoPackets:
        assert (folder / name).exists()
        return VideoPackets(self.header, (1,) * self.frames)

    async def _encode_here(
        self, folder: Path, _part: object, _machine: object, output: str, _stage: object
    ) -> None:
        (folder / output).write_bytes(HERE)

    async def client(self) -> "ScriptedFarm":
        return self

    async def workers_of(self, _: str) -> list[str]:
        return []

    async def start_activity(self, _name: str, text: bytes, **options: Any) -> Part:
        ending = self.endings.pop(0)
        if isinstance(ending, RPCError | EngineUnreachable):
            raise ending
        task = msgspec.json.decode(text, type=PartTask)
        self.asked.append({**options, "task": task})
        self.parts.append(Part(self, task, ending))
        return self.parts[-1]

    def farm(self) -> Farm:
        return Farm(
            engine=cast("Engine", self),
            key=KEY,
            store=self.store,
            ranges=SourceRanges(),
            queue="queue",
            limits=FarmLimits(),
            places=asyncio.Semaphore(1),
            clock=self.clock,
        )

    def encode(self, *plans: RenderPlan) -> list[bytes]:
        """Encode parts one after another; return their files."""
        job = self.folder / "job"
        job.mkdir(exist_ok=True)
        stage = ProgressRange(self.progress.append)

        async def work() -> None:
            CURRENT_LOG.set(self.log)
            parts = FarmParts(self.farm(), "token")
            try:
                for number, plan in enumerate(plans):
                    await parts.encode(job, plan, MACHINE, f"{number}.mp4", stage)
            finally:
                parts.close()
            assert not list((self.folder / "parts").iterdir())

        asyncio.run(work())
        return [(job / f"{number}.mp4").read_bytes() for number in range(len(plans))]

    @property
    def lines(self) -> str:
        return "\n".join(line.text for line in self.log.lines)


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedFarm:
    return ScriptedFarm(tmp_path, monkeypatch)


@pytest.fixture
def plan(tmp_path: Path) -> RenderPlan:
    """A second of an image, which a worker gets whole."""
    return with_source(small_part(), tmp_path / "clip.mp4")


def with_source(plan: RenderPlan, path: Path) -> RenderPlan:
    path.write_bytes(b"clip")
    ((picture,),) = plan.layers
    source = msgspec.structs.replace(picture.clip.source, path=path)
    info = msgspec.structs.replace(source.info, kind="image")
    source = msgspec.structs.replace(source, info=info)
    clip = msgspec.structs.replace(picture.clip, source=source)
    return msgspec.structs.replace(plan, layers=((msgspec.structs.replace(picture, clip=clip),),))


def test_a_part_comes_from_a_worker_and_an_equal_one_is_not_rendered_again(
    farm: ScriptedFarm, plan: RenderPlan
) -> None:
    farm.endings = [True]
    assert farm.encode(plan, plan) == [BY_WORKER, BY_WORKER]
    assert "part at 0.0 s: by host:7, fetched 5 bytes" in farm.lines
    assert "part at 0.0 s: was there already" in farm.lines
    assert farm.progress == [1.0, 1.0]
    (asked,) = farm.asked
    assert asked["priority"].fairness_key == "token"
    assert asked["id"] == asked["task"].id
    assert [file.name for file in asked["task"].files] == ["source-0"]


def test_a_part_is_copied_where_it_cannot_be_linked(
    farm: ScriptedFarm, plan: RenderPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", refuse)
    farm.endings = [True]
    assert farm.encode(plan) == [BY_WORKER]


LATER = RPCError("later", RPCStatusCode.UNAVAILABLE, b"")


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (EngineUnreachable("no engine answers at x:1"), "no engine answers at x:1"),
        (LATER, "later"),
        (SealBroken("changed on its way"), "the answer of a worker was changed on its way"),
        (False, "its file is not there"),
        (ActivityFailureError(cause=ApplicationError("no")), "the farm has given it up: no"),
    ],
)
def test_a_part_that_the_farm_does_not_render_is_rendered_here(
    farm: ScriptedFarm,
    plan: RenderPlan,
    ending: Any,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    farm.endings = [ending, ending]
    with caplog.at_level(logging.WARNING, "nemolocal_farm"):
        assert farm.encode(plan, msgspec.structs.replace(plan, start_frame=30)) == [HERE, HERE]
    assert f"part at 0.0 s: rendered on this machine, since {reason}" in farm.lines
    assert f"part at 1.0 s: rendered on this machine, since {reason}" in farm.lines
    # The operator hears of it once for each render.
    assert [record.getMessage() for record in caplog.records] == [
        f"a render goes on without the farm: {reason}"
    ]


def test_a_file_that_came_although_the_engine_lost_the_result_is_used(
    farm: ScriptedFarm, plan: RenderPlan
) -> None:
    class Late(Part):
        async def result(self, **_: object) -> bytes:
            farm.store.path(self._task.id).write_bytes(BY_WORKER)
            raise SealBroken("changed on its way")

    async def start(_name: str, text: bytes, **_: Any) -> Part:
        return Late(farm, msgspec.json.decode(text, type=PartTask), None)

    farm.start_activity = start  # type: ignore[method-assign]
    assert farm.encode(plan) == [BY_WORKER]
    assert "on this machine" not in farm.lines


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (CancelledError(), "an earlier render took it back"),
        (ApplicationError("x", type=RENDER_ENDED), "it was that of an earlier render"),
    ],
)
def test_a_part_that_ended_with_an_earlier_render_is_handed_over_again(
    farm: ScriptedFarm, plan: RenderPlan, cause: Exception, why: str
) -> None:
    lost = ActivityFailureError(cause=cause)
    farm.endings = [lost, lost, True]
    assert farm.encode(plan) == [BY_WORKER]
    assert farm.lines.count(f"part at 0.0 s: {why}, it is handed over again") == 2
    farm.endings = [lost, lost, lost]
    assert farm.encode(plan) == [HERE]
    assert "since the engine loses it again and again" in farm.lines


@pytest.mark.parametrize(
    ("cause", "error", "message"),
    [
        (
            ApplicationError("exit 1", "a source is broken", True, type=FFMPEG_FAILED),
            FFmpegFailed,
            "a source is broken",
        ),
        (
            ApplicationError("x", type=SERVER_DISK_FULL),
            FFmpegFailed,
            "the disk is full: free some space",
        ),
        (
            ActivityTimeout("x", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[]),
            FFmpegFailed,
            timeout_message(time_limit(small_part())),
        ),
    ],
)
def test_what_is_to_blame_for_a_failed_part_fails_the_render(
    farm: ScriptedFarm, plan: RenderPlan, cause: Exception, error: type[Exception], message: str
) -> None:
    farm.endings = [ActivityFailureError(cause=cause)]
    with pytest.raises(error) as failed:
        farm.encode(plan)
    assert message in getattr(failed.value, "user_message", str(failed.value))
    assert "on this machine" not in farm.lines


SILENT = ActivityFailureError(
    cause=ActivityTimeout("x", type=TimeoutType.HEARTBEAT, last_heartbeat_details=[])
)


def last_try(attempt: int, beat: float | None) -> Callable[[], Any]:
    """What the engine says when the last worker that it has given a part to was silent."""
    return lambda: seen(ActivityExecutionStatus.TIMED_OUT, None, attempt, beat=beat)


def test_tries_that_no_worker_has_noticed_are_no_lost_workers(
    farm: ScriptedFarm, plan: RenderPlan
) -> None:
    farm.describe = last_try(3, None)
    farm.endings = [SILENT, SILENT, True]
    assert farm.encode(plan) == [BY_WORKER]
    why = "not all workers that were given it have answered"
    assert farm.lines.count(f"part at 0.0 s: {why}, it is handed over again") == 2


def test_a_part_that_no_worker_ever_begins_is_rendered_here(
    farm: ScriptedFarm, plan: RenderPlan
) -> None:
    farm.describe = last_try(3, None)
    farm.endings = [SILENT] * 3
    assert farm.encode(plan) == [HERE]
    assert "rendered on this machine, since no worker begins it" in farm.lines


def test_workers_that_were_lost_before_a_part_was_handed_over_again_are_counted(
    farm: ScriptedFarm, plan: RenderPlan
) -> None:
    tries = iter(range(1, 4))
    farm.describe = lambda: last_try(next(tries), 1.0)()
    farm.endings = [SILENT] * 3
    with pytest.raises(RenderJobFailed, match=r"^3 workers were lost on the part at 0\.0 s$"):
        farm.encode(plan)
    assert "on this machine" not in farm.lines
    # Each time only as many workers as may still be lost.
    assert [asked["retry_policy"].maximum_attempts for asked in farm.asked] == [3, 2, 1]


def test_a_part_that_may_have_ended_a_worker_is_not_tried_on_the_server(
    farm: ScriptedFarm, plan: RenderPlan
) -> None:
    farm.describe = last_try(1, 1.0)
    farm.endings = [SILENT] * 3
    with pytest.raises(RenderJobFailed, match=r"^1 worker was lost on the part at 0\.0 s$"):
        farm.encode(plan)


@pytest.mark.parametrize(
    ("frames", "headers", "message"),
    [
        (29, ["a", "a"], "a part has another number of frames"),
        (30, ["a", "b"], "the parts were encoded with different settings"),
    ],
)
def test_a_part_that_does_not_fit_the_others_fails_the_render(
    farm: ScriptedFarm,
    plan: RenderPlan,
    monkeypatch: pytest.MonkeyPatch,
    frames: int,
    headers: Sequence[str],
    message: str,
) -> None:
    answers = iter(headers)

    async def read(*_: object) -> VideoPackets:
        return VideoPackets(next(answers), (1,) * frames)

    monkeypatch.setattr(farm_parts, "read_packets", read)
    farm.endings = [True, True]
    with pytest.raises(FFmpegFailed, match=message):
        farm.encode(plan, msgspec.structs.replace(plan, start_frame=30))


def test_a_render_that_is_cancelled_takes_its_part_back(
    farm: ScriptedFarm, plan: RenderPlan
) -> None:
    farm.endings = [FOREVER]
    job = farm.folder / "job"
    job.mkdir()

    async def work() -> None:
        parts = FarmParts(farm.farm(), "token")
        stage = ProgressRange(farm.progress.append)
        encoding = asyncio.create_task(parts.encode(job, plan, MACHINE, "x.mp4", stage))
        while not farm.parts:
            await asyncio.sleep(0)
        encoding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await encoding
        parts.close()

    asyncio.run(work())
    assert farm.parts[0].is_cancelled


class _Straggling:
    """Is asked for each part whether it is slow."""

    def add(self, _: object) -> None: ...

    def remove(self, *_: object) -> None: ...

    def is_straggling(self, *_: object) -> bool:
        return True

    def look_again_in(self, _: object) -> float:
        return 0.5


@pytest.mark.parametrize(
    ("seconds", "cancelled", "expected"),
    [
        # The second worker is done first, or after it was handed over again.
        ([True], [True, False], BY_WORKER),
        ([LATER, True], [True, False], BY_WORKER),
    ],
)
def test_a_slow_part_is_also_given_to_a_second_worker(
    farm: ScriptedFarm,
    plan: RenderPlan,
    monkeypatch: pytest.MonkeyPatch,
    seconds: list[Any],
    cancelled: list[bool],
    expected: bytes,
) -> None:
    monkeypatch.setattr(farm_parts, "RenderPace", lambda _: _Straggling())
    farm.describe = lambda: seen(ActivityExecutionStatus.RUNNING, PendingActivityState.STARTED)
    farm.endings = [FOREVER, *seconds]
    assert farm.encode(plan) == [expected]
    assert [part.is_cancelled for part in farm.parts] == cancelled
    first, second = farm.asked
    assert (first["task"].is_second, second["task"].is_second) == (False, True)
    assert second["id"] == first["id"] + "-b"
    assert second["retry_policy"].maximum_attempts == 1
    # Only a worker that has nothing else to do takes it.
    assert second["priority"].priority_key == 5
    assert "is slow, a second worker may take it too" in farm.lines


def test_a_slow_part_that_no_second_worker_takes_is_waited_for(
    farm: ScriptedFarm, plan: RenderPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(farm_parts, "RenderPace", lambda _: _Straggling())
    refusals = iter(range(3))

    class Slow(Part):
        async def result(self, **_: object) -> bytes:
            while next(refusals, None) is not None:
                await farm.clock.sleep(5)
            while farm.endings:
                await farm.clock.sleep(1)
            farm.store.path(self._task.id).write_bytes(BY_WORKER)
            return RESULT

    start = farm.start_activity

    async def first_is_slow(name: str, text: bytes, **options: Any) -> Part:
        task = msgspec.json.decode(text, type=PartTask)
        return await start(name, text, **options) if task.is_second else Slow(farm, task, None)

    farm.start_activity = first_is_slow  # type: ignore[method-assign, assignment]
    farm.describe = lambda: seen(ActivityExecutionStatus.RUNNING, PendingActivityState.STARTED)
    farm.endings = [LATER] * 3
    assert farm.encode(plan) == [BY_WORKER]
    assert farm.endings == []


def test_a_plan_is_divided_unless_it_is_short_or_for_a_hardware_encoder(
    farm: ScriptedFarm, plan: RenderPlan
) -> None:
    parts = FarmParts(farm.farm(), "token")
    assert parts.divide(plan, MACHINE) == Division((plan,), MACHINE, 1)
    ((picture,),) = plan.layers
    clip = msgspec.structs.replace(picture.clip, frames=900)
    long = msgspec.structs.replace(
        plan, frames=900, layers=((msgspec.structs.replace(picture, clip=clip, frames=900),),)
    )
    shared = parts.divide(long, EncodeResources("libx264", 16))
    assert sum(part.frames for part in shared.parts) == 900
    assert len(shared.parts) == shared.at_once > 1
    assert (shared.machine.cores, shared.machine.is_repeatable) == (2, True)
    hardware = parts.divide(long, EncodeResources("h264_nvenc", 16))
    assert (hardware.parts, hardware.at_once) == ((long,), 1)
