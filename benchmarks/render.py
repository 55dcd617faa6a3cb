"""Measures the renderer against plain FFmpeg, on 4K, and in parts: `python -m benchmarks.render`.

Ratios within one run, since machines differ and are busy: cuts, music and titles against a plain
FFmpeg command; two minutes of 4K against decoding and scaling alone, with their quality; a long
render in parts against the same one whole. The clips are made once and kept in a folder.
"""

import argparse
import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import msgspec
import platformdirs

from nemolocal_bench.metrics import Score
from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.cpu_count import usable_cores
from nemolocal_render.encoders import choose_encoder
from nemolocal_render.job import RenderResult, render
from nemolocal_render.planning.plan_splitting import choose_worker_count, split_plan
from nemolocal_render.planning.planner import MediaSource, OutputSpec, RenderPlan, plan_render
from nemolocal_render.probing.media_probe import probe
from nemolocal_render.synthetic import sample_media
from nemolocal_render.temporary_folder import TemporaryFolder

from . import synthetic_clip as land
from .ffmpeg_baseline import plan_three_tracks, render_baseline, write_titles
from .resource_usage import ResourceUsage, measure_resources, median_usage
from .vmaf import EVERY, VideoPair

_CORES = 2
_CUT_SECONDS, _LARGE_SECONDS, _PARTED_SECONDS = 30.0, 120.0, 60.0
_TIME_RATIO, _TIME_MORE, _MEMORY_RATIO = 1.03, 0.15, 1.1
_PUBLISHED_SECONDS, _VMAF = 90.0, 93.0
_SIZE_CHANGE, _VMAF_CHANGE, _FASTER = 0.005, 0.1, 1.4


class WorkFolders(msgspec.Struct, frozen=True):
    """The folder of kept clips, and the one of temporary renders."""

    clips: Path
    work: Path


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; the reader decides whether it is good."""
    arguments = _arguments(argv)
    cores = use_cores(arguments.cores)
    encoder = asyncio.run(choose_encoder())
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    print(f"{cores} cores of {os.cpu_count()}, load {load:.1f}, {encoder.name}", flush=True)
    with TemporaryFolder("bench") as folder:
        place = WorkFolders(arguments.clips, folder)
        _compare_with_baseline(place, arguments.cut_seconds, arguments.rounds)
        _try_large(place, arguments.seconds)
        _compare_parts(place, arguments.parted_seconds, cores)
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.render", description=__doc__)
    # Not in the temporary folder, where anybody could place links with a known name.
    kept = platformdirs.user_cache_path("nemolocal") / "bench-clips"
    parser.add_argument("--seconds", type=float, default=_LARGE_SECONDS, help="of 4K")
    parser.add_argument("--cut-seconds", type=float, default=_CUT_SECONDS, help="of three tracks")
    parser.add_argument(
        "--parted-seconds", type=float, default=_PARTED_SECONDS, help="whole and in parts"
    )
    parser.add_argument("--rounds", type=int, default=3, help="beside FFmpeg by hand; the median")
    parser.add_argument("--cores", type=int, default=_CORES, help="at most, where that can be set")
    parser.add_argument("--clips", type=Path, default=kept, help="the folder that keeps clips")
    return parser.parse_args(argv)


def use_cores(most: int) -> int:
    """Limit this process and its children to so many cores; return the number in use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:most])
    return usable_cores()


def read_source(path: Path) -> MediaSource:
    """Return a clip with what a probe finds in it."""
    return MediaSource(path, asyncio.run(probe(path, path.suffix[1:])))


def _render(
    plan: RenderPlan, folders: WorkFolders, name: str, cores: int | None = None
) -> RenderResult:
    work = render(
        plan,
        folders.work / name,
        workdir=folders.work,
        on_progress=lambda _: None,
        cores=cores,
    )
    return asyncio.run(work)


def plan_whole_clip(clip: MediaSource) -> RenderPlan:
    """Return a plan of the whole clip, at quality high, in full HD."""
    segment = {"src": "clip", "s": 0, "d": clip.info.duration * 1000}
    draft = draft_from_wire({"t": [{"tt": 0, "sg": [segment]}]})
    return plan_render(draft, {"clip": clip}, OutputSpec("high"))


def _compare_with_baseline(folders: WorkFolders, seconds: float, rounds: int) -> None:
    """Run both in turn, so that disturbances affect both."""
    clip = land.make_clip(folders.clips, land.FULL_HD, land.FULL_HD_RATE, seconds)
    music = folders.work / "music.m4a"
    asyncio.run(sample_media.make_music("lofi", seconds, music))
    plan = plan_three_tracks(read_source(clip), read_source(music), seconds)
    write_titles(plan, folders.work)
    baseline: list[ResourceUsage] = []
    ours: list[ResourceUsage] = []
    for _ in range(rounds):
        baseline.append(_measure(lambda: render_baseline(plan, clip, music, seconds, folders.work)))
        ours.append(_measure(lambda: _render(plan, folders, "ours.mp4")))
    settings = f"libx264 {plan.encoding.preset}, CRF {plan.encoding.crf:g}"
    print(f"three tracks  {seconds:g} s of cuts, music and titles, {settings}")
    print_comparison(baseline, ours)


def print_comparison(baseline: Sequence[ResourceUsage], ours: Sequence[ResourceUsage]) -> None:
    """Print the times of the baseline's and our rounds, and their ratio."""
    print(f"by hand       {median_usage(baseline).summary()}")
    print(f"rendered      {median_usage(ours).summary()}")
    more = median(
        own.seconds - _TIME_RATIO * yardstick.seconds
        for own, yardstick in zip(ours, baseline, strict=True)
    )
    aim = f"(target: at most {_TIME_MORE * 1000:.0f} ms)"
    print(f"time          {more * 1000:+7.0f} ms beyond {_TIME_RATIO:g} times by hand {aim}")
    work = median(
        own.cpu_seconds / by_hand.cpu_seconds for own, by_hand in zip(ours, baseline, strict=True)
    )
    print(f"processor     {work:7.2f} times by hand: what a busy machine disturbs less")
    if memory := median_usage(baseline).memory_kb:
        ratio = median_usage(ours).memory_kb / memory
        print(f"memory        {ratio:7.2f} times by hand (target: at most {_MEMORY_RATIO:g})")
    print(end="", flush=True)


def _measure(work: Callable[[], object]) -> ResourceUsage:
    with measure_resources() as usage:
        work()
    return usage


def _try_large(folders: WorkFolders, seconds: float) -> None:
    clip = land.make_clip(folders.clips, land.LARGE, land.LARGE_RATE, seconds)
    source = read_source(clip)
    plan = plan_whole_clip(source)
    size = (plan.width, plan.height)
    scaling = ["-i", str(clip), "-vf", f"scale={size[0]}:{size[1]}", "-an", "-f", "null", "-"]
    floor = _measure(lambda: land.run_ffmpeg(scaling, folders.work))
    with measure_resources() as usage:
        result = _render(plan, folders, "large.mp4")
    published = _PUBLISHED_SECONDS * seconds / _LARGE_SECONDS
    rate, short = source.info.bit_rate / 1e6, min(source.info.width, source.info.height)
    repeated = f"{min(seconds, land.SCENE_SECONDS):g} s of land, again and again"
    print(f"large         {seconds:g} s of {short} lines at {rate:.1f} Mb/s ({repeated})")
    print(f"floor         {floor.summary()}: decoding and scaling alone")
    print(f"rendered      {usage.summary()}: {_settings(result)}")
    part = "" if seconds == _LARGE_SECONDS else f", of {_PUBLISHED_SECONDS:g} s for two minutes"
    print(f"published     {published:7.2f} s: what the cloud says it takes at most{part}")
    print(f"beside that   {usage.seconds / published:7.2f} of the time", flush=True)
    seen, own = VideoPair(folders.work / "large.mp4", clip, size, folders.work).score()
    print(f"VMAF          {_score_text(seen)} (target: {_VMAF:g})")
    how = f"{seen.model} at {seen.height} lines, one picture in {EVERY}"
    print(f"              {how}; the source itself gets {own:.1f}", flush=True)


def _score_text(score: Score) -> str:
    lows = f"p5 {score.p5:.1f}, p1 {score.p1:.1f}, worst {score.min:.1f}"
    return f"{score.mean:7.2f} mean, {score.harmonic_mean:.2f} harmonic, {lows}"


def _settings(result: RenderResult) -> str:
    kind = f"{result.encoder} {result.preset}, CRF {result.crf:g}"
    return f"{kind}, {result.size / 1e6:.1f} MB"


def _compare_parts(folders: WorkFolders, seconds: float, cores: int) -> None:
    clip = land.make_clip(folders.clips, land.FULL_HD, land.FULL_HD_RATE, seconds)
    plan = msgspec.structs.replace(plan_whole_clip(read_source(clip)), copy_source=None)
    workers = choose_worker_count(plan, cores)
    count = len(split_plan(plan, workers))
    whole: list[RenderResult] = []
    parted: list[RenderResult] = []
    single = _measure(lambda: whole.append(_render(plan, folders, "whole.mp4", 1)))
    several = _measure(lambda: parted.append(_render(plan, folders, "parts.mp4")))
    change = parted[0].size / whole[0].size - 1
    print(f"in parts      {seconds:g} s, {count} parts, {workers} at once")
    print(f"one thread    {single.summary()}: {_settings(whole[0])}")
    print(f"in parts      {several.summary()}: {_settings(parted[0])}")
    print(f"faster        {single.seconds / several.seconds:7.2f} times (target: {_FASTER:g})")
    # FFmpeg decodes and filters beside its one encoder thread, which alone would fill a core.
    alone = max(single.seconds, single.cpu_seconds)
    print(f"              {alone / several.seconds:7.2f} times one core alone")
    print(f"size          {change:+7.2%} (target: within {_SIZE_CHANGE:.1%})", flush=True)
    size = (plan.width, plan.height)
    marks = [
        VideoPair(folders.work / name, clip, size, folders.work).score()[0].mean
        for name in ("whole.mp4", "parts.mp4")
    ]
    aim = f"(target: within {_VMAF_CHANGE:g})"
    print(f"VMAF          {marks[1] - marks[0]:+7.2f} {aim}, {marks[0]:.2f} whole", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
