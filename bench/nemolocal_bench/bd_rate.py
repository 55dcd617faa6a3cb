"""The BD-rate of an encoder: how much smaller its files are at equal quality."""

import math
from collections.abc import Sequence

import msgspec

from .variants import VariantResult

# The minimum number of points of a meaningful curve.
MIN_POINTS = 4
NOT_INSTALLED = "package bjontegaard is not installed: pip install 'nemolocal[bench]'"

# Bit rate (bits/s) and mean VMAF.
Point = tuple[float, float]


class BdRateSaving(msgspec.Struct, frozen=True):
    """The BD-rate of a curve against the anchor in percent of the bit rate; below 0 is smaller.

    `percent` is None if `complaint` gives a reason.
    """

    curve: str
    anchor: str
    percent: float | None
    complaint: str = ""


def curve_points(results: Sequence[VariantResult]) -> dict[str, list[Point]]:
    """Return the points of each curve with scores, by falling bit rate."""
    curves: dict[str, list[Point]] = {}
    for result in results:
        if result.vmaf is not None and result.crf is not None:
            curves.setdefault(result.curve, []).append((result.bitrate, result.vmaf))
    return {name: sorted(points, reverse=True) for name, points in curves.items()}


def bd_rate_savings(results: Sequence[VariantResult]) -> tuple[BdRateSaving, ...]:
    """Return the BD-rate of each curve with enough points against the first such curve."""
    curves = [pair for pair in curve_points(results).items() if len(pair[1]) >= MIN_POINTS]
    if len(curves) < 2:
        return ()
    anchor, points = curves[0]
    return tuple(_saving(anchor, points, name, other) for name, other in curves[1:])


def _saving(anchor: str, points: list[Point], curve: str, others: list[Point]) -> BdRateSaving:
    try:
        percent = bd_rate(points, others)
    except ImportError:
        return BdRateSaving(curve, anchor, None, NOT_INSTALLED)
    if percent is None:
        return BdRateSaving(curve, anchor, None, "the curves have no common quality range")
    return BdRateSaving(curve, anchor, percent)


def bd_rate(anchor: Sequence[Point], other: Sequence[Point]) -> float | None:
    """Return the percent of bit rate that `other` needs more than `anchor` at equal VMAF (Akima).

    None if the curves share no quality. Raises ImportError without the extra `bench`.
    """
    first, second = _rising(anchor), _rising(other)
    if min(first[-1][1], second[-1][1]) <= max(first[0][1], second[0][1]):
        return None
    # Imported here because it loads numpy and scipy.
    from bjontegaard import bd_rate as between

    sides = [side for points in (first, second) for side in zip(*points, strict=True)]
    percent = float(
        between(*map(list, sides), method="akima", require_matching_points=False, min_overlap=0)
    )
    return percent if math.isfinite(percent) else None


def _rising(points: Sequence[Point]) -> list[Point]:
    """Return the points by rising bit rate, without those that are no better than a smaller one."""
    kept: list[Point] = []
    for rate, quality in sorted(points):
        if not kept or quality > kept[-1][1]:
            kept.append((rate, quality))
    return kept
