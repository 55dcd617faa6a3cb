"""Snapshots, restore and reset over HTTP (control interface)."""

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.control_api import ResetRequest, SnapshotId

from ...errors import bad_request
from ...responses import json_response
from ..request_dependencies import decode_body, read_body, read_json, services_of


async def take_snapshot(request: Request) -> Response:
    """Keep how things are; 400 while turns or renders run, and where there are too many."""
    return json_response(SnapshotId(services_of(request).snapshots.create()))


async def list_snapshots(request: Request) -> Response:
    """The snapshots that are kept."""
    return json_response(services_of(request).snapshots.list_all())


async def delete_snapshot(request: Request) -> Response:
    """Throw a snapshot away; 404 where there is none with this id."""
    snapshot_id = request.path_params["snapshot"]
    services_of(request).snapshots.delete(snapshot_id)
    return json_response(SnapshotId(snapshot_id))


async def restore_snapshot(request: Request) -> Response:
    """Make everything as it was, the journal included; what runs is stopped."""
    body = await read_json(request, SnapshotId)
    await services_of(request).snapshots.restore(body.id)
    return json_response(body)


async def reset_server(request: Request) -> Response:
    """Forget one token's namespace or, with `{}`, everything; stops what runs.

    A token of which the namespace is forgotten goes on to be good.
    """
    server = services_of(request)
    sent = await read_body(request)
    if not sent.strip():
        raise bad_request("body is empty: send {} to forget everything, or name a `token_id`")
    body = decode_body(sent, ResetRequest)
    if body.token_id is None:
        await server.reset()
    else:
        token = server.context.tokens.get(body.token_id)
        if token is None:
            raise bad_request(f"body: `token_id` {body.token_id} is no token of this server")
        await server.snapshots.reset_token(token)
    return json_response(body)
