"""A file of at most so many bytes: qualities are tried until it fits, or it is a failure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from nemolocal_render.encode_runs import SizeTrial, next_crf
from nemolocal_render.job import RenderJobFailed, RenderResult

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]
WHOLE = {"src": "sample.mp4", "s": 0, "d": 4000}


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": [{"src": "sample.mp4", "s": 0, "d": 1000, **s} for s in segments]}


def test_a_short_file_is_at_most_as_large_as_asked(make: Make) -> None:
    limit = 0.0048
    short = {**WHOLE, "d": 1000, "v": 0}
    path, result = make([video(short)], compress={"mode": "size", "megabytes": limit})
    assert path.stat().st_size <= limit * 1e6
    assert result.settings_reason == f"compression to {limit:g} MB"
    assert result.crf > 20


@pytest.mark.slow
def test_a_file_is_at_most_as_large_as_asked(make: Make) -> None:
    roomy = make([video(WHOLE)], compress={"mode": "size", "megabytes": 50})[1]
    assert (roomy.crf, roomy.size > 40_000) == (20, True)
    limit = 0.03
    path, result = make([video(WHOLE)], compress={"mode": "size", "megabytes": limit})
    assert 0.6 * limit * 1e6 < path.stat().st_size <= limit * 1e6
    assert (result.encoder, result.preset) == ("libx264", "medium")
    assert result.settings_reason == f"compression to {limit:g} MB"
    assert result.crf > 20


@pytest.mark.slow
def test_a_size_that_no_quality_reaches_is_a_failure(make: Make) -> None:
    tiny = {"mode": "size", "megabytes": 0.02}
    with pytest.raises(
        RenderJobFailed, match=r"^draft\.m\.compress\.megabytes: is too small: the sm"
    ):
        make([video(WHOLE)], compress=tiny)


@example(20.0, 0.03125, 854_222, [1.0, 0.90625, 1.0, 1.0625, 1.0, 1.0, 1.0, 1.0])
@given(
    base=st.floats(13, 24),
    slope=st.floats(0.03, 0.4),
    limit=st.integers(2_000, 20_000_000),
    noise=st.lists(st.floats(0.9, 1.1), min_size=8, max_size=8),
)
def test_the_search_ends_with_a_file_that_fits_or_with_the_worst(
    base: float, slope: float, limit: int, noise: list[float]
) -> None:
    tried: list[SizeTrial] = []
    crf: float | None = 20.0
    while crf is not None:
        size = 2 ** (base - (crf - 20) * slope) * noise[len(tried)]
        tried.append(SizeTrial(crf, round(size)))
        crf = next_crf(tried, limit)
    assert len(tried) <= 7
    assert len({one.crf for one in tried}) == len(tried)
    fits = [one for one in tried if one.size <= limit]
    assert fits or tried[-1].crf == 51
    assert tried[0] not in fits or len(tried) == 1
