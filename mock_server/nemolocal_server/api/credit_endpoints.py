"""Credits (CRD-1)."""

from starlette.requests import Request
from starlette.responses import Response

from ..responses import success_response
from .request_dependencies import authenticate, services_of


async def read_balance(request: Request) -> Response:
    """What the caller has."""
    token = authenticate(request, "read")
    return success_response(services_of(request).context.ledger.balance(token.id))
