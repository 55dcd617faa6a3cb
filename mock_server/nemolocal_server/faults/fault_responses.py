"""Faults that answer in the server's place, before the request is looked into."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from nemolocal_contract.responses import ResponseCode, encode_json, failure

from ..context import ServerContext
from ..data.ledger import no_credits
from ..data.tokens import TokenRecord
from ..errors import ContractError, bad_request, session_not_found
from ..exception_handlers import handle_contract_error
from .api_call import ApiCall
from .catalogue import ActiveFault, RetryAfterArgs

_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_PAGES = {
    "server-error": (500, "500 Internal Server Error"),
    "bad-gateway": (502, "502 Bad Gateway"),
}


async def build_fault_response(
    request: Request, fault: ActiveFault, call: ApiCall, core: ServerContext
) -> Response | None:
    """The answer of a fault that lets nothing through, in the caller's dialect; None for others."""
    if fault.name in _PAGES:
        status, title = _PAGES[fault.name]
        return HTMLResponse(_PAGE.format(title=title), status)
    refusal = _refusal(fault, call, core)
    if refusal is None:
        return None
    if fault.name == "token-expired" and call.token is not None:
        # For good: only so does a second token for the same client id get through (AUTH-5).
        core.tokens.update(call.token.id, expires=core.clock.time())
    return await handle_contract_error(request, refusal)


def _refusal(fault: ActiveFault, call: ApiCall, core: ServerContext) -> ContractError | None:
    if isinstance(fault.args, RetryAfterArgs):
        wait = str(fault.args.retry_after)
        message = f"Too many requests: retry in {wait} s"
        return ContractError(ResponseCode.RATE_LIMITED, message, {"Retry-After": wait})
    if fault.name == "url-gone" and call.endpoint == "file":
        return ContractError(ResponseCode.NOT_FOUND, "Not Found")
    # Who has no token is told so, whatever is in force.
    if call.token is None or fault.name not in _REFUSALS:
        return None
    return _REFUSALS[fault.name](call, call.token, core.settings.tariff.editing)


_REFUSALS: dict[str, Callable[[ApiCall, TokenRecord, int], ContractError]] = {
    "export-blocked": lambda *_: ContractError(
        ResponseCode.EXPORT_BLOCKED, "Register or upgrade your plan to unlock export."
    ),
    "token-expired": lambda *_: ContractError(
        ResponseCode.BAD_TOKEN,
        "Token is missing, invalid or expired: get a new one from /api/auth/anonymous-token",
    ),
    "session-lost": lambda call, *_: session_not_found(call.session),
    "out-of-credits": lambda _, token, price: no_credits(token, price, 0),
    "duplicate-id": lambda call, *_: bad_request(
        f"duplicate id {call.render!r}: submit again with a new id"
    ),
}


def build_out_of_credits_body(call: ApiCall, core: ServerContext) -> bytes:
    """What breaks off a stream in mid turn: the envelope of a 2001 (its place there is assumed)."""
    if call.token is None:
        return b""
    refusal = no_credits(call.token, core.settings.tariff.editing, 0)
    return encode_json(failure(refusal.code, refusal.message))
