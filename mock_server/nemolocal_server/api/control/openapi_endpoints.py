"""What this server answers, as an OpenAPI document (control interface)."""

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.openapi import openapi_document

from ...request_context import base_url
from ...responses import json_response
from ...version import installed_version


async def read_openapi(request: Request) -> Response:
    """The contract and the control interface, with this server's address."""
    return json_response(openapi_document(installed_version(), base_url(request)))
