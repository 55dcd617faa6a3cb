"""Values that a recording shows: how long, how much, how often; each with its count."""

import math
import statistics
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from nemolocal_contract.turn_events import Heartbeat

from .traffic_view import StreamedTurn, TrafficView, balance_of, segment

# 95 % of a normal distribution.
_Z = 1.96


class SeenValue(msgspec.Struct, frozen=True):
    """A value: how often it was seen, its least, median and greatest; `unit` is a word."""

    name: str
    count: int
    least: float
    median: float
    greatest: float
    unit: str


class SeenShare(msgspec.Struct, frozen=True):
    """A share with its 95 % interval (Wilson)."""

    name: str
    count: int
    total: int
    least: float
    greatest: float


def seen_values(views: list[TrafficView]) -> list[SeenValue]:
    """Return the values of recordings; those that were not seen are left out."""
    found: dict[tuple[str, str], list[float]] = {}
    for view in views:
        for name, unit, value in _values(view):
            found.setdefault((name, unit), []).append(value)
    return [
        SeenValue(name, len(held), min(held), statistics.median(held), max(held), unit)
        for (name, unit), held in found.items()
    ]


def silent_share(views: list[TrafficView]) -> SeenShare | None:
    """Return the share of edits that ended without text (SSE-5), None if no edit was seen."""
    edits = [turn for view in views for turn in view.turns if turn.has_edit]
    if not edits:
        return None
    silent = sum(not turn.texts for turn in edits)
    least, greatest = wilson_interval(silent, len(edits))
    return SeenShare("silent edits", silent, len(edits), least, greatest)


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `count` in `total`."""
    share, square = count / total, _Z**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    width = math.sqrt(share * (1 - share) / total + square / (4 * total**2))
    apart = _Z * width / (1 + square / total)
    return max(0.0, middle - apart), min(1.0, middle + apart)


def kind_of_turn(turn: StreamedTurn) -> str:
    """Return `generation`, `edit` or `talk`."""
    if "generate_video_with_seedance" in turn.tools:
        return "generation"
    return "edit" if turn.has_edit else "talk"


def _values(view: TrafficView) -> Iterator[tuple[str, str, float]]:
    """Yield name, unit and value."""
    for turn in view.turns:
        lasted = (turn.exchange.ended or 0.0) - turn.exchange.request.at
        yield f"turn: {kind_of_turn(turn)}", "s", lasted
        for (at, event), (later, following) in pairwise(turn.events):
            if isinstance(event, Heartbeat) and isinstance(following, Heartbeat):
                yield "heartbeat interval", "s", later - at
    yield from _prices(view)
    yield from _render_times(view)
    for one in view.exchanges:
        wait = one.response.headers.get("retry-after", "") if one.response else ""
        if wait.isdecimal():
            yield "Retry-After", "s", float(wait)


def _prices(view: TrafficView) -> Iterator[tuple[str, str, float]]:
    """Yield what turns cost that stand between two balances."""
    for turn in view.turns:
        before = view.before(turn.exchange, "balance", "chat")[-1:]
        after = view.after(turn.exchange, "balance", "chat")[:1]
        if [one.endpoint for one in (*before, *after)] == ["balance", "balance"]:
            held, left = balance_of(before[0])[2], balance_of(after[0])[2]
            if isinstance(held, int) and isinstance(left, int):
                yield f"price: {kind_of_turn(turn)}", "credits", held - left


def _render_times(view: TrafficView) -> Iterator[tuple[str, str, float]]:
    """Yield how long after its submit a render was first seen to run, and to be complete."""
    begun: dict[str, float] = {}
    told: set[tuple[str, str]] = set()
    for one, body in view.successes("render", "render_status"):
        render, status = str(body.get("id")), str(body.get("status"))
        if one.endpoint == "render":
            begun.setdefault(render, one.request.at)
            continue
        since = begun.get(segment(one, "render"))
        if since is None or (render, status) in told:
            continue
        told.add((render, status))
        if status in ("processing", "completed"):
            what = "render queue, at most" if status == "processing" else "render, at most"
            yield what, "s", one.request.at - since
