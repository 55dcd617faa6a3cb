"""The control interface: the server's own, beside the contract and never part of it."""

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.control import Health

from ..edition import own_version
from ..guard import server_of
from ..responses import json_response


async def read_health(request: Request) -> Response:
    """Ready; and how fast this server's waits pass."""
    server = server_of(request)
    return json_response(
        Health(
            name="nemolocal",
            version=own_version(),
            status="ok",
            speed=server.settings.speed,
            time=server.core.clock.time(),
        )
    )
