"""What moves between server and workers: the bytes that a part reads, and its file."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_farm.source_ranges import SourceRanges
from nemolocal_render.media import MediaSource
from nemolocal_render.planning.plan_splitting import split_by_seconds
from nemolocal_render.planning.planner import OutputSpec, plan_render
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.probing.media_probe import read_packet_index
from nemolocal_render.probing.probe_worker import inspect_media
from tests.farm.conftest import SECONDS, Rendering, RunningFarm, rendered_without_farm
from tests.support.media import MediaCache, run_ffmpeg

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]

_BYTES = re.compile(r"fetched (\d+) bytes .* returned (\d+) bytes")


@pytest.fixture(scope="module")
def phone_clip(media_cache: MediaCache) -> MediaSource:
    """40 s with a key frame a second, as phones record; 4 Mb/s, so that its index is small."""
    scene = f"testsrc2=s=320x180:r=30:d={SECONDS},noise=alls=40:allf=t"
    recipe = (
        *("-f", "lavfi", "-i", scene, "-c:v", "libx264", "-preset", "ultrafast", "-g", "30"),
        # With one thread, so that the clip is the same on every machine.
        *("-bf", "0", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M", "-threads", "1"),
    )
    path = media_cache.file("phone-clip.mp4", lambda into: run_ffmpeg(*recipe, into), recipe)
    return MediaSource(path, inspect_media(path, "mp4"))


@pytest.fixture(scope="module")
def phone_plan(phone_clip: MediaSource) -> RenderPlan:
    """All of it, in five parts."""
    clip = {"src": "clip", "s": 0, "d": SECONDS * 1000}
    draft = draft_from_wire({"t": [{"tt": 0, "sg": [clip]}], "m": {"width": 160, "height": 90}})
    return plan_render(draft, {"clip": phone_clip}, OutputSpec("low"))


@pytest.fixture(scope="module")
def meant(phone_plan: RenderPlan, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return rendered_without_farm(phone_plan, tmp_path_factory.mktemp("meant") / "x.mp4")


def moved(rendering: Rendering) -> tuple[int, int]:
    """The bytes that all parts fetched and returned."""
    found = [match for line in rendering.lines if (match := _BYTES.search(line))]
    assert len(found) == 5, rendering.lines
    return sum(int(each[1]) for each in found), sum(int(each[2]) for each in found)


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_fetch_what_their_parts_read_and_return_the_output(
    workers: int,
    farm: RunningFarm,
    phone_clip: MediaSource,
    phone_plan: RenderPlan,
    meant: bytes,
    tmp_path: Path,
) -> None:
    for _ in range(workers):
        farm.start_worker("--places", "1")
    rendering = farm.render(phone_plan, tmp_path / "x.mp4")
    result = rendering.result()
    assert (tmp_path / "x.mp4").read_bytes() == meant
    down, up = moved(rendering)
    assert not rendering.mentions("whole sources"), rendering.lines
    assert not rendering.mentions("on this machine"), rendering.lines
    assert down <= 1.25 * phone_clip.path.stat().st_size, rendering.lines
    # Each part is a file of its own, with an index.
    assert up <= 1.05 * result.size


def test_a_part_that_lacks_packets_is_rendered_again_from_the_whole_file(
    farm: RunningFarm,
    phone_plan: RenderPlan,
    meant: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of_part = SourceRanges.of_part

    async def without_the_longest(self: SourceRanges, *arguments: Any) -> Any:
        ranges = await of_part(self, *arguments)
        longest = max(ranges, key=lambda each: each.end - each.begin)
        return tuple(each for each in ranges if each != longest)

    monkeypatch.setattr(SourceRanges, "of_part", without_the_longest)
    farm.start_worker("--places", "1")
    rendering = farm.render(phone_plan, tmp_path / "x.mp4")
    rendering.result()
    # Once: for the next parts the worker has the whole file.
    assert len(rendering.mentions("whole sources since")) == 1, rendering.lines
    assert (tmp_path / "x.mp4").read_bytes() == meant


def test_sources_on_a_shared_disk_are_not_fetched(
    farm: RunningFarm,
    phone_clip: MediaSource,
    phone_plan: RenderPlan,
    meant: bytes,
    tmp_path: Path,
) -> None:
    farm.start_worker("--places", "1", "--media", str(phone_clip.path.parent))
    rendering = farm.render(phone_plan, tmp_path / "x.mp4")
    rendering.result()
    assert moved(rendering)[0] == 0, rendering.lines
    assert (tmp_path / "x.mp4").read_bytes() == meant


def test_a_damaged_file_on_a_shared_disk_is_fetched_instead(
    farm: RunningFarm,
    phone_clip: MediaSource,
    phone_plan: RenderPlan,
    meant: bytes,
    tmp_path: Path,
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / phone_clip.path.name).write_bytes(bytes(phone_clip.path.stat().st_size))
    farm.start_worker("--places", "1", "--media", str(disk))
    rendering = farm.render(phone_plan, tmp_path / "x.mp4")
    rendering.result()
    # Once: the worker keeps it.
    assert moved(rendering)[0] == phone_clip.path.stat().st_size, rendering.lines
    assert (tmp_path / "x.mp4").read_bytes() == meant


def test_the_index_of_a_source_is_read_once_and_bounds_what_all_parts_fetch(
    phone_clip: MediaSource, phone_plan: RenderPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    async def counted(path: Path, extension: str) -> object:
        read.append(path)
        return await read_packet_index(path, extension)

    monkeypatch.setattr("nemolocal_farm.source_ranges.read_packet_index", counted)
    ranges, size = SourceRanges(), phone_clip.path.stat().st_size

    async def all_at_once() -> list[Any]:
        parts = split_by_seconds(phone_plan, 8.0)
        return await asyncio.gather(
            *(ranges.of_part(part, phone_clip, size, "digest") for part in parts)
        )

    found = asyncio.run(all_at_once())
    assert (len(found), len(read)) == (5, 1)
    assert all(found)
    # So much is moved if each part goes to a worker of its own.
    moved_at_most = sum(each.end - each.begin for part in found for each in part)
    assert moved_at_most <= 1.25 * size
