"""Credits (CRD-1)."""

from starlette.requests import Request
from starlette.responses import Response

from ..guard import authenticate, server_of
from ..responses import reply


async def read_balance(request: Request) -> Response:
    """What the caller has."""
    token = authenticate(request, "read")
    return reply(server_of(request).core.ledger.balance(token.id))
