"""Faults and scenarios: what there is, what is armed, arming and disarming."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.codes import Code

from ..errors import ContractError, bad_request
from ..faults.arming import Match, Order
from ..faults.catalogue import FaultError
from ..faults.scenario import builtin_scenarios
from ..guard import read_json, server_of
from ..responses import json_response


class LoadRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario by its name; `match` narrows all of its faults, to a token for instance."""

    name: str
    match: Match = Match()


async def list_faults(request: Request) -> Response:
    """The catalogue, and what is armed with how often it has hit."""
    return json_response(server_of(request).faults.describe())


async def arm_fault(request: Request) -> Response:
    """Arm a fault; its id. 400 names the field that is wrong."""
    order = await read_json(request, Order)
    try:
        fault_id = server_of(request).faults.arming.arm(order)
    except FaultError as error:
        raise bad_request(f"body: {error}") from error
    return json_response({"id": fault_id})


async def disarm_fault(request: Request) -> Response:
    """Take a fault back; 404 where none is armed under this id."""
    fault_id = request.path_params["fault"]
    if not server_of(request).faults.arming.disarm(fault_id):
        raise ContractError(Code.NOT_FOUND, f"No fault is armed under the id {fault_id}")
    return json_response({"disarmed": [fault_id]})


async def disarm_faults(request: Request) -> Response:
    """Take all faults back, and what scenarios have switched."""
    faults = server_of(request).faults
    gone = [armed.id for armed in faults.arming.armed()]
    faults.disarm_all()
    return json_response({"disarmed": gone})


async def list_scenarios(request: Request) -> Response:
    """The scenarios that come along."""
    del request
    scenarios: list[dict[str, Any]] = [
        {"name": name, **msgspec.to_builtins(scenario)}
        for name, scenario in builtin_scenarios().items()
    ]
    return json_response({"scenarios": scenarios})


async def load_scenario(request: Request) -> Response:
    """Arm the faults of a scenario that comes along, and switch its settings; the faults' ids."""
    body = await read_json(request, LoadRequest)
    scenario = builtin_scenarios().get(body.name)
    if scenario is None:
        known = ", ".join(builtin_scenarios())
        raise bad_request(f"body: name: no scenario is called {body.name!r}; there are {known}")
    try:
        fault_ids = server_of(request).faults.load(scenario, body.match)
    except FaultError as error:
        raise bad_request(f"body: {error}") from error
    return json_response({"ids": fault_ids})
