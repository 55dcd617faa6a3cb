"""Health, clock, OpenAPI, snapshots and reset of a server (control API)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.clock import ManualClock, iso8601
from nemolocal_contract.control_api import Health, ResetRequest, SnapshotId
from nemolocal_contract.openapi import openapi_document

from ...errors import bad_request
from ...request_context import base_url, decode_body, read_body, read_json, services_of
from ...responses import json_response
from ...version import installed_version

_YEAR = 366 * 86_400


async def read_health(request: Request) -> Response:
    """Return that the server is ready, and the speed of its clock."""
    services = services_of(request)
    return json_response(
        Health(
            name="nemolocal",
            version=installed_version(),
            status="ok",
            speed=services.settings.speed,
            time=services.context.clock.time(),
        )
    )


async def read_openapi(request: Request) -> Response:
    """Return the OpenAPI document of the contract and the control API, with the server's URL."""
    return json_response(openapi_document(installed_version(), base_url(request)))


class AdvanceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far to advance a manual clock, in seconds; a year at most."""

    seconds: float


async def read_clock(request: Request) -> Response:
    """Return the kind, the speed and the time of the server's clock.

    `next` is the number of seconds until the next wait on a manual clock ends, or None.
    """
    services = services_of(request)
    clock, settings = services.context.clock, services.settings
    now = clock.time()
    body: dict[str, object] = {
        "kind": settings.clock,
        "speed": settings.speed,
        "time": now,
        "iso": iso8601(now),
    }
    if isinstance(clock, ManualClock):
        body["next"] = clock.seconds_to_next()
    return json_response(body)


async def advance_clock(request: Request) -> Response:
    """Advance a manual clock; everything that falls due happens in order before the response."""
    body = await read_json(request, AdvanceRequest)
    clock = services_of(request).context.clock
    if not isinstance(clock, ManualClock):
        raise bad_request("this server's clock is not manual: start it with --clock manual")
    if not 0 <= body.seconds <= _YEAR:
        raise bad_request(f"body: `seconds` must be from 0 to {_YEAR}")
    await clock.advance(body.seconds)
    return await read_clock(request)


async def take_snapshot(request: Request) -> Response:
    """Take a snapshot; 400 while turns or renders run, and if there are too many snapshots."""
    return json_response(SnapshotId(services_of(request).snapshots.create()))


async def list_snapshots(request: Request) -> Response:
    """List the snapshots."""
    return json_response(services_of(request).snapshots.list_all())


async def delete_snapshot(request: Request) -> Response:
    """Delete a snapshot; 404 if there is none with this id."""
    snapshot_id = request.path_params["snapshot"]
    services_of(request).snapshots.delete(snapshot_id)
    return json_response(SnapshotId(snapshot_id))


async def restore_snapshot(request: Request) -> Response:
    """Stop all work and restore a snapshot, the journal included."""
    body = await read_json(request, SnapshotId)
    await services_of(request).snapshots.restore(body.id)
    return json_response(body)


async def reset_server(request: Request) -> Response:
    """Stop the work of one token, or with `{}` of all, and delete its data.

    The token itself stays valid.
    """
    services = services_of(request)
    data = await read_body(request)
    if not data.strip():
        raise bad_request("body is empty: send {} to delete everything, or name a `token_id`")
    body = decode_body(data, ResetRequest)
    if body.token_id is None:
        await services.reset()
    else:
        token = services.context.tokens.get(body.token_id)
        if token is None:
            raise bad_request(f"body: `token_id` {body.token_id} is not a token of this server")
        await services.snapshots.reset_token(token)
    return json_response(body)
