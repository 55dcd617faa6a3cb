"""The pages *Clock*, *Snapshots and tokens* and *About*."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import UI_PREFIX
from nemolocal_contract.rules import rules
from nemolocal_server.request_context import services_of

from .control_calls import ControlCall, control_call
from .journal_rows import format_duration
from .page_rendering import TIME_FORMATS, fragment_response, render_response

# In seconds: 10 s, 1 min, 15 min, 1 h, 1 day, 1 week.
_STEPS = (10, 60, 15 * 60, 3600, 86_400, 7 * 86_400)


class ClockStep(msgspec.Struct, frozen=True):
    """A step of the clock: its length, as text too, and the call that advances it."""

    seconds: float
    text: str
    advance: ControlCall


class TokenRow(msgspec.Struct, frozen=True):
    """A token without its text, its credits, and the call that revokes it."""

    id: int
    user_id: str
    plan: str
    anonymous: bool
    available: int
    frozen: int
    expires: float
    is_expired: bool
    revoke: ControlCall


class SnapshotRow(msgspec.Struct, frozen=True):
    """A snapshot, and the calls that restore and delete it."""

    id: str
    taken: float
    restore: ControlCall
    delete: ControlCall


def routes() -> list[BaseRoute]:
    """Return the routes of the pages."""
    return [
        Route(f"{UI_PREFIX}/clock", _show_clock),
        Route(f"{UI_PREFIX}/clock/state", _show_clock_state),
        Route(f"{UI_PREFIX}/snapshots", _show_snapshots),
        Route(f"{UI_PREFIX}/snapshots/rows", _show_snapshot_rows),
        Route(f"{UI_PREFIX}/about", _show_about),
    ]


async def _show_clock(request: Request) -> Response:
    return render_response(
        request, "clock.html", title="nav_clock", active="clock", **_clock(request)
    )


async def _show_clock_state(request: Request) -> Response:
    return fragment_response(request, "_clock_state.html", **_clock(request))


def _clock(request: Request) -> dict[str, Any]:
    services = services_of(request)
    clock = services.context.clock
    due = clock.seconds_to_next() if isinstance(clock, ManualClock) else None
    return {
        "now": clock.time(),
        "kind": services.settings.clock,
        "speed": services.settings.speed,
        "is_manual": isinstance(clock, ManualClock),
        "due": None if due is None else _step(request, due),
        "steps": [_step(request, seconds) for seconds in _STEPS],
        "running": [item for item in services.sessions.list_sessions() if item.running],
        **TIME_FORMATS,
    }


def _step(request: Request, seconds: float) -> ClockStep:
    call = control_call(request, wire.CLOCK_ADVANCE, {"seconds": seconds})
    return ClockStep(seconds, format_duration(seconds), call)


async def _show_snapshots(request: Request) -> Response:
    return render_response(
        request, "snapshots.html", title="nav_snapshots", active="snapshots", **_snapshots(request)
    )


async def _show_snapshot_rows(request: Request) -> Response:
    return fragment_response(request, "_snapshot_rows.html", **_snapshots(request))


def _snapshots(request: Request) -> dict[str, Any]:
    services = services_of(request)
    kept = services.snapshots.list_all()
    snapshots = [
        SnapshotRow(
            item.id,
            item.taken,
            control_call(request, wire.RESTORE, {"id": item.id}),
            control_call(request, wire.SNAPSHOT_DELETE, snapshot=item.id),
        )
        for item in kept.snapshots
    ]
    return {
        "snapshots": snapshots,
        "most": kept.most,
        "take": control_call(request, wire.SNAPSHOT),
        "reset": control_call(request, wire.RESET),
        "tokens": _tokens(request),
        **TIME_FORMATS,
    }


def _tokens(request: Request) -> list[TokenRow]:
    context = services_of(request).context
    rows = []
    for token in context.tokens.list_all():
        balance = context.ledger.balance(token.id)
        rows.append(
            TokenRow(
                id=token.id,
                user_id=token.user_id,
                plan=token.plan,
                anonymous=token.anonymous,
                available=balance.available,
                frozen=balance.frozen,
                expires=token.expires,
                is_expired=token.expires <= context.clock.time(),
                revoke=control_call(
                    request, wire.TOKENS_CHANGE, {"revoked": True}, token=str(token.id)
                ),
            )
        )
    return rows


async def _show_about(request: Request) -> Response:
    settings = services_of(request).settings
    by_grade: dict[str, list[Any]] = {"D": [], "C": [], "A": []}
    for rule in rules().values():
        by_grade[rule.grade].append(rule)
    return render_response(
        request,
        "about.html",
        title="nav_about",
        active="about",
        by_grade=by_grade,
        dialect=msgspec.to_builtins(settings.dialect),
        facts={
            "seed": settings.seed,
            "clock": settings.clock,
            "speed": settings.speed,
            "silent_rate": settings.silence.rate,
            "chaos": settings.chaos,
            "data_dir": settings.data_dir or "—",
            "grant": settings.tariff.grant,
            "editing": settings.tariff.editing,
            "generation": settings.tariff.generation,
        },
    )
