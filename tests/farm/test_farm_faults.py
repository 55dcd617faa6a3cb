"""What happens to a render when a worker or the engine is lost: the file is always the same."""

import asyncio
import contextlib
import os
import signal
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from temporalio.client import ActivityFailureError, Client

from nemolocal.commands.doctor import _farm_checks
from nemolocal_farm import farm_build
from nemolocal_farm.engine import EngineOptions
from nemolocal_farm.farm_executor import install_farm
from nemolocal_farm.farm_key import read_farm_key, write_farm_key
from nemolocal_render.job import RenderJobFailed
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_server import Settings
from nemolocal_server.serving import LocalServer
from tests.farm.conftest import (
    LIMITS,
    EngineProcess,
    Rendering,
    RunningFarm,
    WorkerProcess,
    is_running,
    wait_until,
)

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]


def wait_for_ffmpeg(worker: WorkerProcess) -> list[int]:
    """Wait until a worker renders; return the processes."""
    wait_until(worker.runs_ffmpeg, "FFmpeg runs")
    return worker.children()


def first_part_of(worker: WorkerProcess) -> str:
    """The id of the part that a worker began with."""
    begun = next(line for line in worker.log.read_text().splitlines() if " begins" in line)
    return begun.partition(" part ")[2].split()[0]


def require_clean(farm: RunningFarm, rendering: Rendering) -> None:
    """Fail if a render has left parts or files."""
    assert list(farm.parts.iterdir()) == [], rendering.lines
    work = farm.parts.parent
    assert [path.name for path in work.iterdir()] == ["parts"]


def test_a_killed_worker_is_replaced_and_takes_its_ffmpeg_along(
    farm: RunningFarm, slow_plan: RenderPlan, undisturbed: bytes, tmp_path: Path
) -> None:
    first = farm.start_worker("--places", "1")
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    children = wait_for_ffmpeg(first)
    # So that it is not done before the second worker is there.
    for child in children:
        os.kill(child, signal.SIGSTOP)
    second = farm.start_worker("--places", "1")
    first.kill()
    wait_until(lambda: not any(map(is_running, children)), "the children are gone")
    rendering.result()
    assert (tmp_path / "x.mp4").read_bytes() == undisturbed
    # In its next attempt, or as a second copy if the first worker was found slow before.
    part = first_part_of(first)
    assert second.says(f"part {part} begins"), (part, rendering.lines, second.log.read_text())
    require_clean(farm, rendering)


def test_a_worker_that_is_ended_hands_its_part_over(
    farm: RunningFarm, slow_plan: RenderPlan, undisturbed: bytes, tmp_path: Path
) -> None:
    first = farm.start_worker("--places", "1")
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    wait_for_ffmpeg(first)
    farm.start_worker("--places", "1")
    first.process.send_signal(signal.SIGTERM)
    rendering.result()
    assert first.process.wait(60) == 0, first.log.read_text()
    assert not rendering.mentions("on this machine"), rendering.lines
    assert (tmp_path / "x.mp4").read_bytes() == undisturbed


def test_a_frozen_worker_is_replaced_and_its_late_part_changes_nothing(
    farm: RunningFarm, slow_plan: RenderPlan, undisturbed: bytes, tmp_path: Path
) -> None:
    first = farm.start_worker("--places", "1")
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    wait_for_ffmpeg(first)
    first.process.send_signal(signal.SIGSTOP)
    second = farm.start_worker("--places", "1")
    wait_until(lambda: second.says("attempt 2"), "the part begins again")
    first.process.send_signal(signal.SIGCONT)
    rendering.result()
    assert (tmp_path / "x.mp4").read_bytes() == undisturbed


def test_a_cancelled_render_ends_ffmpeg_on_the_worker(
    farm: RunningFarm, slow_plan: RenderPlan, undisturbed: bytes, tmp_path: Path
) -> None:
    worker = farm.start_worker()
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    children = wait_for_ffmpeg(worker)
    rendering.future.cancel()
    wait_until(lambda: not any(map(is_running, children)), "the children are gone")
    wait_until(lambda: not list(farm.parts.iterdir()), "the parts are gone")
    assert worker.process.poll() is None
    # The worker takes the next render, of which the parts have the same ids.
    again = farm.render(slow_plan, tmp_path / "again.mp4")
    again.result()
    assert again.mentions(": by "), again.lines
    assert (tmp_path / "again.mp4").read_bytes() == undisturbed
    assert not (tmp_path / "x.mp4").exists()
    require_clean(farm, again)


def test_a_restart_of_the_engine_goes_unnoticed(
    farm: RunningFarm, slow_plan: RenderPlan, undisturbed: bytes, tmp_path: Path
) -> None:
    worker = farm.start_worker("--places", "1")
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    wait_for_ffmpeg(worker)
    farm.engine.kill()
    farm.engine.start()
    rendering.result()
    assert not rendering.mentions("on this machine"), rendering.lines
    assert (tmp_path / "x.mp4").read_bytes() == undisturbed
    require_clean(farm, rendering)


def test_workers_that_are_listed_but_take_nothing_are_not_waited_for(
    farm: RunningFarm,
    slow_plan: RenderPlan,
    undisturbed: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def listed(*_: object) -> list[str]:
        return ["elsewhere:1"]

    monkeypatch.setattr("nemolocal_farm.engine.Engine.workers_of", listed)
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    rendering.result()
    assert rendering.mentions("rendered on this machine, since its workers take nothing")
    assert (tmp_path / "x.mp4").read_bytes() == undisturbed
    require_clean(farm, rendering)


def test_without_an_engine_the_render_goes_on_here(
    farm: RunningFarm,
    slow_plan: RenderPlan,
    undisturbed: bytes,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = farm.start_worker("--places", "1")
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    wait_for_ffmpeg(worker)
    farm.engine.kill()
    worker.kill()
    rendering.result()
    assert rendering.mentions("rendered on this machine, since the engine does not answer")
    assert caplog.text.count("a render goes on without the farm") == 1
    assert (tmp_path / "x.mp4").read_bytes() == undisturbed
    require_clean(farm, rendering)
    # The next one does not even begin there.
    later = farm.render(slow_plan, tmp_path / "later.mp4")
    later.result()
    assert later.mentions("not on the farm: no engine answers at")


def test_a_part_that_ends_its_workers_fails_the_render(
    farm: RunningFarm, slow_plan: RenderPlan, tmp_path: Path
) -> None:
    # No part may be done before its worker is killed, also on a busy machine.
    encoding = msgspec.structs.replace(slow_plan.encoding, preset="placebo")
    first = farm.start_worker("--places", "1")
    rendering = farm.render(
        msgspec.structs.replace(slow_plan, encoding=encoding), tmp_path / "x.mp4"
    )
    wait_until(lambda: first.says(" begins, attempt 1"), "the first part begins")
    part = first_part_of(first)
    # Before that, the engine may know nothing of it.
    wait_for_ffmpeg(first)
    first.kill()
    for attempt in (2, 3):
        worker = farm.start_worker("--places", "1")
        wait_until(
            lambda w=worker, n=attempt: w.says(f"part {part} begins, attempt {n}"),  # type: ignore[misc]
            "the part begins again",
        )
        wait_for_ffmpeg(worker)
        worker.kill()
    farm.start_worker("--places", "1")
    with pytest.raises(RenderJobFailed, match=r"^3 workers were lost on the part at \d+\.\d s$"):
        rendering.result()
    assert not rendering.mentions("on this machine")
    require_clean(farm, rendering)


def test_workers_of_another_key_or_version_get_nothing(
    farm: RunningFarm, slow_plan: RenderPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.key"
    write_farm_key(other)
    stranger = farm.start_worker(key=other)
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    rendering.result()
    assert rendering.mentions("not on the farm: it has no worker of this version")
    assert not stranger.says(" begins")
    farm.start_worker()
    monkeypatch.setattr(farm_build, "farm_build", lambda: "9.9.9-000000000000")
    executor = farm.server.app.state.services.exports._execute
    executor._farm = None
    later = farm.render(slow_plan, tmp_path / "later.mp4")
    later.result()
    assert later.mentions("not on the farm: it has no worker of this version")


def test_two_farms_on_one_engine_do_not_wait_for_each_others_parts(
    farm: RunningFarm,
    engine: EngineProcess,
    slow_plan: RenderPlan,
    undisturbed: bytes,
    tmp_path: Path,
) -> None:
    worker = farm.start_worker("--places", "1")
    rendering = farm.render(slow_plan, tmp_path / "x.mp4")
    wait_for_ffmpeg(worker)
    # The same parts now wait on the engine, and nobody takes those of this farm.
    worker.kill()
    folder = tmp_path / "other"
    folder.mkdir()
    write_farm_key(folder / "farm.key")
    server = LocalServer(Settings(port=0, data_dir=folder / "data"))
    options = EngineOptions(engine.address, read_farm_key(folder / "farm.key"))
    install_farm(server.app, options, LIMITS)
    with server, contextlib.ExitStack() as stack:
        other = RunningFarm(server, engine, folder)
        stack.callback(other.end)
        other.start_worker("--places", "1")
        later = other.render(slow_plan, folder / "x.mp4")
        later.result()
        assert len(later.mentions(": by ")) == 2, later.lines
    assert (folder / "x.mp4").read_bytes() == undisturbed
    rendering.future.cancel()


def test_doctor_names_the_workers_and_those_that_do_not_fit(
    farm: RunningFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = farm.start_worker()
    options = EngineOptions(farm.engine.address, read_farm_key(farm.key_file))
    name = f":{worker.process.pid}: "
    first, queue, one = asyncio.run(_farm_checks(options))
    assert first == (True, "farm", "the engine answers, 1 worker with this key")
    assert worker.says(queue[2])
    assert one[:2] == (True, "worker")
    assert f"{name}fits" in one[2]
    version, renderer, _ = farm_build.farm_build().split("-")
    for build, reason in (
        ("9.9.9-0-0", f"it has Nemo Local {version} instead of 9.9.9"),
        (f"{version}-{renderer}-0", "it has another FFmpeg (binary "),
    ):
        monkeypatch.setattr(farm_build, "farm_build", lambda build=build: build)
        *_, other = asyncio.run(_farm_checks(options))
        assert other[:2] == (False, "worker")
        assert f"{name}gets no parts from here: {reason}" in other[2]
    nowhere = EngineOptions("127.0.0.1:9", options.key)
    (gone,) = asyncio.run(_farm_checks(nowhere))
    assert gone == (False, "farm", "no engine answers at 127.0.0.1:9")


def test_a_task_without_the_key_is_not_carried_out(
    farm: RunningFarm, engine: EngineProcess
) -> None:
    worker = farm.start_worker()
    queue = farm_build.queue_name(read_farm_key(farm.key_file), "libx264")

    async def intrude() -> None:
        client = await Client.connect(engine.address)
        await client.execute_activity(
            "render_part",
            b'{"id": "0"}',
            id="of-a-stranger",
            task_queue=queue,
            start_to_close_timeout=timedelta(seconds=10),
            schedule_to_close_timeout=timedelta(seconds=10),
        )

    with pytest.raises(ActivityFailureError):
        asyncio.run(intrude())
    assert not worker.says(" begins")
    assert worker.process.poll() is None
