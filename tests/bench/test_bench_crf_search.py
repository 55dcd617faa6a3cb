"""The target search, and the BD-rate of one curve against another."""

import sys
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from nemolocal_bench.bd_rate import NOT_INSTALLED, bd_rate, bd_rate_savings
from nemolocal_bench.crf_search import (
    MAX_PROBES,
    TOLERANCE,
    CrfProbe,
    best_probe,
    correct_by_whole,
    is_within_target,
    next_crf,
    next_whole_crf,
    search_crf,
)
from nemolocal_bench.metrics import summarize_scores
from nemolocal_bench.variants import VariantResult


def bent(top: float, knee: float, steep: float) -> Callable[[float], float]:
    """Return VMAF over CRF as encoders make it: flat at first, then falling faster and faster."""
    return lambda crf: max(top - steep * max(crf - knee, 0) ** 1.6 / 10 - crf * 0.02, 0)


@pytest.mark.slow
@given(st.floats(96, 99.9), st.floats(5, 25), st.floats(0.4, 3), st.floats(85, 95))
def test_six_probes_are_enough_without_repeats(
    top: float, knee: float, steep: float, target: float
) -> None:
    tried = search_crf(bent(top, knee, steep), target)
    assert len(tried) <= MAX_PROBES
    assert len({probe.crf for probe in tried}) == len(tried)
    assert all(8 <= probe.crf <= 46 for probe in tried)


@pytest.mark.parametrize("target", [85.0, 90.0, 93.0, 95.0])
@pytest.mark.parametrize("shape", [(99, 10, 1.0), (98, 18, 2.0), (99.5, 5, 0.5), (97, 14, 1.0)])
def test_result_lies_just_above_the_target(
    shape: tuple[float, float, float], target: float
) -> None:
    found = best_probe(search_crf(bent(*shape), target), target)
    assert found is not None
    assert target <= found.vmaf <= target + TOLERANCE


def test_unreachable_target_ends_at_the_best_quality() -> None:
    tried = search_crf(lambda crf: 80 - crf, 95)
    assert tried[-1].crf == 8
    assert best_probe(tried, 95) is None


def test_target_below_all_scores_ends_at_the_smallest_file() -> None:
    tried = search_crf(lambda _: 99.0, 60)
    assert tried[-1].crf == 46
    assert best_probe(tried, 60) == tried[-1]


def test_jump_over_the_target_ends_above_it() -> None:
    tried = search_crf(lambda crf: 99.0 if crf < 20 else 80.0, 95)
    found = best_probe(tried, 95)
    assert found is not None
    assert found.crf < 20


def test_steep_curve_takes_six_probes() -> None:
    # Measured on noise: flat for long, then three points per CRF.
    curve = {8: 99.9, 19.45: 99.75, 20.75: 99.65, 21.75: 98.3, 22.1: 94.54, 22.7: 94.1, 26: 76.6}

    def score(crf: float) -> float:
        places = sorted(curve)
        left, right = next((a, b) for a, b in pairwise(places) if a <= crf <= b)
        return curve[left] + (curve[right] - curve[left]) * (crf - left) / (right - left)

    found = best_probe(search_crf(score, 95), 95)
    assert found is not None
    assert 95 <= found.vmaf <= 95 + TOLERANCE


def test_known_results_save_probes() -> None:
    shape = bent(99, 10, 1.0)
    known = [CrfProbe(crf, shape(crf)) for crf in (18.0, 23.0, 28.0)]
    assert len(search_crf(shape, 93, known=known)) < len(search_crf(shape, 93))
    assert search_crf(shape, 93, known=known)[0].crf not in (18.0, 23.0, 28.0)


def test_probes_of_the_same_frames_are_not_repeated() -> None:
    shape = bent(99, 10, 1.0)
    measured = [CrfProbe(crf, shape(crf)) for crf in (18.0, 23.0, 28.0)]
    tried = search_crf(shape, 93, measured=measured)
    assert tried[:3] == measured
    assert len(tried) - 3 < len(search_crf(shape, 93))
    exact = CrfProbe(20.0, 93.1)
    assert search_crf(shape, 93, measured=[*measured, exact]) == [*measured, exact]


@pytest.mark.slow
@given(st.floats(8, 46), st.floats(10, 94.9))
def test_steps_are_smaller_below_the_target(crf: float, vmaf: float) -> None:
    assert next_crf([CrfProbe(crf, vmaf)], 95) < crf


def test_search_ends_between_adjacent_crfs() -> None:
    assert next_crf([CrfProbe(20, 96), CrfProbe(20.05, 94)], 95) == 20


def test_whole_is_tried_at_the_predicted_crf_after_the_probes() -> None:
    tried = [CrfProbe(26, 99.5), CrfProbe(43.45, 35.9), CrfProbe(29.95, 98.4), CrfProbe(31.4, 94.6)]
    assert 31 < next_whole_crf(tried, [], 95) < 31.4
    assert next_whole_crf([*tried, CrfProbe(31.2, 95.1)], [], 95) == 31.2
    assert next_whole_crf([CrfProbe(26, 99), CrfProbe(46, 97)], [], 95) == 46
    assert 4 < next_whole_crf([CrfProbe(26, 80), CrfProbe(8, 94.5)], [], 95) < 8
    assert next_whole_crf([CrfProbe(26, 40), CrfProbe(8, 50)], [], 95) == 4


def test_whole_is_predicted_from_the_sample_by_their_difference() -> None:
    sample = [CrfProbe(20, 98), CrfProbe(24, 96), CrfProbe(28, 92)]
    above = correct_by_whole(sample, [CrfProbe(24, 97)])
    assert above == [CrfProbe(20, 99), CrfProbe(28, 93), CrfProbe(24, 97)]
    # A point above at 24 and a point below at 28: as the sample half way between.
    both = correct_by_whole([*sample, CrfProbe(26, 94.5)], [CrfProbe(24, 97), CrfProbe(28, 91)])
    assert CrfProbe(26, 94.5) in both
    assert len(both) == 4


@pytest.mark.slow
@given(st.floats(-1.5, 1.5), st.floats(-0.1, 0.1), st.floats(90, 95))
def test_whole_that_differs_from_its_sample_takes_four_encodes(
    away: float, drift: float, target: float
) -> None:
    sample = bent(99.5, 10, 1.0)
    tried = search_crf(sample, target)
    created: list[CrfProbe] = []
    while len(created) < 4 and not (created and is_within_target(created[-1], target)):
        crf = next_whole_crf(tried, created, target)
        created.append(CrfProbe(crf, sample(crf) + away + drift * (crf - 20)))
    assert is_within_target(created[-1], target)


ANCHOR = [(4e6, 97.0), (2e6, 93.0), (1e6, 86.0), (5e5, 74.0)]
OTHER = [(3e6, 96.8), (1.6e6, 93.5), (8e5, 87.0), (4e5, 75.5)]


def curve(name: str, points: list[tuple[float, float]]) -> list[VariantResult]:
    return [
        VariantResult(
            name=f"{name} {number}",
            curve=name,
            crf=20.0 + number,
            bitrate=rate,
            scores=(summarize_scores("vmaf", [vmaf], 108),),
        )
        for number, (rate, vmaf) in enumerate(points)
    ]


@pytest.mark.slow
def test_bd_rate_equals_that_of_the_package() -> None:
    package = pytest.importorskip("bjontegaard")
    sides = [list(side) for points in (ANCHOR, OTHER) for side in zip(*points, strict=True)]
    expected = package.bd_rate(*sides, method="akima", min_overlap=0)
    (saving,) = bd_rate_savings(curve("libx264", ANCHOR) + curve("libx265", OTHER))
    assert (saving.curve, saving.anchor) == ("libx265", "libx264")
    assert saving.percent == pytest.approx(expected, abs=1e-9)
    assert -40 < expected < -10


@pytest.mark.slow
def test_equal_curves_save_nothing_despite_dips() -> None:
    pytest.importorskip("bjontegaard")
    assert bd_rate(ANCHOR, ANCHOR) == pytest.approx(0, abs=1e-9)
    assert bd_rate(ANCHOR, [*ANCHOR, (3e6, 80.0)]) == pytest.approx(0, abs=1e-9)


def test_package_gets_both_curves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[list[float], ...]] = []

    def between(*sides: list[float], **_: object) -> float:
        asked.append(sides)
        return -20.0 if len(asked) == 1 else float("nan")

    # The package loads numpy and scipy, whose import takes seconds.
    monkeypatch.setitem(sys.modules, "bjontegaard", SimpleNamespace(bd_rate=between))
    worse = [*OTHER, (2e6, 80.0)]
    (saving,) = bd_rate_savings(curve("libx264", ANCHOR) + curve("libx265", worse))
    assert (saving.curve, saving.anchor, saving.percent) == ("libx265", "libx264", -20.0)
    # By rising bit rate, without the point that is worse than a smaller one.
    sides = [list(side) for points in (ANCHOR, OTHER) for side in zip(*sorted(points), strict=True)]
    assert list(asked[0]) == sides
    assert bd_rate(ANCHOR, OTHER) is None


def test_curves_without_a_shared_quality_have_no_saving() -> None:
    low = [(rate, vmaf - 50) for rate, vmaf in ANCHOR]
    (saving,) = bd_rate_savings(curve("a", ANCHOR) + curve("b", low))
    assert (saving.percent, saving.complaint) == (None, "the curves have no common quality range")


def test_three_points_are_not_a_curve() -> None:
    assert bd_rate_savings(curve("a", ANCHOR) + curve("b", OTHER[:3])) == ()


def test_without_the_package_the_report_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bjontegaard", None)
    (saving,) = bd_rate_savings(curve("a", ANCHOR) + curve("b", OTHER))
    assert (saving.percent, saving.complaint) == (None, NOT_INSTALLED)
