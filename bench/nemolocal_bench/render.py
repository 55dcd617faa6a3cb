"""The renderer beside FFmpeg by hand, on 4K, and in parts: `python -m nemolocal_bench.render`.

Ratios within one run, since machines differ and are busy: cuts, music and titles beside a command
written by hand; two minutes of 4K beside decoding and scaling alone, and how good they look; a
long render in parts beside the same one whole. The clips are made once and kept in a folder.
"""

import argparse
import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import msgspec
import platformdirs

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render import footage
from nemolocal_render.chunks import parts_of, workers_for
from nemolocal_render.cores import usable_cores
from nemolocal_render.encoders import choose_encoder
from nemolocal_render.job import RenderResult, render
from nemolocal_render.plan import OutputSpec, RenderPlan, Source, plan_render
from nemolocal_render.probe import probe
from nemolocal_render.temporary_folder import TemporaryFolder

from . import landscape as land
from .compression.measures import Score
from .effort import Effort, measured, medians
from .hand import render_by_hand, three_tracks, write_titles
from .vmaf import EVERY, Pair

_CORES = 2
_CUT_SECONDS, _LARGE_SECONDS, _PARTED_SECONDS = 30.0, 120.0, 60.0
_TIME_RATIO, _TIME_MORE, _MEMORY_RATIO = 1.03, 0.15, 1.1
_PUBLISHED_SECONDS, _VMAF = 90.0, 93.0
_SIZE_CHANGE, _VMAF_CHANGE, _FASTER = 0.005, 0.1, 1.4


class Place(msgspec.Struct, frozen=True):
    """Where clips are kept, and where renders go that nobody keeps."""

    clips: Path
    work: Path


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; how good it is is for the reader to judge."""
    arguments = _arguments(argv)
    cores = _use_cores(arguments.cores)
    encoder = asyncio.run(choose_encoder())
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    print(f"{cores} cores of {os.cpu_count()}, load {load:.1f}, {encoder.name}", flush=True)
    with TemporaryFolder("bench") as folder:
        place = Place(arguments.clips, folder)
        _compare_by_hand(place, arguments.cut_seconds, arguments.rounds)
        _try_large(place, arguments.seconds)
        _compare_parts(place, arguments.parted_seconds, cores)
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m nemolocal_bench.render", description=__doc__)
    # Not in the folder for temporary files, where anybody may put links by a name that is known.
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


def _use_cores(most: int) -> int:
    """Leave this process and its children so many cores; says how many there are then."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:most])
    return usable_cores()


def _source(path: Path) -> Source:
    return Source(path, asyncio.run(probe(path, path.suffix[1:])))


def _render(plan: RenderPlan, place: Place, name: str, cores: int | None = None) -> RenderResult:
    work = render(
        plan,
        place.work / name,
        workdir=place.work,
        on_progress=lambda _: None,
        cores=cores,
    )
    return asyncio.run(work)


def _whole(clip: Source) -> RenderPlan:
    """All of a clip, at quality high, in full HD."""
    segment = {"src": "clip", "s": 0, "d": clip.info.duration * 1000}
    draft = draft_from_wire({"t": [{"tt": 0, "sg": [segment]}]})
    return plan_render(draft, {"clip": clip}, OutputSpec("high"))


def _compare_by_hand(place: Place, seconds: float, rounds: int) -> None:
    """In turn, so that what disturbs one disturbs the other."""
    clip = land.film(place.clips, land.FULL_HD, land.FULL_HD_RATE, seconds)
    music = place.work / "music.m4a"
    asyncio.run(footage.make_music("lofi", seconds, music))
    plan = three_tracks(_source(clip), _source(music), seconds)
    write_titles(plan, place.work)
    hand: list[Effort] = []
    ours: list[Effort] = []
    for _ in range(rounds):
        hand.append(_measure(lambda: render_by_hand(plan, clip, music, seconds, place.work)))
        ours.append(_measure(lambda: _render(plan, place, "ours.mp4")))
    settings = f"libx264 {plan.encoding.preset}, CRF {plan.encoding.crf:g}"
    print(f"three tracks  {seconds:g} s of cuts, music and titles, {settings}")
    tell_beside(hand, ours)


def tell_beside(hand: Sequence[Effort], ours: Sequence[Effort]) -> None:
    """Print what rounds by hand and of ours took, and what that is beside each other."""
    print(f"by hand       {medians(hand).told()}")
    print(f"rendered      {medians(ours).told()}")
    more = median(
        own.seconds - _TIME_RATIO * yardstick.seconds
        for own, yardstick in zip(ours, hand, strict=True)
    )
    aim = f"(target: at most {_TIME_MORE * 1000:.0f} ms)"
    print(f"time          {more * 1000:+7.0f} ms beyond {_TIME_RATIO:g} times by hand {aim}")
    work = median(
        own.processor / by_hand.processor for own, by_hand in zip(ours, hand, strict=True)
    )
    print(f"processor     {work:7.2f} times by hand: what a busy machine disturbs less")
    if memory := medians(hand).memory_kb:
        ratio = medians(ours).memory_kb / memory
        print(f"memory        {ratio:7.2f} times by hand (target: at most {_MEMORY_RATIO:g})")
    print(end="", flush=True)


def _measure(work: Callable[[], object]) -> Effort:
    with measured() as effort:
        work()
    return effort


def _try_large(place: Place, seconds: float) -> None:
    clip = land.film(place.clips, land.LARGE, land.LARGE_RATE, seconds)
    source = _source(clip)
    plan = _whole(source)
    size = (plan.width, plan.height)
    scaling = ["-i", str(clip), "-vf", f"scale={size[0]}:{size[1]}", "-an", "-f", "null", "-"]
    floor = _measure(lambda: land.run_by_hand(scaling, place.work))
    with measured() as effort:
        result = _render(plan, place, "large.mp4")
    published = _PUBLISHED_SECONDS * seconds / _LARGE_SECONDS
    rate, short = source.info.bit_rate / 1e6, min(source.info.width, source.info.height)
    repeated = f"{min(seconds, land.SCENE_SECONDS):g} s of land, again and again"
    print(f"large         {seconds:g} s of {short} lines at {rate:.1f} Mb/s ({repeated})")
    print(f"floor         {floor.told()}: decoding and scaling alone")
    print(f"rendered      {effort.told()}: {_settings(result)}")
    part = "" if seconds == _LARGE_SECONDS else f", of {_PUBLISHED_SECONDS:g} s for two minutes"
    print(f"published     {published:7.2f} s: what the cloud says it takes at most{part}")
    print(f"beside that   {effort.seconds / published:7.2f} of the time", flush=True)
    seen, own = Pair(place.work / "large.mp4", clip, size, place.work).score()
    print(f"VMAF          {_told(seen)} (target: {_VMAF:g})")
    how = f"{seen.model} at {seen.height} lines, one picture in {EVERY}"
    print(f"              {how}; the source itself gets {own:.1f}", flush=True)


def _told(score: Score) -> str:
    lows = f"p5 {score.p5:.1f}, p1 {score.p1:.1f}, worst {score.min:.1f}"
    return f"{score.mean:7.2f} mean, {score.harmonic_mean:.2f} harmonic, {lows}"


def _settings(result: RenderResult) -> str:
    kind = f"{result.encoder} {result.preset}, CRF {result.crf:g}"
    return f"{kind}, {result.size / 1e6:.1f} MB"


def _compare_parts(place: Place, seconds: float, cores: int) -> None:
    clip = land.film(place.clips, land.FULL_HD, land.FULL_HD_RATE, seconds)
    plan = msgspec.structs.replace(_whole(_source(clip)), copied=None)
    workers = workers_for(plan, cores)
    count = len(parts_of(plan, workers))
    whole: list[RenderResult] = []
    parted: list[RenderResult] = []
    single = _measure(lambda: whole.append(_render(plan, place, "whole.mp4", 1)))
    several = _measure(lambda: parted.append(_render(plan, place, "parts.mp4")))
    change = parted[0].size / whole[0].size - 1
    print(f"in parts      {seconds:g} s, {count} parts, {workers} at once")
    print(f"one thread    {single.told()}: {_settings(whole[0])}")
    print(f"in parts      {several.told()}: {_settings(parted[0])}")
    print(f"faster        {single.seconds / several.seconds:7.2f} times (target: {_FASTER:g})")
    # FFmpeg decodes and filters beside its one thread: one core alone would need all that time.
    alone = max(single.seconds, single.processor)
    print(f"              {alone / several.seconds:7.2f} times one core alone")
    print(f"size          {change:+7.2%} (target: within {_SIZE_CHANGE:.1%})", flush=True)
    size = (plan.width, plan.height)
    marks = [
        Pair(place.work / name, clip, size, place.work).score()[0].mean
        for name in ("whole.mp4", "parts.mp4")
    ]
    aim = f"(target: within {_VMAF_CHANGE:g})"
    print(f"VMAF          {marks[1] - marks[0]:+7.2f} {aim}, {marks[0]:.2f} whole", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
