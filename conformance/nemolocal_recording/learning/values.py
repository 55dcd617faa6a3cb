"""Values that a recording shows: how long, how much, how often; each with its count."""

import math
import statistics
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import msgspec

from nemolocal_contract.turn_events import Heartbeat

from .traffic_view import TrafficView, segment

# 95 % of a normal distribution.
_Z = 1.96
_DIGITS = 6

Unit = Literal["s", "credits"]
SILENT_EDITS = "silent edits"
HEARTBEATS = "heartbeat interval"
NEW_TOKEN = "credits of a new token"
PRICE_PREFIX = "price: "
FIRST_EDIT = f"{PRICE_PREFIX}first edit of a session"
LATER_EDIT = f"{PRICE_PREFIX}later edit of a session"
GENERATION_PRICE = f"{PRICE_PREFIX}generation"
QUEUE_LEAST, QUEUE_MOST = "render queue, at least", "render queue, at most"
RENDER_TIME = "render, at most"


class SeenValue(msgspec.Struct, frozen=True):
    """A value: how often it was seen, its least, median and greatest."""

    name: str
    count: int
    least: float
    median: float
    greatest: float
    unit: Unit


class SeenShare(msgspec.Struct, frozen=True):
    """A share with its 95 % interval (Wilson)."""

    name: str
    count: int
    total: int
    least: float
    greatest: float


def seen_values(views: list[TrafficView]) -> list[SeenValue]:
    """Return the values of recordings; those that were not seen are left out."""
    found: dict[tuple[str, Unit], list[float]] = {}
    for view in views:
        for key, held in measured_values(view).items():
            found.setdefault(key, []).extend(held)
    return [summarize(name, unit, held) for (name, unit), held in found.items()]


def summarize(name: str, unit: Unit, held: list[float]) -> SeenValue:
    """Return what was seen of a value, at least once."""
    return SeenValue(name, len(held), min(held), statistics.median(held), max(held), unit)


def measured_values(view: TrafficView) -> dict[tuple[str, Unit], list[float]]:
    """Return name and unit of each value with all that was seen of it in a recording."""
    found: dict[tuple[str, Unit], list[float]] = {}
    for name, unit, value in _values(view):
        found.setdefault((name, unit), []).append(round(value, _DIGITS))
    return found


def silent_edits(views: list[TrafficView]) -> tuple[int, int]:
    """Return how many edits ended without text (SSE-5), and how many there were."""
    edits = [turn for view in views for turn in view.turns if turn.has_edit]
    return sum(not turn.texts for turn in edits), len(edits)


def silent_share(views: list[TrafficView]) -> SeenShare | None:
    """Return the share of edits that ended without text, None if no edit was seen."""
    silent, total = silent_edits(views)
    return share_of(SILENT_EDITS, silent, total) if total else None


def share_of(name: str, count: int, total: int) -> SeenShare:
    """Return a share of at least one."""
    return SeenShare(name, count, total, *wilson_interval(count, total))


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `count` in `total`."""
    share, square = count / total, _Z**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    width = math.sqrt(share * (1 - share) / total + square / (4 * total**2))
    apart = _Z * width / (1 + square / total)
    return max(0.0, middle - apart), min(1.0, middle + apart)


def _values(view: TrafficView) -> Iterator[tuple[str, Unit, float]]:
    """Yield name, unit and value."""
    for turn in view.turns:
        lasted = (turn.exchange.ended or 0.0) - turn.exchange.request.at
        # A turn without text may end earlier, by the time that the text would have taken.
        silent = "silent " if turn.has_edit and not turn.texts else ""
        yield f"turn: {silent}{turn.kind}", "s", lasted
        for (at, event), (later, following) in pairwise(turn.events):
            if isinstance(event, Heartbeat) and isinstance(following, Heartbeat):
                yield HEARTBEATS, "s", later - at
    for _, data in view.successes("token"):
        if isinstance(data.get("credits"), int):
            yield NEW_TOKEN, "credits", data["credits"]
    yield from _prices(view)
    yield from _render_times(view)
    for one in view.exchanges:
        wait = one.response.headers.get("retry-after", "") if one.response else ""
        if wait.isdecimal():
            yield "Retry-After", "s", float(wait)


def _prices(view: TrafficView) -> Iterator[tuple[str, Unit, float]]:
    """Yield what turns cost that stand between two balances."""
    for turn in view.turns:
        name = GENERATION_PRICE if turn.kind == "generation" else f"{PRICE_PREFIX}{turn.kind}"
        if turn.kind == "edit":
            # Of a session that was opened before the recording nobody knows whether it was edited.
            name = {"first": FIRST_EDIT, "later": LATER_EDIT, "": ""}[view.edit_order(turn)]
        cost = view.cost_of(turn)
        if name and cost is not None:
            yield name, "credits", cost


def _render_times(view: TrafficView) -> Iterator[tuple[str, Unit, float]]:
    """Yield how long after its submit a render was last seen to wait, first to run, and ready."""
    begun: dict[str, float] = {}
    waits: dict[str, float] = {}
    running: set[str] = set()
    ready: set[str] = set()
    for one, body in view.successes("render", "render_status"):
        if one.endpoint == "render":
            begun.setdefault(str(body.get("id")), one.request.at)
            continue
        render, status = segment(one, "render"), str(body.get("status"))
        if render not in begun or render in ready:
            continue
        lasted = one.request.at - begun[render]
        if status == "pending":
            waits[render] = lasted
        elif render not in running and status in ("processing", "completed"):
            running.add(render)
            yield QUEUE_LEAST, "s", waits.get(render, 0.0)
            yield QUEUE_MOST, "s", lasted
        if status == "completed":
            ready.add(render)
            yield RENDER_TIME, "s", lasted
