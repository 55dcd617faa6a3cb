"""The control interface: the server's own, beside the contract and never part of it."""

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.control_api import Health

from ...responses import json_response
from ...version import installed_version
from ..request_dependencies import services_of


async def read_health(request: Request) -> Response:
    """Ready; and how fast this server's waits pass."""
    server = services_of(request)
    return json_response(
        Health(
            name="nemolocal",
            version=installed_version(),
            status="ok",
            speed=server.settings.speed,
            time=server.context.clock.time(),
        )
    )
