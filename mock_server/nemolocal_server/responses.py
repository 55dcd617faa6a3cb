"""Responses: JSON, and exceptions in the caller's dialect (GEN-1, GEN-2)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.endpoints import CHAT
from nemolocal_contract.responses import ResponseCode, encode_json, failure, http_status, success

from .data.storage_errors import explain_storage_error
from .errors import ContractError
from .request_context import dialect_of, services_of

log = logging.getLogger("nemolocal")

# Failures that the ADK api_server has on its chat endpoint, with their HTTP status.
_ADK_STATUS = {ResponseCode.SESSION_NOT_FOUND: 404, ResponseCode.BAD_REQUEST: 422}


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return `body` as JSON."""
    return Response(
        encode_json(body), status, headers=headers, media_type="application/json; charset=utf-8"
    )


def success_response(data: Any) -> Response:
    """Return `data` in the success envelope (GEN-1)."""
    return json_response(success(data))


async def handle_contract_error(request: Request, error: Exception) -> Response:
    """Return the failure envelope, or the ADK's `{"detail": …}` with errors=adk."""
    failed = cast("ContractError", error)
    style = dialect_of(request).errors
    if style == "adk" and request.url.path == CHAT.template and failed.code in _ADK_STATUS:
        return json_response({"detail": failed.message}, _ADK_STATUS[failed.code], failed.headers)
    status = http_status(failed.code, style)
    return json_response(failure(failed.code, failed.message), status, failed.headers)


async def handle_http_exception(_request: Request, error: Exception) -> Response:
    """Return Starlette's own errors (404, 405) in the failure envelope (GEN-6)."""
    failed = cast("HTTPException", error)
    message = failed.detail or HTTPStatus(failed.status_code).phrase
    body = failure(ResponseCode(failed.status_code), message)
    return json_response(body, failed.status_code, failed.headers)


async def handle_storage_error(request: Request, error: Exception) -> Response:
    """Explain an error of the disk or of the database; raise one that is a defect."""
    reason = explain_storage_error(error, services_of(request).context.store.folder)
    if reason is None:
        raise error
    log.warning("%s %s: %s", request.method, request.url.path, reason)
    return json_response(failure(ResponseCode.INTERNAL, f"This server cannot go on: {reason}"), 500)


async def handle_unexpected_error(_request: Request, _error: Exception) -> Response:
    """Report a defect of the server without details, which are in the log."""
    body = failure(ResponseCode.INTERNAL, "Internal error of the local server; its log says more")
    return json_response(body, int(ResponseCode.INTERNAL))
