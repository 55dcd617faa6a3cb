"""Failures of the contract, and the one place where an exception becomes a reply (GEN-1, GEN-2)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.codes import Code, http_status
from nemolocal_contract.envelope import failure
from nemolocal_contract.media import ACCEPTED_TEXT

from .responses import json_response

log = logging.getLogger("nemolocal")


class ContractError(Exception):
    """A request that fails in a way that the contract knows."""

    def __init__(self, code: Code, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def bad_request(message: str) -> ContractError:
    """A body or header that is not what is due; the message names the field (GEN-6)."""
    return ContractError(Code.BAD_REQUEST, message)


def session_not_found(session_id: str) -> ContractError:
    """Unknown and somebody else's look the same (GEN-7, SES-3)."""
    return ContractError(Code.SESSION_NOT_FOUND, f"Session not found: {session_id}")


def unsupported(reason: str) -> ContractError:
    """A file or URL that is not accepted, with the list of what is (UPL-3)."""
    return ContractError(
        Code.UNSUPPORTED_FILE, f"Unsupported file: {reason}. Accepted: {ACCEPTED_TEXT}"
    )


async def reply_to_contract_error(request: Request, error: Exception) -> Response:
    """The failure envelope in the server's error style."""
    failed = cast("ContractError", error)
    status = http_status(failed.code, request.app.state.server.settings.errors)
    return json_response(failure(failed.code, failed.message), status, failed.headers)


async def reply_to_http_error(_request: Request, error: Exception) -> Response:
    """Starlette's own refusals (404, 405) in the failure envelope (GEN-6)."""
    refused = cast("HTTPException", error)
    message = refused.detail or HTTPStatus(refused.status_code).phrase
    body = failure(Code(refused.status_code), message)
    return json_response(body, refused.status_code, refused.headers)


async def reply_to_defect(_request: Request, _error: Exception) -> Response:
    """A defect of the server: said plainly, without its innards; the log has them."""
    body = failure(Code.INTERNAL, "Internal error of the local server; its log says more")
    return json_response(body, int(Code.INTERNAL))
