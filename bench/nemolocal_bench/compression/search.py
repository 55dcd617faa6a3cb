"""The smallest file at a target VMAF: an interpolated search over CRF."""

from collections.abc import Callable

import msgspec

PROBES = 6
# Scores up to so far above the target are as good as the target.
TOLERANCE = 0.3
_AIM = 0.15
_LEAST_STEP = 0.25
_PRECISION = 0.25
_GUESS = 26.0
# Points of VMAF that one CRF costs, where nothing is known yet.
_SLOPE = 1.5


class Probe(msgspec.Struct, frozen=True):
    """A CRF and the mean VMAF that came of it."""

    crf: float
    vmaf: float


def search(
    score: Callable[[float], float],
    target: float,
    *,
    least: float = 8.0,
    most: float = 46.0,
) -> list[Probe]:
    """Probe CRFs, six at most, until one scores in [target, target + 0.3]; all that were tried.

    `score` gives VMAF for a CRF, falling. The search also ends where no CRF between the last two
    is left, and where even `least` misses the target.
    """
    tried: list[Probe] = []
    crf = _GUESS
    while True:
        tried.append(Probe(crf, score(crf)))
        if target <= tried[-1].vmaf <= target + TOLERANCE or len(tried) == PROBES:
            return tried
        crf = next_crf(tried, target, least, most)
        if any(probe.crf == crf for probe in tried):
            return tried


def next_crf(tried: list[Probe], target: float, least: float, most: float) -> float:
    """The CRF to try next: between the nearest probes on both sides of the target, else beyond."""
    good = max((probe for probe in tried if probe.vmaf >= target), key=_crf, default=None)
    bad = min((probe for probe in tried if probe.vmaf < target), key=_crf, default=None)
    aim = target + _AIM
    if good is None or bad is None:
        return _beyond(tried, aim, least, most)
    if bad.crf - good.crf <= _PRECISION or good.vmaf <= bad.vmaf:
        return good.crf
    above, below = good.vmaf - aim, aim - bad.vmaf
    # The end that stays for long holds the search back where the curve bends: it weighs less.
    stay = 0.5 ** (_one_sided(tried, target) - 1)
    if tried[-1].vmaf >= target:
        below *= stay
    else:
        above *= stay
    part = min(max(above / (above + below), 0.0), 1.0)
    crf = _rounded(good.crf + part * (bad.crf - good.crf))
    # Never an end again: where the curve bends, interpolating would stand still.
    if crf in (good.crf, bad.crf):
        crf = _rounded((good.crf + bad.crf) / 2)
    return min(max(crf, good.crf), bad.crf)


def _one_sided(tried: list[Probe], target: float) -> int:
    """How many probes in a row, counted from the last, fell on its side of the target."""
    sides = [probe.vmaf >= target for probe in reversed(tried)]
    return next((n for n, side in enumerate(sides) if side != sides[0]), len(sides))


def _beyond(tried: list[Probe], aim: float, least: float, most: float) -> float:
    last = tried[-1]
    slope = _SLOPE
    if len(tried) > 1 and tried[-2].crf != last.crf:
        before = tried[-2]
        # A flat end of the curve would send the next probe to the other end.
        slope = max((before.vmaf - last.vmaf) / (last.crf - before.crf), _SLOPE / 3)
    step = (last.vmaf - aim) / slope
    if abs(step) < _LEAST_STEP:
        step = _LEAST_STEP if step > 0 else -_LEAST_STEP
    return min(max(_rounded(last.crf + step), least), most)


def best(tried: list[Probe], target: float) -> Probe | None:
    """The probe with the highest CRF at or above the target; None where all are below."""
    return max((probe for probe in tried if probe.vmaf >= target), key=_crf, default=None)


def better_crf(failed: Probe, target: float, least: float = 1.0) -> float:
    """The CRF to encode the whole with, after `failed` fell below the target."""
    step = max((target + _AIM - failed.vmaf) / _SLOPE, _LEAST_STEP)
    return max(_rounded(failed.crf - step), least)


def _crf(probe: Probe) -> float:
    return probe.crf


def _rounded(crf: float) -> float:
    return round(crf * 8) / 8
