"""Anonymous tokens (AUTH-1, AUTH-2, AUTH-3)."""

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.clock import iso8601
from nemolocal_contract.headers import CLIENT_ID
from nemolocal_contract.replies import TokenReply

from ..caller import remember_caller
from ..guard import server_of
from ..responses import reply


async def issue_token(request: Request) -> Response:
    """A token for this client id, with the credits that come with it."""
    core = server_of(request).core
    grant = core.settings.tariff.grant
    client_id = request.headers.get(CLIENT_ID, "").strip()
    address = request.client.host if request.client else ""
    with core.store.transaction():
        text, token = core.tokens.issue(client_id, address)
        core.ledger.grant(token.id, grant, "anonymous token")
    remember_caller(request, token, fresh=True)
    return reply(TokenReply(text, grant, token.user_id, iso8601(token.expires)))
