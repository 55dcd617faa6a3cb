"""The page *Faults and replies*: arm and disarm faults, load scenarios, see scripted replies."""

import json
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import UI_PREFIX
from nemolocal_server.errors import bad_request
from nemolocal_server.faults.catalogue import CALL_NAMES, CATALOGUE
from nemolocal_server.faults.fault_scenario import builtin_scenarios
from nemolocal_server.request_context import services_of

from .control_calls import ControlCall, control_call
from .page_rendering import fragment_response, render_response

TIMES_CHOICES = (1, 2, 3, 5, 10, 0)
"""The numbers of requests that a fault can be armed for; 0 is no limit."""


class FaultCard(msgspec.Struct, frozen=True):
    """A fault of the catalogue and the call that arms it."""

    name: str
    sentence: str
    endpoints: tuple[str, ...]
    rules: tuple[str, ...]
    arm: ControlCall


class ArmedFaultCard(msgspec.Struct, frozen=True):
    """An armed fault: what it matches and its arguments as JSON, and the call that disarms it."""

    name: str
    match: str
    args: str
    times: int
    hits: int
    disarm: ControlCall


class ScenarioCard(msgspec.Struct, frozen=True):
    """A built-in scenario and the call that loads it."""

    name: str
    description: str
    faults: tuple[str, ...]
    load: ControlCall


class ReplyCard(msgspec.Struct, frozen=True):
    """A scripted reply with its uses."""

    name: str
    uses: int
    spec: str


def routes() -> list[BaseRoute]:
    """Return the routes of the page."""
    root = f"{UI_PREFIX}/faults"
    return [
        Route(root, _show),
        Route(f"{root}/armed", _show_armed),
        Route(f"{root}/replies", _show_replies),
    ]


async def _show(request: Request) -> Response:
    """Show the whole page; the buttons of the cards arm for `?times=` and `?user=`."""
    times, user = _times(request), request.query_params.get("user", "")[:64]
    tokens = services_of(request).context.tokens.list_all()
    return render_response(
        request,
        "faults.html",
        title="nav_faults",
        active="faults",
        cards=_cards(request, times, user),
        scenarios=_scenarios(request, user),
        every=len(CALL_NAMES),
        times=times,
        times_choices=TIMES_CHOICES,
        user=user,
        users=[token.user_id for token in tokens],
        **_armed(request),
        **_replies(request),
    )


async def _show_armed(request: Request) -> Response:
    return fragment_response(request, "_armed_faults.html", **_armed(request))


async def _show_replies(request: Request) -> Response:
    return fragment_response(request, "_scripted_replies.html", **_replies(request))


def _times(request: Request) -> int:
    text = request.query_params.get("times", "1")
    if not (text.isdecimal() and text.isascii() and len(text) <= 6):
        raise bad_request("query: `times` must be a number, 0 for always")
    return int(text)


def _match(user: str) -> dict[str, Any]:
    return {"match": {"user_id": user}} if user else {}


def _cards(request: Request, times: int, user: str) -> list[FaultCard]:
    return [
        FaultCard(
            fault.name,
            fault.sentence,
            fault.endpoints,
            fault.rules,
            control_call(
                request, wire.FAULTS_ARM, {"name": fault.name, "times": times, **_match(user)}
            ),
        )
        for fault in CATALOGUE.values()
    ]


def _scenarios(request: Request, user: str) -> list[ScenarioCard]:
    return [
        ScenarioCard(
            name,
            scenario.description,
            tuple(fault.name for fault in scenario.faults),
            control_call(request, wire.SCENARIOS_LOAD, {"name": name, **_match(user)}),
        )
        for name, scenario in builtin_scenarios().items()
    ]


def _armed(request: Request) -> dict[str, Any]:
    services = services_of(request)
    redact = services.context.store.known_tokens.redact_json
    armed = [
        ArmedFaultCard(
            item.fault.name,
            _json(redact(msgspec.to_builtins(item.spec.match))),
            _json(redact(item.spec.args)),
            item.spec.times,
            item.hits,
            control_call(request, wire.FAULTS_DISARM, fault=item.id),
        )
        for item in services.faults.registry.armed
    ]
    return {"armed": armed, "disarm_all": control_call(request, wire.FAULTS_CLEAR)}


def _replies(request: Request) -> dict[str, Any]:
    replies = [
        ReplyCard(
            item["name"], item["uses"], json.dumps(item["reply"], ensure_ascii=False, indent=2)
        )
        for item in services_of(request).replies.describe()["replies"]
    ]
    return {"replies": replies, "delete_replies": control_call(request, wire.REPLIES_CLEAR)}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""
