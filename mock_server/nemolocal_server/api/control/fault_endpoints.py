"""Faults and scenarios: list, arm and disarm (control API)."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.responses import ResponseCode

from ...errors import ContractError, bad_request
from ...faults.catalogue import FaultError, FaultMatch, FaultSpec
from ...faults.fault_scenario import builtin_scenarios
from ...request_context import read_json, services_of
from ...responses import json_response


class LoadScenarioRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario by name; `match` narrows all of its faults, for instance to one token."""

    name: str
    match: FaultMatch = FaultMatch()


async def list_faults(request: Request) -> Response:
    """List the catalogue, and the armed faults with their hits."""
    return json_response(services_of(request).faults.describe())


async def arm_fault(request: Request) -> Response:
    """Arm a fault and return its id; 400 names the invalid field."""
    spec = await read_json(request, FaultSpec)
    try:
        fault_id = services_of(request).faults.registry.arm(spec)
    except FaultError as error:
        raise bad_request(f"body: {error}") from error
    return json_response({"id": fault_id})


async def disarm_fault(request: Request) -> Response:
    """Disarm a fault; 404 if none is armed with this id."""
    fault_id = request.path_params["fault"]
    if not services_of(request).faults.registry.disarm(fault_id):
        raise ContractError(ResponseCode.NOT_FOUND, f"No fault is armed with the id {fault_id}")
    return json_response({"disarmed": [fault_id]})


async def disarm_faults(request: Request) -> Response:
    """Disarm all faults, and restore the settings that scenarios have changed."""
    faults = services_of(request).faults
    disarmed = [armed.id for armed in faults.registry.armed]
    faults.disarm_all()
    return json_response({"disarmed": disarmed})


async def list_scenarios(request: Request) -> Response:
    """List the built-in scenarios."""
    del request
    scenarios: list[dict[str, Any]] = [
        {"name": name, **msgspec.to_builtins(scenario)}
        for name, scenario in builtin_scenarios().items()
    ]
    return json_response({"scenarios": scenarios})


async def load_scenario(request: Request) -> Response:
    """Arm the faults of a built-in scenario and change its settings; return the faults' ids."""
    body = await read_json(request, LoadScenarioRequest)
    scenario = builtin_scenarios().get(body.name)
    if scenario is None:
        known = ", ".join(builtin_scenarios())
        raise bad_request(f"body: name: unknown scenario {body.name!r}; choose from {known}")
    try:
        fault_ids = services_of(request).faults.load_scenario(scenario, body.match)
    except FaultError as error:
        raise bad_request(f"body: {error}") from error
    return json_response({"ids": fault_ids})
