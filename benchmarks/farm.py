"""Measures a farm of workers on this machine: `python -m benchmarks.farm`.

Ratios within one run: two workers with a core each against one, a worker with all cores against no
farm, what engine and server take, what moves, a worker that is killed, and repeatable encoding.
Processor time and bytes are right on a busy machine too; what is marked (idle) needs an idle one.
A simulation must agree with one and two workers before it says anything of more. Linux only.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import msgspec
import platformdirs

from nemolocal_farm.source_ranges import SourceRanges
from nemolocal_render.encoders import choose_encoder
from nemolocal_render.job import render
from nemolocal_render.media import MediaSource
from nemolocal_render.planning.plan_splitting import split_by_seconds
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.probing.packet_sizes import read_packets
from nemolocal_render.temporary_folder import TemporaryFolder

from . import synthetic_clip as land
from .farm_headline import compare_with_whole, forecast, render_whole
from .farm_processes import BenchFailed, WorkerProcess
from .farm_runs import LIMITS, BenchFarm, FarmRun, start_farm
from .farm_simulation import RenderCost, cost_of_run, is_near, link_of_run, simulate
from .render import plan_whole_clip, read_source, use_cores
from .resource_usage import ResourceUsage, measure_resources, median_usage

_CORES = 2
_SECONDS, _LARGE_SECONDS, _LINK = 80.0, 15.0, 1000.0
_EFFICIENT, _BESIDE_LOCAL, _ENGINE, _COORDINATION = 0.85, 1.15, 0.02, 0.03
_DOWN, _DETECTED, _LOST = 1.25, 1.5, 0.10
# Of its usual processor time, how much a part has used when its worker is killed.
_KILLED_AT = 0.5
_POLL_SECONDS, _PATIENCE, _TRIES = 0.05, 300.0, 3
# What a worker logs of a part.
_RETURNED, _SECOND_ATTEMPT = "is returned", "attempt 2"


class Measured(msgspec.Struct, frozen=True):
    """What all measurements use: the farm, a clip and its plan, the cores, a folder."""

    farm: BenchFarm
    clip: MediaSource
    plan: RenderPlan
    cores: tuple[int, ...]
    folder: Path

    @property
    def file(self) -> Path:
        """Where a render is put."""
        return self.folder / "farm.mp4"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; the reader decides whether it is good."""
    arguments = _arguments(argv)
    try:
        cores = _require_cores()
        load = os.getloadavg()[0]
        print(f"{len(cores)} cores of {os.cpu_count()}, load {load:.1f} (idle: 0)", flush=True)
        with TemporaryFolder("bench") as folder, start_farm(folder) as farm:
            if arguments.headline:
                compare_with_whole(farm, _large_clip(arguments), folder, cores)
            else:
                _measure_all(farm, arguments, cores, folder)
    except BenchFailed as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 1
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.farm", description=__doc__)
    kept = platformdirs.user_cache_path("nemolocal") / "bench-clips"
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="of full HD")
    parser.add_argument("--large-seconds", type=float, default=_LARGE_SECONDS, help="of 4K")
    parser.add_argument("--rounds", type=int, default=2, help="of one worker beside two")
    parser.add_argument(
        "--link", type=float, default=_LINK, help="Mb/s at the server, in the simulation"
    )
    parser.add_argument(
        "--headline",
        action="store_true",
        help="only compare the headline job in parts with the same in one piece",
    )
    parser.add_argument("--clips", type=Path, default=kept, help="the folder that keeps clips")
    return parser.parse_args(argv)


def _require_cores() -> tuple[int, ...]:
    """Return the two cores in use; raises BenchFailed where the farm cannot be measured."""
    if sys.platform != "linux":
        raise BenchFailed("a farm can be measured on Linux only")
    if use_cores(_CORES) < _CORES:
        raise BenchFailed("two workers with a core each need two cores")
    if asyncio.run(choose_encoder()).is_hardware:
        raise BenchFailed("this machine has a hardware encoder, with which no farm is used")
    return tuple(sorted(os.sched_getaffinity(0)))


def _large_clip(arguments: argparse.Namespace) -> MediaSource:
    path = land.make_clip(arguments.clips, land.LARGE, land.LARGE_RATE, arguments.large_seconds)
    return read_source(path)


def _measure_all(
    farm: BenchFarm, arguments: argparse.Namespace, cores: tuple[int, ...], folder: Path
) -> None:
    path = land.make_clip(arguments.clips, land.FULL_HD, land.FULL_HD_RATE, arguments.seconds)
    clip = read_source(path)
    plan = msgspec.structs.replace(plan_whole_clip(clip), copy_source=None)
    measured = Measured(farm, clip, plan, cores, folder)
    single, double = _run_pairs(measured, arguments.rounds)
    _print_efficiency(single, double)
    _print_shares(single, double)
    _print_bytes(measured, single, double)
    _compare_with_local(measured)
    _kill_a_worker(measured)
    _compare_repeatable(measured, arguments.rounds)
    if _simulation_agrees(single, double):
        forecast(farm, _large_clip(arguments), folder, cores, arguments.link)
    else:
        print("simulation    says nothing of more workers, since it does not agree with these")


def _run_pairs(measured: Measured, rounds: int) -> tuple[list[FarmRun], list[FarmRun]]:
    """Render with one worker of one core and with two in turn, so that disturbances affect both."""
    single: list[FarmRun] = []
    double: list[FarmRun] = []
    first, second = measured.cores
    for _ in range(rounds):
        for runs, cores in ((single, [(first,)]), (double, [(first,), (second,)])):
            with measured.farm.workers(*cores) as workers:
                runs.append(measured.farm.render(measured.plan, measured.file, workers))
    parts = len(single[0].parts)
    print(f"full HD       {measured.clip.info.duration:g} s in {parts} parts, {rounds} rounds")
    for count, runs in ((1, single), (2, double)):
        seconds = median(run.seconds for run in runs)
        used = median(run.processor.total for run in runs)
        print(f"{count} x 1 core    {seconds:7.2f} s, {used:6.1f} s of processor time", flush=True)
    return single, double


def _print_efficiency(single: Sequence[FarmRun], double: Sequence[FarmRun]) -> None:
    pairs = list(zip(single, double, strict=True))
    efficient = median(one.seconds / (2 * two.seconds) for one, two in pairs)
    print(f"efficiency    {efficient:7.2f} of two workers (idle; target: {_EFFICIENT:g})")
    same = median(one.processor.ffmpeg / two.processor.ffmpeg for one, two in pairs)
    print(f"              {same:7.2f} is what FFmpeg's processor time alone allows", flush=True)


def _print_shares(single: Sequence[FarmRun], double: Sequence[FarmRun]) -> None:
    engine = median(run.engine_share for run in single)
    between = median(run.between_parts for run in single)
    print(f"engine        {engine:7.2%} of a part (idle; target: {_ENGINE:.0%}), {between:.2f} s")
    for name, runs in (("one worker", single), ("two workers", double)):
        share = median(run.processor.coordination for run in runs)
        aim = f"(target: {_COORDINATION:.0%})"
        print(f"coordination  {share:7.2%} of FFmpeg's processor time, {name} {aim}")
        server, engine, own = (
            median(getattr(run.processor, part) / run.processor.ffmpeg for run in runs)
            for part in ("server", "engine", "workers")
        )
        print(f"              server {server:.2%}, engine {engine:.2%}; workers {own:.2%} more")
    print(end="", flush=True)


def _print_bytes(measured: Measured, single: Sequence[FarmRun], double: Sequence[FarmRun]) -> None:
    size = measured.clip.path.stat().st_size
    video = sum(asyncio.run(read_packets(measured.folder, measured.file.name)).sizes)
    for name, run in (("one worker", single[-1]), ("two workers", double[-1])):
        down, up = run.fetched / size, run.returned / video
        print(f"bytes         down {down:.2f} of the source, up {up:.3f} of the video, {name}")
    most = asyncio.run(_most_fetched(measured, size)) / size
    print(f"              down {most:.2f} at most, if each part has its own worker (by the index)")
    print(f"              (target: down {_DOWN:g}, up 1.00)", flush=True)


async def _most_fetched(measured: Measured, size: int) -> int:
    """Return the bytes that all parts read, each for itself."""
    ranges, total = SourceRanges(), 0
    for part in split_by_seconds(measured.plan, LIMITS.part):
        found = await ranges.of_part(part, measured.clip, size, "the clip")
        total += sum(each.end - each.begin for each in found) if found else size
    return total


def _compare_with_local(measured: Measured) -> None:
    """Compare one worker with all cores with a render without a farm."""
    work = render(
        measured.plan,
        measured.folder / "local.mp4",
        workdir=measured.folder,
        on_progress=lambda _: None,
        cores=len(measured.cores),
    )
    with measure_resources() as local:
        asyncio.run(work)
    with measured.farm.workers(measured.cores) as workers:
        run = measured.farm.render(measured.plan, measured.file, workers)
    used = run.processor.total
    print(f"local         {local.summary()}")
    print(f"one worker    {run.seconds:7.2f} s, {used:6.1f} s of processor time")
    ratio = run.seconds / local.seconds
    print(f"beside local  {ratio:7.2f} of the time (idle; target: {_BESIDE_LOCAL:g})")
    alone = run.processor.ffmpeg / local.cpu_seconds
    total = used / local.cpu_seconds
    print(
        f"              {total:7.2f} of the processor time, FFmpeg's alone {alone:.2f}", flush=True
    )


def _kill_a_worker(measured: Measured) -> None:
    """Kill a worker in the middle of a part, while another one has nothing to do."""
    count = len(split_by_seconds(measured.plan, LIMITS.part))
    with _workers_for_all_parts(measured, count) as workers:
        calm = measured.farm.render(measured.plan, measured.file, workers)
    for _ in range(_TRIES):
        with _workers_for_all_parts(measured, count) as workers:
            kill = _Kill(measured, workers, _KILLED_AT * calm.processor.ffmpeg / count)
            run = measured.farm.render(measured.plan, measured.file, workers, kill.run)
        if kill.is_done:
            break
    else:
        raise BenchFailed("parts are done before their worker can be killed: use a longer clip")
    beside = kill.noticed / LIMITS.heartbeat
    print(f"killed        after {kill.noticed:.2f} s the next attempt begins")
    print(f"              {beside:7.2f} of the heartbeat limit (target: {_DETECTED:g})")
    cost = run.processor.ffmpeg / calm.processor.ffmpeg - 1
    print(f"              {cost:7.1%} more of FFmpeg's processor time (target: {_LOST:.0%})")
    share = kill.lost / (run.processor.ffmpeg - kill.lost)
    print(f"              {share:7.1%} had gone into the lost part, one of {count}", flush=True)


def _workers_for_all_parts(
    measured: Measured, count: int
) -> contextlib.AbstractContextManager[list[WorkerProcess]]:
    """Start a worker with one place, which gets one part, and one with places for the others."""
    return measured.farm.workers(measured.cores, measured.cores, places=(1, count - 1))


class _Kill:
    """Kills the first of the workers when its FFmpeg has used so much processor time.

    `lost` is what it had used, `noticed` the seconds until the next attempt begins.
    """

    def __init__(self, measured: Measured, workers: list[WorkerProcess], at: float) -> None:
        self._measured = measured
        self._workers = workers
        self._at = at
        self.is_done = False
        self.lost = self.noticed = 0.0

    async def run(self) -> None:
        """Kill it, unless its part is done before."""
        victim = self._workers[0]
        await _until(lambda: victim.children_seconds() >= self._at or victim.says(_RETURNED))
        # Its part must not end while another worker starts, which has nothing to do.
        if not victim.stop_ffmpeg():
            return
        farm, cores = self._measured.farm, self._measured.cores
        spare = await asyncio.to_thread(farm.start_worker, cores, 1)
        self._workers.append(spare)
        await asyncio.to_thread(spare.wait_ready)
        self.lost = victim.children_seconds()
        victim.kill()
        killed = time.perf_counter()
        others = self._workers[1:]
        await _until(lambda: any(worker.says(_SECOND_ATTEMPT) for worker in others))
        self.noticed = time.perf_counter() - killed
        self.is_done = True


async def _until(is_true: Callable[[], object]) -> None:
    """Look twenty times a second, but not in the event loop."""
    end = time.monotonic() + _PATIENCE
    while not await asyncio.to_thread(is_true):
        if time.monotonic() > end:
            raise BenchFailed("a killed worker was not replaced")
        await asyncio.sleep(_POLL_SECONDS)


def _compare_repeatable(measured: Measured, rounds: int) -> None:
    """Encode in one piece, repeatably as on a farm and not, in turn."""
    usages: dict[bool, list[ResourceUsage]] = {False: [], True: []}
    sizes: dict[bool, int] = {}
    for _ in range(rounds):
        for is_repeatable, taken in usages.items():
            file = measured.folder / "whole.mp4"
            with measure_resources() as usage:
                result = render_whole(
                    measured.plan, file, len(measured.cores), is_repeatable=is_repeatable
                )
            taken.append(usage)
            sizes[is_repeatable] = result.size
    usual, repeatable = (median_usage(usages[kind]) for kind in (False, True))
    print(f"repeatable    {repeatable.seconds / usual.seconds:7.2f} of the time (idle)")
    print(f"              {repeatable.cpu_seconds / usual.cpu_seconds:7.2f} of the processor time")
    print(f"              {sizes[True] / sizes[False] - 1:+7.2%} of the size", flush=True)


def _simulation_agrees(single: Sequence[FarmRun], double: Sequence[FarmRun]) -> bool:
    """Print whether a simulation from the first run hits all others; return it.

    With one round it must hit the run that it was made of, too.
    """
    cost, link = cost_of_run(single[0]), link_of_run(single[0])
    found = [
        _print_simulated(cost, link, 1, single[1:] or single),
        _print_simulated(cost, link, 2, double),
    ]
    return all(found)


def _print_simulated(cost: RenderCost, link: float, count: int, runs: Sequence[FarmRun]) -> bool:
    seconds = median(run.seconds for run in runs)
    simulated = simulate(cost, count, link)
    ratio = simulated / seconds
    print(
        f"simulation    {ratio:7.2f} of the measured time with {count} (idle; target: 0.9 to 1.1)"
    )
    print(f"              {simulated:7.2f} s, measured {seconds:.2f} s", flush=True)
    return is_near(simulated, seconds)


if __name__ == "__main__":
    raise SystemExit(main())
