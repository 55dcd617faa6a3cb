"""Anonymous tokens (AUTH-1, AUTH-2, AUTH-3)."""

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.clock import iso8601
from nemolocal_contract.endpoints import CLIENT_ID
from nemolocal_contract.responses import TokenReply

from ..request_context import context_of
from ..responses import success_response
from .request_dependencies import services_of


async def issue_token(request: Request) -> Response:
    """A token for this client id, with the credits that come with it."""
    core = services_of(request).context
    grant = core.settings.tariff.grant
    client_id = request.headers.get(CLIENT_ID, "").strip()
    address = request.client.host if request.client else ""
    with core.store.transaction():
        text, token = core.tokens.issue(client_id, address)
        core.ledger.grant(token.id, grant, "anonymous token")
    context_of(request.scope).set_token(token, fresh=True)
    return success_response(TokenReply(text, grant, token.user_id, iso8601(token.expires)))
