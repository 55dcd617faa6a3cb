"""Simulates a render on more workers than there are, from parts that were measured."""

import heapq
from collections.abc import Sequence

import msgspec

from .farm_runs import FarmRun

# How far from the measurement a simulation may be that is still believed.
_NEAR = 0.1


class PartCost(msgspec.Struct, frozen=True):
    """What a part takes: bytes to fetch, seconds to render, bytes to return."""

    fetched: float
    render: float
    returned: float


class RenderCost(msgspec.Struct, frozen=True):
    """What a render takes: its parts in order, and seconds before, between and after them."""

    parts: tuple[PartCost, ...]
    before: float
    between: float
    after: float


def cost_of_run(run: FarmRun) -> RenderCost:
    """Return the cost of a render of one worker with one place."""
    parts = sorted(run.parts, key=lambda part: part.start)
    return RenderCost(
        tuple(PartCost(part.fetched, part.render, part.returned) for part in parts),
        run.before_parts,
        run.between_parts,
        run.after_parts,
    )


def link_of_run(run: FarmRun) -> float:
    """Return the bytes/s at which a run fetched its sources; infinite if it took no time."""
    seconds = sum(part.fetch for part in run.parts)
    return run.fetched / seconds if seconds else float("inf")


def lengthen(cost: RenderCost, seconds: float, wanted: float, part_seconds: float) -> RenderCost:
    """Return the cost of a render of `wanted` seconds that is like a measured one of `seconds`.

    It has parts of about `part_seconds`, each with the mean cost of a second in the measured ones.
    The seconds before and after the parts grow with the length, which is too much rather than too
    little: some of them are constant.
    """
    count = max(round(wanted / part_seconds), 1)
    share = wanted / seconds / count
    each = PartCost(
        sum(part.fetched for part in cost.parts) * share,
        sum(part.render for part in cost.parts) * share,
        sum(part.returned for part in cost.parts) * share,
    )
    more = wanted / seconds
    return RenderCost((each,) * count, cost.before * more, cost.between, cost.after * more)


def simulate(cost: RenderCost, workers: int, link: float) -> float:
    """Return the seconds of a render on so many workers like the measured one, each with one place.

    All fetch through one link of `link` bytes/s, one after another; what they return is on its
    other direction, and is assumed not to wait.
    """
    free = [cost.before] * workers
    heapq.heapify(free)
    link_free = last = 0.0
    for part in cost.parts:
        begin = heapq.heappop(free) + cost.between
        link_free = max(link_free, begin) + part.fetched / link
        end = link_free + part.render + part.returned / link
        heapq.heappush(free, end)
        last = max(last, end)
    return last + cost.after


def is_near(simulated: float, measured: float) -> bool:
    """Return whether a simulation is within 10 % of the measurement."""
    return abs(simulated / measured - 1) <= _NEAR


def workers_for(cost: RenderCost, seconds: float, link: float, counts: Sequence[int]) -> int | None:
    """Return the first of these numbers of workers that is done in time; None if none is."""
    return next((count for count in counts if simulate(cost, count, link) <= seconds), None)
