"""A long render is made in parts, several at once, and comes out as if it were made in one go."""

import asyncio
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render import ffmpeg_cli
from nemolocal_render.job import RenderJobFailed, RenderResult, render
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.output_settings import QUALITY_SETTINGS, RTK_SETTINGS
from nemolocal_render.planning.plan_splitting import (
    TransitionRanges,
    choose_worker_count,
    split_plan,
)
from nemolocal_render.planning.planner import MediaSource, OutputSpec, RenderPlan, plan_render
from nemolocal_render.planning.render_plan import ClipSlice, ClipTransition, VideoClip
from nemolocal_render.render_progress import RenderProgress
from tests.support.audio import read_samples
from tests.support.frames import DecodedVideo

pytestmark = pytest.mark.ffmpeg

Plan = Callable[..., RenderPlan]

_CLIP = MediaSource(Path("clip.mp4"), MediaInfo("video", "mp4", 600.0, 1920, 1080, 30.0))


def long_plan(seconds: float = 60, **changes: Any) -> RenderPlan:
    frames = round(seconds * 30)
    layers = ((ClipSlice(VideoClip(_CLIP, frames), 0, frames),),)
    plan = RenderPlan(1920, 1080, Fraction(30), frames, 0, QUALITY_SETTINGS["high"], layers)
    return msgspec.structs.replace(plan, **changes)


@pytest.mark.parametrize(
    ("plan", "cores", "workers"),
    [
        (long_plan(60), 1, 1),
        (long_plan(60), 2, 2),
        (long_plan(39.9), 2, 1),
        (long_plan(60), 16, 3),
        (long_plan(3600), 16, 16),
        (long_plan(600, width=3840, height=2160), 2, 1),
        (long_plan(600, width=3840, height=2160), 16, 8),
        (
            long_plan(
                600, encoding=msgspec.structs.replace(QUALITY_SETTINGS["high"], preset="slow")
            ),
            2,
            1,
        ),
        (
            long_plan(600, encoding=msgspec.structs.replace(RTK_SETTINGS, max_bit_rate=2_000_000)),
            16,
            12,
        ),
        (long_plan(600, encoding=RTK_SETTINGS), 16, 12),
    ],
)
def test_as_many_at_once_as_are_long_enough_and_fit_into_memory(
    plan: RenderPlan, cores: int, workers: int
) -> None:
    assert choose_worker_count(plan, cores) == workers


@pytest.mark.slow
@given(
    lengths=st.lists(st.integers(20, 4000), min_size=1, max_size=20),
    mixes=st.lists(st.integers(0, 10), min_size=20, max_size=20),
    workers=st.integers(1, 8),
)
def test_parts_follow_each_other_and_no_cut_is_in_a_transition(
    lengths: list[int], mixes: list[int], workers: int
) -> None:
    at = 0
    pictures: list[ClipSlice] = []
    for length, mix in zip(lengths, mixes, strict=False):
        joined = ClipTransition("crossfade", mix) if mix and pictures else None
        begin = at - (mix if joined else 0)
        shot = VideoClip(_CLIP, length)
        pictures.append(ClipSlice(shot, begin, at + length - begin, begin - at, joined))
        at += length
    plan = long_plan(at / 30, layers=(tuple(pictures),))
    parts = split_plan(plan, workers)
    begins = [part.start_frame for part in parts]
    assert begins == [sum(part.frames for part in parts[:n]) for n in range(len(parts))]
    assert sum(part.frames for part in parts) == plan.frames
    assert all(map(TransitionRanges(plan.layers).can_cut_at, begins))
    assert all(picture.transition_in is None for part in parts for picture in part.layers[0][:1])


@pytest.mark.parametrize(
    ("seconds", "boundary", "begins"),
    [
        (60, 1, [0, 1000]),
        (60, 700, [0, 1000]),
        (60, 850, [0, 850]),
        (90, 1, [0, 750, 1250, 2000]),
        (90, 1350, [0, 750, 1350, 2000]),
    ],
)
def test_a_part_ends_where_a_picture_or_else_a_group_of_pictures_does(
    seconds: int, boundary: int, begins: list[int]
) -> None:
    frames = seconds * 30
    shots = [(0, boundary), (boundary, frames - boundary)]
    pictures = tuple(ClipSlice(VideoClip(_CLIP, count), at, count) for at, count in shots)
    parts = split_plan(long_plan(seconds, layers=(pictures,)), 2)
    assert [part.start_frame for part in parts] == begins


def test_nothing_is_cut_where_a_transition_lasts_to_the_end() -> None:
    shots = [VideoClip(_CLIP, 1200), VideoClip(_CLIP, 1200)]
    first, second = (
        ClipSlice(shots[0], 0, 1200),
        ClipSlice(shots[1], 1, 1199, 0, ClipTransition("dissolve", 1199)),
    )
    plan = long_plan(40, layers=((first, second),))
    assert split_plan(plan, 2) == [plan]


@pytest.fixture
def plan(source: Callable[[str], MediaSource], monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Plans whose parts need only be a second long."""
    monkeypatch.setattr("nemolocal_render.planning.plan_splitting._LEAST_SECONDS", 1.0)

    def make(**fields: Any) -> RenderPlan:
        whole = {"src": "sample.mp4", "s": 0, "d": 4000, **fields}
        titles = {"tt": 7, "sg": [{"s": 500, "d": 3000, "txt": "HI", "fi": 500, "fo": 500}]}
        music = {"tt": 1, "sg": [{"src": "music.m4a", "s": 0, "d": 4000, "v": 0.5}]}
        wire = {"t": [{"tt": 0, "sg": [whole]}, music, titles], "m": {"width": 320, "height": 180}}
        sources = {name: source(name) for name in ("sample.mp4", "music.m4a")}
        return plan_render(draft_from_wire(wire), sources, OutputSpec("low"))

    return make


def created(
    plan: RenderPlan, folder: Path, cores: int, seen: list[int] | None = None
) -> tuple[Path, RenderResult]:
    path = folder / f"{cores}.mp4"
    reported = [] if seen is None else seen
    work = render(plan, path, workdir=folder / "work", on_progress=reported.append, cores=cores)
    return path, asyncio.run(work)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs of FFmpeg there were at the start of each, itself included."""
    counts, running = [], 0
    run = ffmpeg_cli.run

    async def count(*arguments: Any, **options: Any) -> None:
        nonlocal running
        running += 1
        counts.append(running)
        try:
            await run(*arguments, **options)
        finally:
            running -= 1

    monkeypatch.setattr(ffmpeg_cli, "run", count)
    return counts


@pytest.mark.slow
def test_parts_at_once_are_the_whole(plan: Plan, tmp_path: Path, at_once: list[int]) -> None:
    import av

    whole, one = created(plan(), tmp_path, 1)
    at_once.clear()
    parts, other = created(plan(), tmp_path, 2)
    # The sound, four parts of the picture, and joining them.
    assert (len(at_once), max(at_once)) == (6, 2)
    assert read_samples(parts) == read_samples(whole)
    seen, meant = DecodedVideo(parts), DecodedVideo(whole)
    assert [seen.counter(n) for n in range(120)] == list(range(120)) == [*range(len(meant))]
    for n in range(120):
        places = ((0.5, 0.5), (0.1, 0.1), (0.5, 0.9))
        assert all(abs(seen.luma(n, *at) - meant.luma(n, *at)) < 24 for at in places)
    with av.open(str(parts)) as container:
        base = container.streams.video[0].time_base or 0
        times = [(frame.pts or 0) * base for frame in container.decode(video=0)]
    assert times == [Fraction(n, 30) for n in range(120)]
    assert (one.frames, one.duration) == (other.frames, other.duration)


@pytest.mark.slow
def test_where_a_picture_begins_a_cut_costs_next_to_nothing(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nemolocal_render.planning.plan_splitting._LEAST_SECONDS", 2.0)
    draft = plan()
    (first,) = draft.layers[0]
    halves = [
        msgspec.structs.replace(
            first, start_frame=at, frames=60, clip=VideoClip(first.clip.source, 60, start)
        )
        for at, start in ((0, 2.0), (60, 0.0))
    ]
    draft = msgspec.structs.replace(draft, layers=(tuple(halves),), titles=())
    sizes = [created(draft, tmp_path, cores)[1].size for cores in (1, 2)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


@pytest.mark.slow
def test_progress_of_parts_at_once_only_rises(plan: Plan, tmp_path: Path) -> None:
    seen: list[int] = []
    created(plan(), tmp_path, 2, seen)
    assert seen == sorted(set(seen))
    assert (seen[0], seen[-1]) == (0, 100)
    assert len(seen) > 4


def test_each_part_brings_its_share_forward() -> None:
    seen: list[int] = []
    first, second = RenderProgress(seen.append).full_range().subrange(0, 0.5).split([0.25, 0.75])
    half = "out_time_us=500000"
    second.line_parser(1.0)(half)
    first.line_parser(1.0)(half)
    first.line_parser(1.0)("out_time_us=1000000")
    second.line_parser(1.0)("out_time_us=2000000")
    assert seen == [18, 25, 31, 50]


@pytest.mark.slow
@pytest.mark.usefixtures("no_hardware")
def test_cancelling_ends_all_parts_and_leaves_nothing(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_ffmpeg: Callable[[str], Path]
) -> None:
    # Parts of the picture never end by themselves.
    fake_ffmpeg("if any('part-' in a for a in args): import signal; signal.pause()")
    children: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec
    two = asyncio.Event()

    async def remember(*args: Any, **options: Any) -> asyncio.subprocess.Process:
        children.append(await start(*args, **options))
        encoding = [child for child in children[:-1] if child.returncode is None]
        if encoding and any("part-1.mp4" in str(word) for word in args):
            two.set()
        return children[-1]

    async def cancel() -> None:
        work = render(
            plan(), tmp_path / "x.mp4", workdir=tmp_path / "w", on_progress=lambda _: None, cores=2
        )
        task = asyncio.create_task(work)
        await two.wait()
        assert len([child for child in children if child.returncode is None]) == 2
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remember)
    asyncio.run(cancel())
    assert {path.name for path in tmp_path.rglob("*")} == {"w", "fake-ffmpeg"}
    assert all(child.returncode is not None for child in children)


@pytest.mark.slow
@pytest.mark.usefixtures("no_hardware")
def test_a_part_that_fails_ends_the_others(
    plan: Plan,
    tmp_path: Path,
    fake_ffmpeg: Callable[[str], Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    fake_ffmpeg("if 'file:part-1.mp4' in args: sys.exit('disk on fire')")
    with pytest.raises(RenderJobFailed, match=r"^FFmpeg failed"):
        created(plan(), tmp_path, 2)
    assert "disk on fire" in caplog.text
    assert list((tmp_path / "work").iterdir()) == []


# A machine whose NVENC passes the trial and fails in every render.
_NVENC = """
if "h264_nvenc" in args:
    if "-progress" in args:
        sys.exit("no capable devices found")
    at = args.index("h264_nvenc")
    args[at:at + 5] = ["libx264"]
elif "h264_qsv" in args or "h264_vaapi" in args or "h264_amf" in args:
    sys.exit("no such device")
"""


@pytest.mark.slow
def test_a_device_gets_the_whole_and_its_replacement_makes_parts(
    plan: Plan, tmp_path: Path, fake_ffmpeg: Callable[[str], Path], at_once: list[int]
) -> None:
    fake_ffmpeg(_NVENC)
    seen: list[int] = []
    path, result = created(plan(), tmp_path, 2, seen)
    assert result.encoder == "libx264"
    assert result.encoder_reason.startswith("h264_nvenc failed in this render")
    # One in vain, the sound, four parts, and joining them.
    assert at_once[-7] == 1
    assert max(at_once[-6:]) == 2
    assert [DecodedVideo(path).counter(n) for n in (0, 59, 60, 119)] == [0, 59, 60, 119]
    assert seen == sorted(set(seen))
