"""A compressed file with a maximum bit rate is made in parts, unless they touch the maximum."""

import asyncio
import json
import re
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import msgspec
import pytest
from hypothesis import example, given, strategies as st

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources
from nemolocal_render.job import RenderResult, render
from nemolocal_render.media import MediaSource
from nemolocal_render.part_encoding import LOCAL_PARTS, Division
from nemolocal_render.planning.plan_splitting import split_by_seconds
from nemolocal_render.planning.planner import OutputSpec, RenderPlan, plan_render
from nemolocal_render.probing.packet_sizes import read_packets
from nemolocal_render.render_log import CURRENT_LOG, RenderLog
from nemolocal_render.video_ceiling import (
    CeilingReached,
    lowest_fill,
    require_below_ceiling,
    require_untouched,
)
from tests.support.audio import read_samples
from tests.support.frames import DecodedVideo
from tests.support.media import MediaCache, run_ffmpeg

pytestmark = pytest.mark.ffmpeg

FPS = Fraction(30)
SECONDS = 20
_TONE = f"aevalsrc='0.3*sin(2*PI*440*t*(1+0.01*t))':s=48000:d={SECONDS}"
_LOOP = (
    *(
        "-f",
        "lavfi",
        "-i",
        _TONE,
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-vf",
        "setpts=N/30/TB,noise=alls=5:allf=t",
    ),
    *("-r", "30", "-frames:v", str(SECONDS * 30), "-c:a", "aac"),
    *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "8", "-g", "120"),
)

# Ground that passes below a camera, without a cut.
_PAN = (
    *("-f", "lavfi", "-i", "perlin=s=960x540:octaves=8:persistence=0.65:xscale=8:yscale=8"),
    "-vf",
    "trim=end_frame=1,normalize,loop=-1:size=1,fps=30,setpts=N/30/TB,"
    "crop=320:180:320*(1+sin(n/70)):180*(1+sin(n/35)),noise=alls=3:allf=t",
    *("-frames:v", "450", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "8"),
)


@pytest.fixture
def long_clip(
    media: Path, media_cache: MediaCache, source: Callable[[str | Path], MediaSource]
) -> MediaSource:
    """20 s of counted frames, which begin again at 0 every 4 s, with sound."""
    looped = ("-stream_loop", "4", "-i", media / "sample.mp4")
    return source(
        media_cache.file("long.mp4", lambda path: run_ffmpeg(*looped, *_LOOP, path), _LOOP)
    )


@pytest.fixture
def plan(long_clip: MediaSource, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RenderPlan]:
    """Plans of 20 s whose parts need only be 8 s long, compressed as asked."""
    monkeypatch.setattr("nemolocal_render.planning.plan_splitting._LEAST_SECONDS", 8.0)

    def make(**compress: object) -> RenderPlan:
        clip = {"src": "long.mp4", "s": 0, "d": SECONDS * 1000}
        size = {"width": 320, "height": 180, "compress": compress}
        draft = draft_from_wire({"t": [{"tt": 0, "sg": [clip]}], "m": size})
        return plan_render(draft, {"long.mp4": long_clip}, OutputSpec())

    return make


def rendered(plan: RenderPlan, path: Path, cores: int) -> tuple[RenderResult, RenderLog]:
    log = RenderLog(lambda: 0.0)

    async def work() -> RenderResult:
        CURRENT_LOG.set(log)
        return await render(
            plan, path, workdir=path.parent / "work", on_progress=lambda _: None, cores=cores
        )

    return asyncio.run(work()), log


class SmallParts:
    """Divides a plan into parts of about so many seconds, as a farm does; 0: not at all."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.encode = LOCAL_PARTS.encode

    def divide(self, plan: RenderPlan, machine: EncodeResources) -> Division:
        parts = split_by_seconds(plan, self._seconds) if self._seconds else [plan]
        each = msgspec.structs.replace(machine, is_repeatable=True)
        return Division(tuple(parts), each, 1)


def packet_sizes(path: Path) -> tuple[list[int], list[int]]:
    """The bytes of each frame in order of decoding, and which of them are key frames."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    return [packet.size for packet in packets], keys


def rendered_as_on_a_farm(plan: RenderPlan, path: Path, seconds: float) -> RenderResult:
    work = render(
        plan,
        path,
        workdir=path.parent / "work",
        on_progress=lambda _: None,
        cores=2,
        parts=SmallParts(seconds),
    )
    return asyncio.run(work)


@pytest.mark.slow
@pytest.mark.usefixtures("no_hardware")
def test_parts_of_a_farm_are_as_large_as_they_are_in_one_piece(
    media_cache: MediaCache, source: Callable[[str | Path], MediaSource], tmp_path: Path
) -> None:
    clip = source(media_cache.file("pan.mp4", lambda path: run_ffmpeg(*_PAN, path), _PAN))
    segment = {"src": "pan.mp4", "s": 0, "d": 15_000}
    wire = {"t": [{"tt": 0, "sg": [segment]}], "m": {"compress": {"mode": "rtk"}}}
    plan = plan_render(draft_from_wire(wire), {"pan.mp4": clip}, OutputSpec())
    plan = msgspec.structs.replace(plan, copy_source=None)
    files = [tmp_path / "whole.mp4", tmp_path / "parts.mp4"]
    for file, seconds in zip(files, (0.0, 8.0), strict=True):
        assert rendered_as_on_a_farm(plan, file, seconds).frames == 450
    (whole, keys), (parts, other_keys) = map(packet_sizes, files)
    assert keys == other_keys == [0, 250]
    assert sum(parts) == pytest.approx(sum(whole), rel=0.01)
    # The key frame at the cut, and the frames before it.
    assert parts[250] == pytest.approx(whole[250], rel=0.05)
    assert sum(parts[200:250]) == pytest.approx(sum(whole[200:250]), rel=0.1)
    scores = [vmaf(file, clip.path) for file in files]
    assert scores[1] == pytest.approx(scores[0], abs=0.1)


@pytest.mark.slow
@pytest.mark.usefixtures("no_hardware")
def test_no_frame_beside_those_of_a_part_is_in_the_file(
    plan: Callable[..., RenderPlan], tmp_path: Path
) -> None:
    file = tmp_path / "parts.mp4"
    assert rendered_as_on_a_farm(plan(mode="rtk"), file, 4.0).frames == 600
    seen = DecodedVideo(file)
    assert [seen.counter(n) for n in range(600)] == [n % 120 for n in range(600)]
    assert not nal_types(file) & {7, 8}


def limited(plan: RenderPlan, rate: int) -> RenderPlan:
    encoding = msgspec.structs.replace(plan.encoding, max_bit_rate=rate)
    return msgspec.structs.replace(plan, encoding=encoding)


def vmaf(distorted: Path, reference: Path) -> float:
    log = distorted.with_suffix(".json")
    graph = f"[0:v]scale=320:180[a];[1:v]scale=320:180[b];[a][b]libvmaf=log_fmt=json:log_path={log}"
    run_ffmpeg("-i", distorted, "-i", reference, "-lavfi", graph, "-f", "null", "-")
    return float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"])


def nal_types(path: Path) -> set[int]:
    """The types of the NAL units in the packets, each of which has its length before it."""
    found = set()
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            data, at = bytes(packet), 0
            while at < len(data):
                found.add(data[at + 4] & 31)
                at += 4 + int.from_bytes(data[at : at + 4])
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("no_hardware")
def test_compression_in_parts_is_as_good_and_as_small_as_in_one_piece(
    plan: Callable[..., RenderPlan], long_clip: MediaSource, tmp_path: Path
) -> None:
    compressed = plan(mode="rtk")
    assert compressed.encoding.max_bit_rate > 100_000
    whole, parts = tmp_path / "whole.mp4", tmp_path / "parts.mp4"
    one, _ = rendered(compressed, whole, 1)
    other, log = rendered(compressed, parts, 2)
    assert (log.workers, len(log.parts)) == (2, 2)
    assert (other.frames, other.duration) == (one.frames, one.duration) == (600, 20.0)
    assert other.size == pytest.approx(one.size, rel=0.01)
    assert vmaf(parts, long_clip.path) == pytest.approx(vmaf(whole, long_clip.path), abs=0.1)
    assert read_samples(parts) == read_samples(whole)
    seen = DecodedVideo(parts)
    assert [seen.counter(n) for n in range(600)] == [n % 120 for n in range(600)]
    # Neither sequence nor picture parameter sets are between the frames.
    assert not nal_types(parts) & {7, 8}


@pytest.mark.slow
@pytest.mark.usefixtures("no_hardware")
def test_parts_that_touch_the_maximum_are_made_again_in_one_piece(
    plan: Callable[..., RenderPlan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repeatable = partial(EncodeResources, is_repeatable=True)
    monkeypatch.setattr("nemolocal_render.job.EncodeResources", repeatable)
    tight = limited(plan(mode="rtk"), 40_000)
    again, log = rendered(tight, tmp_path / "again.mp4", 2)
    reason = "again with one encoder: a part is near the maximum bit rate"
    assert [line.text for line in log.lines].count(reason) == 1
    assert (again.frames, len(log.parts)) == (600, 1)
    packets = asyncio.run(read_packets(tmp_path, "again.mp4"))
    require_below_ceiling(packets.sizes, FPS, 40_000)
    monkeypatch.setattr("nemolocal_render.planning.plan_splitting._LEAST_SECONDS", 20.0)
    rendered(tight, tmp_path / "whole.mp4", 2)
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("no_hardware")
def test_a_size_is_found_in_parts(plan: Callable[..., RenderPlan], tmp_path: Path) -> None:
    limit = 0.6
    path = tmp_path / "sized.mp4"
    result, log = rendered(plan(mode="size", megabytes=limit), path, 2)
    assert len(log.parts) == 2
    assert 0.6 * limit * 1e6 < path.stat().st_size == result.size <= limit * 1e6
    assert result.crf > 20
    seen = DecodedVideo(path)
    assert [seen.counter(n) for n in range(600)] == [n % 120 for n in range(600)]


@pytest.mark.slow
def test_packets_are_read_as_they_are(long_clip: MediaSource) -> None:
    packets = asyncio.run(read_packets(long_clip.path.parent, long_clip.path.name))
    with av.open(str(long_clip.path)) as container:
        sizes = [packet.size for packet in container.demux(video=0) if packet.size]
    assert list(packets.sizes) == sizes
    assert re.fullmatch(r"[0-9a-f]{64}", packets.header)


@given(rate=st.integers(10_000, 50_000_000), fps=st.sampled_from([Fraction(30000, 1001), FPS]))
def test_half_of_the_maximum_is_far_from_it_and_twice_exceeds_it(rate: int, fps: Fraction) -> None:
    each = int(rate / fps / 8)
    require_untouched([each // 2] * 600, fps, rate)
    with pytest.raises(CeilingReached, match=r"^a part is near"):
        require_untouched([each // 2 + 2] * 300 + [each // 2] * 2, fps, rate)
    with pytest.raises(CeilingReached, match=r"^the parts exceed"):
        require_below_ceiling([2 * each + 1] * 600, fps, rate)


def test_a_short_burst_in_a_calm_part_is_near_the_maximum() -> None:
    calm = [100] * 300
    require_untouched([*calm, *[8_000] * 6, *calm], FPS, 960_000)
    with pytest.raises(CeilingReached, match=r"^a part is near"):
        require_untouched([*calm, *[8_000] * 20, *calm], FPS, 960_000)


def test_two_parts_that_each_hold_the_maximum_need_not_hold_it_together() -> None:
    # The first frame leaves a tenth of the buffer, and the others do not fill it again.
    part = [96_000, *[4_000] * 29]
    require_below_ceiling(part, FPS, 960_000)
    with pytest.raises(CeilingReached, match=r"^the parts exceed"):
        require_below_ceiling(part * 2, FPS, 960_000)


def is_untouched(sizes: list[int]) -> bool:
    try:
        require_untouched(sizes, FPS, 1_000_000)
    except CeilingReached:
        return False
    return True


# Frames of a burst, of an ordinary part (the maximum is 4,166 on average), and of a calm one.
SIZES = st.integers(1, 60_000) | st.integers(1, 4_000) | st.integers(1, 100)


@given(parts=st.lists(st.lists(SIZES, min_size=1, max_size=60), min_size=2, max_size=4))
# The frames alone take no more than half of the buffer, but come faster than it is filled.
@example(parts=[[8334], [50_000], [50_000]])
# A part fills the buffer and ends with half of it, and the next one takes most of the
# rest.
@example(parts=[[*[100] * 40, 62_000], [50_000, *[100] * 40]])
def test_parts_that_do_not_touch_the_maximum_hold_it_together(parts: list[list[int]]) -> None:
    untouched = [part for part in parts if is_untouched(part)]
    assert lowest_fill([size for part in untouched for size in part], FPS, 1_000_000) >= 0.1 - 1e-9


def test_the_fill_is_that_after_each_frame() -> None:
    second = Fraction(10)
    assert lowest_fill([], second, 8000) == 0.9
    assert lowest_fill([100], second, 8000) == pytest.approx(0.8)
    # 0.4, then 0.5 - 0.3 of a buffer of 1000 bytes.
    assert lowest_fill([500, 300, 1], second, 8000) == pytest.approx(0.2)
    assert lowest_fill([100] * 50 + [1000], second, 8000) == pytest.approx(-0.1)
