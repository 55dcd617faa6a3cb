"""Renders whose parts workers render: the same frames and the same sound as of one machine."""

from pathlib import Path

import pytest

from nemolocal_render.planning.render_plan import RenderPlan
from tests.farm.conftest import RunningFarm
from tests.support.audio import read_samples
from tests.support.frames import DecodedVideo

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
