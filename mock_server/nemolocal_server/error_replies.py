"""The one place where an exception becomes a reply, in the caller's dialect (GEN-1, GEN-2)."""

import logging
from http import HTTPStatus
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.codes import Code, http_status
from nemolocal_contract.endpoints import CHAT
from nemolocal_contract.envelope import failure

from .caller import dialect_of
from .errors import ContractError
from .machine_limits import explain_limit
from .responses import json_response

log = logging.getLogger("nemolocal")

# What the ADK api_server answers on its chat endpoint; other failures are not its own.
_ADK_STATUS = {Code.SESSION_NOT_FOUND: 404, Code.BAD_REQUEST: 422}


async def reply_to_contract_error(request: Request, error: Exception) -> Response:
    """The failure envelope, or the ADK's `{"detail": …}` where that is spoken (errors=adk)."""
    failed = cast("ContractError", error)
    style = dialect_of(request).errors
    if style == "adk" and request.url.path == CHAT.template and failed.code in _ADK_STATUS:
        return json_response({"detail": failed.message}, _ADK_STATUS[failed.code], failed.headers)
    status = http_status(failed.code, style)
    return json_response(failure(failed.code, failed.message), status, failed.headers)


async def reply_to_http_error(_request: Request, error: Exception) -> Response:
    """Starlette's own refusals (404, 405) in the failure envelope (GEN-6)."""
    refused = cast("HTTPException", error)
    message = refused.detail or HTTPStatus(refused.status_code).phrase
    body = failure(Code(refused.status_code), message)
    return json_response(body, refused.status_code, refused.headers)


async def reply_to_limit(request: Request, error: Exception) -> Response:
    """What the machine refuses: the reason and the way out. Anything else is a defect."""
    reason = explain_limit(error, request.app.state.server.core.store.folder)
    if reason is None:
        raise error
    log.warning("%s %s: %s", request.method, request.url.path, reason)
    return json_response(failure(Code.INTERNAL, f"This server cannot go on: {reason}"), 500)


async def reply_to_defect(_request: Request, _error: Exception) -> Response:
    """A defect of the server: said plainly, without its innards; the log has them."""
    body = failure(Code.INTERNAL, "Internal error of the local server; its log says more")
    return json_response(body, int(Code.INTERNAL))
