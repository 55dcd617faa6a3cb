"""The smallest file at a target VMAF: an interpolating search over CRF.

100 minus VMAF grows by about the same factor with each CRF. Its logarithm, here called the loss, is
close to linear, while VMAF itself is flat at first and then falls steeply.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec

MAX_PROBES = 6
# Scores this much above the target are accepted.
TOLERANCE = 0.3
_GUESS = 26.0
# The growth of the loss per CRF: the initial estimate, and the minimum.
_SLOPE = 0.13
_LEAST_SLOPE = 0.04
_AIM = 0.15
# Grain loses three points per CRF: steps must be as fine as the tolerance.
_FINEST = 0.05
_LEAST_LOSS = 0.05
# More probes gain nothing: of a sample, and of the whole if the sample was not enough.
_LEAST, _MOST = 8.0, 46.0
_LEAST_WHOLE = 4.0


class CrfProbe(msgspec.Struct, frozen=True):
    """A CRF and its mean VMAF."""

    crf: float
    vmaf: float


def search_crf(
    score: Callable[[float], float],
    target: float,
    *,
    known: Sequence[CrfProbe] = (),
    measured: Sequence[CrfProbe] = (),
) -> list[CrfProbe]:
    """Probe up to six CRFs until one scores in [target, target + 0.3]; return all probes.

    `score` returns the VMAF of a CRF and must fall; `known` probes of other frames give the start,
    `measured` ones of the same frames are among those returned. The search also ends if no CRF
    between the last two is left, and if even the lowest misses the target.
    """
    tried = list(measured)
    if any(is_within_target(probe, target) for probe in tried):
        return tried
    crf = next_crf(tried, target) if tried else _GUESS
    if known:
        crf = _extrapolate(known, target + _AIM)
    while True:
        crf = min(max(crf, _LEAST), _MOST)
        if any(probe.crf == crf for probe in tried):
            return tried
        tried.append(CrfProbe(crf, score(crf)))
        if is_within_target(tried[-1], target) or len(tried) - len(measured) == MAX_PROBES:
            return tried
        crf = next_crf(tried, target)


def is_within_target(probe: CrfProbe, target: float, tolerance: float = TOLERANCE) -> bool:
    """Whether a probe reaches the target without exceeding it by more than the tolerance."""
    return target <= probe.vmaf <= target + tolerance


def next_crf(probes: Sequence[CrfProbe], target: float, steps: int | None = None) -> float:
    """Return the next CRF: between the nearest probes on both sides of the target, else beyond.

    The last `steps` probes, all by default, were made one after another by this rule.
    """
    good, bad = best_probe(probes, target), _nearest_below(probes, target)
    aim = target + _AIM
    if good is None or bad is None:
        return _extrapolate(probes, aim)
    if bad.crf - good.crf < 1.5 * _FINEST or good.vmaf <= bad.vmaf:
        return good.crf
    above, below = _loss(aim) - _loss(good.vmaf), _loss(bad.vmaf) - _loss(aim)
    # An end that stays long slows the search where the curve bends, so it gets less weight.
    stay = 0.5 ** (_one_sided(probes[-(steps or len(probes)) :], target) - 1)
    if probes[-1].vmaf >= target:
        below *= stay
    else:
        above *= stay
    part = min(max(above / (above + below), 0.0), 1.0)
    crf = _rounded(good.crf + part * (bad.crf - good.crf))
    # Never repeat an end: where the curve bends, interpolation would stall.
    return _rounded((good.crf + bad.crf) / 2) if crf in (good.crf, bad.crf) else crf


def next_whole_crf(sample: Sequence[CrfProbe], whole: Sequence[CrfProbe], target: float) -> float:
    """Return the CRF of the next whole encode, after probes of a sample and `whole` encodes."""
    curve = correct_by_whole(sample, whole) if whole else sample
    good = best_probe(curve, target)
    if good is not None and is_within_target(good, target):
        return good.crf
    return min(max(next_crf(curve, target, len(whole)), _LEAST_WHOLE), _MOST)


def correct_by_whole(sample: Sequence[CrfProbe], whole: Sequence[CrfProbe]) -> list[CrfProbe]:
    """Correct the probes of a sample by the known scores of the whole clip.

    The whole has nearly the curve of the sample, shifted by the difference at the nearest known
    CRFs.
    """
    away = [CrfProbe(probe.crf, probe.vmaf - _interpolate(sample, probe.crf)) for probe in whole]
    known = {probe.crf for probe in whole}
    guessed = (
        CrfProbe(probe.crf, probe.vmaf + _interpolate(away, probe.crf))
        for probe in sample
        if probe.crf not in known
    )
    return [*guessed, *whole]


def _interpolate(curve: Sequence[CrfProbe], crf: float) -> float:
    """Return the score of a curve at a CRF: linear between its points, constant beyond them."""
    points = sorted(curve, key=_crf)
    for left, right in pairwise(points):
        if left.crf <= crf <= right.crf:
            part = (crf - left.crf) / (right.crf - left.crf)
            return left.vmaf + part * (right.vmaf - left.vmaf)
    return (points[0] if crf < points[0].crf else points[-1]).vmaf


def _one_sided(probes: Sequence[CrfProbe], target: float) -> int:
    """Return how many of the last probes in a row fell on the same side of the target."""
    sides = [probe.vmaf >= target for probe in reversed(probes)]
    return next((n for n, side in enumerate(sides) if side != sides[0]), len(sides))


def _extrapolate(probes: Sequence[CrfProbe], aim: float) -> float:
    """Return where the line through the two probes nearest to the aim reaches it."""
    near, *others = sorted(probes, key=lambda probe: abs(probe.vmaf - aim))[:2]
    slope = _SLOPE
    if others and others[0].crf != near.crf:
        # A flat end of the curve would send the next probe to the other end.
        steep = (_loss(others[0].vmaf) - _loss(near.vmaf)) / (others[0].crf - near.crf)
        slope = max(steep, _LEAST_SLOPE)
    step = (_loss(aim) - _loss(near.vmaf)) / slope
    return _rounded(near.crf + step)


def best_probe(probes: Sequence[CrfProbe], target: float) -> CrfProbe | None:
    """Return the probe with the highest CRF at or above the target; None if all are below."""
    return max((probe for probe in probes if probe.vmaf >= target), key=_crf, default=None)


def _nearest_below(probes: Sequence[CrfProbe], target: float) -> CrfProbe | None:
    return min((probe for probe in probes if probe.vmaf < target), key=_crf, default=None)


def _loss(vmaf: float) -> float:
    return math.log(max(100 - vmaf, _LEAST_LOSS))


def _crf(probe: CrfProbe) -> float:
    return probe.crf


def _rounded(crf: float) -> float:
    return round(round(crf / _FINEST) * _FINEST, 2)
