"""The headline job, 4K that is compressed: its quality in parts, and how many workers it needs."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources
from nemolocal_render.job import RenderResult, render
from nemolocal_render.media import MediaSource
from nemolocal_render.part_encoding import LOCAL_PARTS, Division
from nemolocal_render.planning.planner import OutputSpec, RenderPlan, plan_render

from .farm_runs import LIMITS, BenchFarm, FarmRun
from .farm_simulation import cost_of_run, lengthen, simulate, workers_for
from .synthetic_clip import run_ffmpeg
from .vmaf import EVERY, VideoPair

_SECONDS, _TARGETS = 120.0, (90.0, 30.0)
_VMAF_CHANGE, _SIZE_CHANGE = 0.1, 0.01
_SHOWN, _COUNTS = (4, 6, 8, 12, 16, 24, 32, 48, 64), range(1, 65)
_MEGABIT = 125_000


class WholePlan:
    """Encodes a plan in one piece (a `PartEncoder`), repeatably or not."""

    def __init__(self, *, is_repeatable: bool) -> None:
        self._is_repeatable = is_repeatable

    def divide(self, plan: RenderPlan, machine: EncodeResources) -> Division:
        """Return the plan as the only part."""
        each = msgspec.structs.replace(machine, is_repeatable=self._is_repeatable)
        return Division((plan,), each, 1)

    encode = LOCAL_PARTS.encode


def render_whole(
    plan: RenderPlan, path: Path, cores: int, *, is_repeatable: bool = False
) -> RenderResult:
    """Render a plan on this machine in one piece."""
    work = render(
        plan,
        path,
        workdir=path.parent,
        on_progress=lambda _: None,
        cores=cores,
        parts=WholePlan(is_repeatable=is_repeatable),
    )
    return asyncio.run(work)


def plan_headline(clip: MediaSource, *, is_compressed: bool) -> RenderPlan:
    """Return a plan of a whole clip at quality high, or of "compress … using RTK"."""
    segment = {"src": "clip", "s": 0, "d": clip.info.duration * 1000}
    wire: dict[str, Any] = {"t": [{"tt": 0, "sg": [segment]}]}
    if is_compressed:
        wire["m"] = {"compress": {"mode": "rtk"}}
    plan = plan_render(draft_from_wire(wire), {"clip": clip}, OutputSpec("high"))
    return msgspec.structs.replace(plan, copy_source=None)


def compare_with_whole(
    farm: BenchFarm, clip: MediaSource, folder: Path, cores: tuple[int, ...]
) -> None:
    """Print how the headline job in parts differs from the same render in one piece."""
    plan = plan_headline(clip, is_compressed=True)
    most = plan.encoding.max_bit_rate / 1e6
    whole = render_whole(plan, folder / "whole.mp4", len(cores))
    with farm.workers(cores) as workers:
        run = farm.render(plan, folder / "parts.mp4", workers)
    files = [folder / name for name in ("whole.mp4", "parts.mp4")]
    rate = run.result.size * 8 / 1e6 / run.result.duration
    print(f"headline      {clip.info.duration:.0f} s of 4K, RTK, in {len(run.parts)} parts")
    print(f"              {rate:.1f} Mb/s, where at most {most:.1f} Mb/s of video are allowed")
    change = run.result.size / whole.size - 1
    print(f"size          {change:+7.2%} (target: within {_SIZE_CHANGE:.0%})")
    same = "the same number" if run.result.frames == whole.frames == plan.frames else "DIFFERENT"
    print(f"frames        {same}: {run.result.frames} and {whole.frames} of {plan.frames}")
    sound = [_sound_digest(file, folder) for file in files]
    print(f"sound         {'the same bytes' if sound[0] == sound[1] else 'DIFFERENT'}", flush=True)
    size = (plan.width, plan.height)
    marks = [VideoPair(file, clip.path, size, folder).score()[0].mean for file in files]
    aim = f"(target: within {_VMAF_CHANGE:g})"
    print(f"VMAF          {marks[1] - marks[0]:+7.2f} {aim}, {marks[0]:.2f} whole", flush=True)
    print(f"              one picture in {EVERY}; no picture is early or late", flush=True)


def _sound_digest(path: Path, folder: Path) -> str:
    digest = folder / "sound.txt"
    copied = ["-map", "0:a", "-c", "copy", "-f", "hash", "-hash", "sha256"]
    run_ffmpeg(["-i", f"file:{path}", *copied, f"file:{digest}"], folder)
    return digest.read_text(encoding="ascii")


def forecast(
    farm: BenchFarm, clip: MediaSource, folder: Path, cores: tuple[int, ...], megabits: float
) -> None:
    """Measure the headline job on one worker, and print a simulation of more of them."""
    link = megabits * _MEGABIT
    for is_compressed, name in ((False, "quality high"), (True, "RTK")):
        plan = plan_headline(clip, is_compressed=is_compressed)
        with farm.workers(cores, places=(1,)) as workers:
            run = farm.render(plan, folder / "headline.mp4", workers)
        _print_forecast(name, run, len(cores), link, float(plan.duration))


def _print_forecast(name: str, run: FarmRun, cores: int, link: float, seconds: float) -> None:
    rendered = sum(part.render for part in run.parts) / seconds
    print(f"headline      {name}: {seconds:.0f} s measured on one worker of {cores} cores (idle)")
    print(
        f"              {rendered:.2f} s to render a second in {len(run.parts)} parts", flush=True
    )
    cost = lengthen(cost_of_run(run), seconds, _SECONDS, _part_seconds(run, seconds))
    speed = f"{link / _MEGABIT:g} Mb/s to all"
    print(f"*simulated*   {_SECONDS:g} s in {len(cost.parts)} parts, such workers, {speed}")
    alone = f"{cost.before:.1f} s before the parts, {cost.after:.1f} s to join and check them"
    print(f"*simulated*   of that {alone}, by the server")
    shown = (f"{count}: {simulate(cost, count, link):.0f} s" for count in _SHOWN)
    print(f"*simulated*   {', '.join(shown)}")
    for target in _TARGETS:
        needed = workers_for(cost, target, link, _COUNTS)
        within = f"{needed} workers" if needed else "not with 64 workers"
        print(f"*simulated*   within {target:g} s: {within}", flush=True)


def _part_seconds(run: FarmRun, seconds: float) -> float:
    """Return how long parts of a long render are: all but the last are whole groups."""
    starts = sorted(part.start for part in run.parts)
    return starts[1] - starts[0] if len(starts) > 1 else min(LIMITS.part, seconds)
