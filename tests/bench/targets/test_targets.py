"""The target search on clips of different content, with real encodes."""

import asyncio
from pathlib import Path
from typing import NamedTuple

import pytest

from nemolocal_bench.crf_search import MAX_PROBES, TOLERANCE
from nemolocal_bench.metrics import Instruments
from nemolocal_bench.result_cache import ResultCache
from nemolocal_bench.sampling import whole_input
from nemolocal_bench.target_quality import TargetSearch, TargetSearchResult
from nemolocal_bench.variant_runs import VariantRunner
from nemolocal_bench.variants import VariantResult
from nemolocal_bench.video_files import open_source
from tests.support.media import run_ffmpeg

from .natures import FPS, NATURES, prepare

pytestmark = pytest.mark.ffmpeg

VMAF_ONLY = Instruments(neg=False, xpsnr=False, complaint="")
TARGET = 95.0
# Long enough for a sample of three parts, short enough for probes on the whole.
LONG, SHORT = 12.5, 2.0


class Searched(NamedTuple):
    """The result of a search, and the whole encode that it chose."""

    found: TargetSearchResult
    chosen: VariantResult

    @property
    def vmaf(self) -> float:
        assert self.chosen.vmaf is not None
        return self.chosen.vmaf


def search(nature: str, seconds: float, folder: Path) -> Searched:
    prepare(folder)
    drawn = ("-filter_complex", NATURES[nature](seconds), "-frames:v", str(round(seconds * FPS)))
    good = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "6", "-pix_fmt", "yuv420p")
    run_ffmpeg(*drawn, *good, f"{nature}.mp4", folder=folder)
    clip = asyncio.run(open_source(folder / f"{nature}.mp4", folder))
    runner = VariantRunner(folder, VMAF_ONLY, ResultCache(folder / "cache", "1"))
    found, chosen = TargetSearch(whole_input(clip), runner, "veryfast").run(TARGET)
    assert chosen is not None, f"{nature}: {found.complaint}"
    return Searched(found, chosen)


def check(searched: Searched) -> None:
    """Require that the chosen encode reaches the target, measured on that encode."""
    assert len(searched.found.probes) <= MAX_PROBES
    assert searched.vmaf >= TARGET
    assert searched.found.chosen == searched.chosen.name
    assert searched.vmaf in [whole.vmaf for whole in searched.found.wholes]


@pytest.mark.slow
@pytest.mark.parametrize("nature", ["screen", "cuts"])
def test_a_target_is_just_reached_in_six_probes(nature: str, tmp_path: Path) -> None:
    searched = search(nature, SHORT, tmp_path)
    check(searched)
    assert searched.vmaf <= TARGET + TOLERANCE


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize("seconds", [SHORT, LONG])
def test_target_is_just_reached_for_every_kind_of_clip(seconds: float, tmp_path: Path) -> None:
    over = {}
    for nature in NATURES:
        folder = tmp_path / nature
        folder.mkdir()
        searched = search(nature, seconds, folder)
        check(searched)
        over[nature] = searched.vmaf - TARGET
    assert sum(each <= TOLERANCE for each in over.values()) >= len(NATURES) - 1, over
