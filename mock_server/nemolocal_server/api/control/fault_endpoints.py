"""Faults and scenarios: what there is, what is armed, arming and disarming."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.responses import ResponseCode

from ...errors import ContractError, bad_request
from ...faults.catalogue import FaultError
from ...faults.fault_registry import FaultMatch, FaultSpec
from ...faults.fault_scenario import builtin_scenarios
from ...responses import json_response
from ..request_dependencies import read_json, services_of


class LoadScenarioRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario by its name; `match` narrows all of its faults, to a token for instance."""

    name: str
    match: FaultMatch = FaultMatch()


async def list_faults(request: Request) -> Response:
    """The catalogue, and what is armed with how often it has hit."""
    return json_response(services_of(request).faults.describe())


async def arm_fault(request: Request) -> Response:
    """Arm a fault; its id. 400 names the field that is wrong."""
    order = await read_json(request, FaultSpec)
    try:
        fault_id = services_of(request).faults.registry.arm(order)
    except FaultError as error:
        raise bad_request(f"body: {error}") from error
    return json_response({"id": fault_id})


async def disarm_fault(request: Request) -> Response:
    """Take a fault back; 404 where none is armed under this id."""
    fault_id = request.path_params["fault"]
    if not services_of(request).faults.registry.disarm(fault_id):
        raise ContractError(ResponseCode.NOT_FOUND, f"No fault is armed under the id {fault_id}")
    return json_response({"disarmed": [fault_id]})


async def disarm_faults(request: Request) -> Response:
    """Take all faults back, and what scenarios have switched."""
    faults = services_of(request).faults
    gone = [armed.id for armed in faults.registry.list_armed()]
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
    body = await read_json(request, LoadScenarioRequest)
    scenario = builtin_scenarios().get(body.name)
    if scenario is None:
        known = ", ".join(builtin_scenarios())
        raise bad_request(f"body: name: no scenario is called {body.name!r}; there are {known}")
    try:
        fault_ids = services_of(request).faults.load_scenario(scenario, body.match)
    except FaultError as error:
        raise bad_request(f"body: {error}") from error
    return json_response({"ids": fault_ids})
