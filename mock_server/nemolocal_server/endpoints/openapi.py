"""What this server answers, as an OpenAPI document (control interface)."""

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.openapi import openapi_document

from ..edition import own_version
from ..responses import json_response
from ..urls import base_url


async def read_openapi(request: Request) -> Response:
    """The contract and the control interface, with this server's address."""
    return json_response(openapi_document(own_version(), base_url(request)))
