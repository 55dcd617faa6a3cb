"""Renders whose parts workers render: the same frames and the same sound as of one machine."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_farm.farm_parts import FarmParts
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.media import MediaInfo, MediaSource
from nemolocal_render.planning.planner import OutputSpec, plan_render
from nemolocal_render.planning.render_plan import RenderPlan
from tests.farm.conftest import RunningFarm, rendered_without_farm
from tests.support.audio import read_samples
from tests.support.frames import DecodedVideo
from tests.support.media import run_ffmpeg

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]


def test_a_render_of_workers_is_that_of_one_machine(
    farm: RunningFarm, plan: RenderPlan, local_file: Path, tmp_path: Path
) -> None:
    farm.start_worker()
    rendering = farm.render(plan, tmp_path / "farm.mp4")
    result = rendering.result()
    assert (result.frames, result.duration) == (1200, 40.0)
    assert len(rendering.mentions(": by ")) == 5, rendering.lines
    assert rendering.progress == sorted(set(rendering.progress))
    seen, meant = DecodedVideo(tmp_path / "farm.mp4"), DecodedVideo(local_file)
    assert [seen.counter(n) for n in range(1200)] == [n % 120 for n in range(1200)]
    for n in range(0, 1200, 30):
        assert abs(seen.luma(n, 0.5, 0.9) - meant.luma(n, 0.5, 0.9)) < 24
    assert read_samples(tmp_path / "farm.mp4") == read_samples(local_file)
    assert result.size == pytest.approx(local_file.stat().st_size, rel=0.01)
    assert list(farm.parts.iterdir()) == []


def test_fonts_and_tables_of_colours_travel_with_a_part(
    farm: RunningFarm, footage: MediaSource, tmp_path: Path
) -> None:
    """A file that differs in one byte would have been made of other files."""
    table = tmp_path / "inverted.cube"
    table.write_text("LUT_1D_SIZE 2\n1 1 1\n0 0 0\n")
    clip = {"src": "footage.mp4", "s": 0, "d": 20_000}
    clip["fx"] = [{"type": "lut", "source": "table", "amount": 0.7}]
    title = {"s": 500, "d": 19_000, "txt": "HI", "fi": 500}
    tracks = [{"tt": 0, "sg": [clip]}, {"tt": 7, "sg": [title]}]
    draft = draft_from_wire({"t": tracks, "m": {"width": 320, "height": 180}})
    sources = {
        "footage.mp4": footage,
        "table": MediaSource(table, MediaInfo("lut", "cube", lut="1d")),
    }
    plan = plan_render(draft, sources, OutputSpec("low"))
    meant = rendered_without_farm(plan, tmp_path / "meant" / "x.mp4")
    farm.start_worker()
    rendering = farm.render(plan, tmp_path / "x.mp4")
    rendering.result()
    assert len(rendering.mentions(": by ")) == 2, rendering.lines
    assert (tmp_path / "x.mp4").read_bytes() == meant
    seen = DecodedVideo(tmp_path / "x.mp4")
    plain = DecodedVideo(footage.path)
    assert seen.luma(30, 0.5, 0.05) != pytest.approx(plain.luma(30, 0.5, 0.05), abs=8)


def test_parts_of_other_settings_or_lengths_are_not_joined(
    farm: RunningFarm, plan: RenderPlan, tmp_path: Path
) -> None:
    scene = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=1", "-c:v", "libx264")
    run_ffmpeg(*scene, "-preset", "ultrafast", tmp_path / "one.mp4")
    run_ffmpeg(*scene, "-preset", "slow", tmp_path / "other.mp4")
    second = msgspec.structs.replace(plan, frames=30)

    async def check() -> None:
        executor = farm.server.app.state.services.exports._execute
        parts = FarmParts(await executor._connected(), "")
        await parts._check(tmp_path, "one.mp4", second)
        await parts._check(tmp_path, "one.mp4", second)
        with pytest.raises(FFmpegFailed, match="different settings"):
            await parts._check(tmp_path, "other.mp4", second)
        with pytest.raises(FFmpegFailed, match="another number of frames"):
            await parts._check(tmp_path, "one.mp4", plan)

    asyncio.run(check())
