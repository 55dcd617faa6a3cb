"""What this server answers, as an OpenAPI document (control interface)."""

from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.openapi import openapi_document

from ..responses import json_response
from ..urls import base_url


async def read_openapi(request: Request) -> Response:
    """The contract and the control interface, with this server's address."""
    return json_response(openapi_document(version("nemolocal"), base_url(request)))
