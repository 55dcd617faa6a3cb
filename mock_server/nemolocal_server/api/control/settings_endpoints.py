"""The settings of a server over HTTP, without secrets (control API)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.control_api import EffectiveSettings

from ...request_context import services_of
from ...responses import json_response
from ...services import Services


async def read_settings(request: Request) -> Response:
    """The settings that decide what clients see."""
    return json_response(effective_settings(services_of(request)))


def effective_settings(server: Services) -> EffectiveSettings:
    """The settings of this server; a scenario may have set another limit of tokens."""
    # Paths are text.
    builtins = msgspec.to_builtins(server.settings, enc_hook=str)
    settings = msgspec.convert(builtins, EffectiveSettings)
    return msgspec.structs.replace(settings, address_limit=server.context.tokens.address_limit)
