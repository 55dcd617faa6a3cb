"""Renders on a farm of real processes, and what they took: time by part, processor time, bytes."""

import asyncio
import contextlib
import re
import resource
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from msgspec.structs import astuple

from nemolocal_farm.engine import EngineOptions
from nemolocal_farm.farm import FarmLimits
from nemolocal_farm.farm_executor import FarmExecutor
from nemolocal_farm.farm_key import read_farm_key, write_farm_key
from nemolocal_farm.part_store import PartStore
from nemolocal_farm.transfer_app import build_transfer_app
from nemolocal_render.job import RenderResult
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.render_log import CURRENT_LOG, RenderLog
from nemolocal_server import Settings
from nemolocal_server.app import use_executor
from nemolocal_server.serving import LocalServer

from .farm_processes import (
    BenchFailed,
    EngineProcess,
    WorkerProcess,
    processor_time,
    start_engine,
)

# A slow part is not given to a second worker: on a busy machine that would be chance.
LIMITS = FarmLimits(straggler=1e6)
_PART = re.compile(
    r"part at (?P<at>[\d.]+) s: by (?P<worker>\S+), fetched (?P<fetched>\d+) bytes in "
    r"(?P<fetch>[\d.]+) s.*, rendered in (?P<render>[\d.]+) s, returned (?P<returned>\d+) bytes "
    r"in (?P<send>[\d.]+) s"
)

Disturbance = Callable[[], Coroutine[Any, Any, None]]


class PartRun(msgspec.Struct, frozen=True):
    """A part at a worker: seconds and bytes; `ended` is when the server had it."""

    start: float
    worker: str
    ended: float
    fetched: int
    fetch: float
    render: float
    returned: int
    send: float

    @property
    def busy(self) -> float:
        """The seconds that the worker has spent on it."""
        return self.fetch + self.render + self.send


class FarmProcessorTime(msgspec.Struct, frozen=True):
    """CPU seconds: of FFmpeg and all else that a sandbox holds, the workers, server and engine."""

    ffmpeg: float
    workers: float
    server: float
    engine: float

    @property
    def total(self) -> float:
        return self.ffmpeg + self.workers + self.server + self.engine

    @property
    def coordination(self) -> float:
        """What server and engine take, as a share of what FFmpeg does."""
        return (self.server + self.engine) / self.ffmpeg


class FarmRun(msgspec.Struct, frozen=True):
    """A render on the farm: its seconds, its parts as they ended, and the finished file."""

    seconds: float
    parts: tuple[PartRun, ...]
    processor: FarmProcessorTime
    result: RenderResult

    @property
    def fetched(self) -> int:
        return sum(part.fetched for part in self.parts)

    @property
    def returned(self) -> int:
        return sum(part.returned for part in self.parts)

    @property
    def between_parts(self) -> float:
        """The median of the seconds between two parts of a worker with one place.

        They are those of the engine, and of what server and worker do to hand over a part.
        """
        gaps = []
        for worker in {part.worker for part in self.parts}:
            own = [part for part in self.parts if part.worker == worker]
            gaps += [late.ended - early.ended - late.busy for early, late in pairwise(own)]
        return max(median(gaps), 0.0) if gaps else 0.0

    @property
    def engine_share(self) -> float:
        """The share of a part that passes between two parts."""
        return self.between_parts / (self.between_parts + median(p.busy for p in self.parts))

    @property
    def before_parts(self) -> float:
        """The seconds until the first part is handed over."""
        first = self.parts[0]
        return max(first.ended - first.busy - self.between_parts, 0.0)

    @property
    def after_parts(self) -> float:
        """The seconds in which the parts are joined and checked."""
        return self.seconds - self.parts[-1].ended


class BenchFarm:
    """An engine, and a server that renders long plans on the farm; `folder` is for its files."""

    def __init__(self, engine: EngineProcess, server: LocalServer, folder: Path) -> None:
        self._engine = engine
        self._server = server
        self._folder = folder
        self._key = folder / "farm.key"
        write_farm_key(self._key)
        options = EngineOptions(engine.address, read_farm_key(self._key))
        store = PartStore(folder / "parts", folder)
        self._execute = FarmExecutor(options, store, folder / "work", LIMITS)
        use_executor(server.app, self._execute, build_transfer_app(options.key, store))
        self._count = 0

    def start_worker(self, cores: Sequence[int], places: int = 0) -> WorkerProcess:
        """Start a worker that has fetched nothing yet; with `places` 0 it has the usual number."""
        arguments = ["--farm", self._engine.address, "--farm-key", str(self._key)]
        arguments += ["--server", self._server.base_url]
        arguments += ["--places", str(places)] if places else []
        self._count += 1
        return WorkerProcess(arguments, self._folder / f"worker-{self._count}.log", cores)

    @contextlib.contextmanager
    def workers(
        self, *cores: Sequence[int], places: Sequence[int] = ()
    ) -> Iterator[list[WorkerProcess]]:
        """Start a worker on each of these sets of cores; those added to the list are ended too."""
        started: list[WorkerProcess] = []
        try:
            for number, own in enumerate(cores):
                started.append(self.start_worker(own, places[number] if places else 0))
            for worker in started:
                worker.wait_ready()
            yield started
        finally:
            for worker in started:
                worker.end()

    def render(
        self,
        plan: RenderPlan,
        path: Path,
        workers: Sequence[WorkerProcess],
        disturb: Disturbance | None = None,
    ) -> FarmRun:
        """Render a plan; `disturb` runs at the same time.

        Raises BenchFailed if it was not divided, or if a part did not come from a worker.
        """
        before = self._processor_time(workers)
        log = RenderLog(time.perf_counter)
        started = time.perf_counter()
        result = self._server.call(self._render(plan, path, log, disturb))
        seconds = time.perf_counter() - started
        after = self._processor_time(workers)
        processor = FarmProcessorTime(
            *(b - a for a, b in zip(astuple(before), astuple(after), strict=True))
        )
        parts = read_parts(log)
        if not parts or len(parts) != len(log.parts):
            lines = "\n".join(line.text for line in log.lines)
            raise BenchFailed(f"not all parts were rendered by workers:\n{lines}")
        return FarmRun(seconds, parts, processor, result)

    def _processor_time(self, workers: Sequence[WorkerProcess]) -> FarmProcessorTime:
        """Return what has been used so far; this process is the server."""
        used = [worker.processor_time() for worker in workers]
        own, children = (
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        return FarmProcessorTime(
            ffmpeg=children.ru_utime + children.ru_stime + sum(each.children for each in used),
            workers=sum(each.own for each in used),
            server=own.ru_utime + own.ru_stime,
            engine=sum(processor_time(self._engine.process_id)),
        )

    async def _render(
        self, plan: RenderPlan, path: Path, log: RenderLog, disturb: Disturbance | None
    ) -> RenderResult:
        CURRENT_LOG.set(log)
        disturbing = asyncio.create_task(disturb()) if disturb else None
        try:
            result = await self._execute(plan, path, lambda _: None)
            if disturbing is not None:
                await disturbing
            return result
        finally:
            if disturbing is not None:
                disturbing.cancel()


@contextlib.contextmanager
def start_farm(folder: Path) -> Iterator[BenchFarm]:
    """Start an engine and a server; raises BenchFailed."""
    for name in ("engine", "farm"):
        (folder / name).mkdir()
    server = LocalServer(Settings(port=0, data_dir=folder / "data"))
    with start_engine(folder / "engine") as engine:
        farm = BenchFarm(engine, server, folder / "farm")
        with server:
            yield farm


def read_parts(log: RenderLog) -> tuple[PartRun, ...]:
    """Return the parts that a render got from workers, in the order in which they ended."""
    found = []
    for line in log.lines:
        if match := _PART.match(line.text):
            found.append(
                PartRun(
                    float(match["at"]),
                    match["worker"],
                    line.seconds,
                    int(match["fetched"]),
                    float(match["fetch"]),
                    float(match["render"]),
                    int(match["returned"]),
                    float(match["send"]),
                )
            )
    return tuple(found)
