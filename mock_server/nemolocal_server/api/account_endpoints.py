"""Anonymous tokens and credits (AUTH-1, AUTH-2, AUTH-3, CRD-1)."""

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.clock import iso8601
from nemolocal_contract.endpoints import CLIENT_ID
from nemolocal_contract.responses import TokenReply

from ..request_context import authenticate, context_of, services_of
from ..responses import success_response


async def issue_token(request: Request) -> Response:
    """Issue a token for a client id, with its credits."""
    context = services_of(request).context
    grant = context.settings.tariff.grant
    client_id = request.headers.get(CLIENT_ID, "").strip()
    address = request.client.host if request.client else ""
    with context.store.transaction():
        text, token = context.tokens.issue(client_id, address)
        context.ledger.grant(token.id, grant, "anonymous token")
    context_of(request.scope).set_token(token, fresh=True)
    return success_response(TokenReply(text, grant, token.user_id, iso8601(token.expires)))


async def read_balance(request: Request) -> Response:
    """Return the caller's credits."""
    token = authenticate(request, "read")
    return success_response(services_of(request).context.ledger.balance(token.id))
