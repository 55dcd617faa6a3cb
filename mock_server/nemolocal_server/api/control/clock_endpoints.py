"""The server's clock, seen and moved from outside (control interface)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.clock import ManualClock, iso8601

from ...errors import bad_request
from ...responses import json_response
from ..request_dependencies import read_json, services_of

_YEAR = 366 * 86_400


class AdvanceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far to move a manual clock, in seconds; at most a year at once."""

    seconds: float


async def read_clock(request: Request) -> Response:
    """What time it is on this server, how its time passes, and when the next wait ends."""
    server = services_of(request)
    clock, settings = server.context.clock, server.settings
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
    """Let time pass at once: whatever falls due happens in its order before the reply is sent."""
    wanted = await read_json(request, AdvanceRequest)
    clock = services_of(request).context.clock
    if not isinstance(clock, ManualClock):
        raise bad_request("this server's clock is not manual: start it with --clock manual")
    if not 0 <= wanted.seconds <= _YEAR:
        raise bad_request(f"body: `seconds` must be from 0 to {_YEAR}")
    await clock.advance(wanted.seconds)
    return await read_clock(request)
