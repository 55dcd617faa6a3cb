"""The one place where an exception becomes a reply, in the caller's dialect (GEN-1, GEN-2)."""

import logging
from http import HTTPStatus
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.endpoints import CHAT
from nemolocal_contract.responses import ResponseCode, failure, http_status

from .data.storage_errors import explain_storage_error
from .errors import ContractError
from .request_context import dialect_of
from .responses import json_response

log = logging.getLogger("nemolocal")

# What the ADK api_server answers on its chat endpoint; other failures are not its own.
_ADK_STATUS = {ResponseCode.SESSION_NOT_FOUND: 404, ResponseCode.BAD_REQUEST: 422}


async def handle_contract_error(request: Request, error: Exception) -> Response:
    """The failure envelope, or the ADK's `{"detail": …}` where that is spoken (errors=adk)."""
    failed = cast("ContractError", error)
    style = dialect_of(request).errors
    if style == "adk" and request.url.path == CHAT.template and failed.code in _ADK_STATUS:
        return json_response({"detail": failed.message}, _ADK_STATUS[failed.code], failed.headers)
    status = http_status(failed.code, style)
    return json_response(failure(failed.code, failed.message), status, failed.headers)


async def handle_http_exception(_request: Request, error: Exception) -> Response:
    """Starlette's own refusals (404, 405) in the failure envelope (GEN-6)."""
    refused = cast("HTTPException", error)
    message = refused.detail or HTTPStatus(refused.status_code).phrase
    body = failure(ResponseCode(refused.status_code), message)
    return json_response(body, refused.status_code, refused.headers)


async def handle_storage_error(request: Request, error: Exception) -> Response:
    """What the machine refuses: the reason and the way out. Anything else is a defect."""
    reason = explain_storage_error(error, request.app.state.services.context.store.folder)
    if reason is None:
        raise error
    log.warning("%s %s: %s", request.method, request.url.path, reason)
    return json_response(failure(ResponseCode.INTERNAL, f"This server cannot go on: {reason}"), 500)


async def handle_unexpected_error(_request: Request, _error: Exception) -> Response:
    """A defect of the server: said plainly, without its innards; the log has them."""
    body = failure(ResponseCode.INTERNAL, "Internal error of the local server; its log says more")
    return json_response(body, int(ResponseCode.INTERNAL))
