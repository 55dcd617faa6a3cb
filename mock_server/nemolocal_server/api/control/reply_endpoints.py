"""Scripted replies: list, add and delete (control API)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ...errors import bad_request
from ...request_context import read_json, services_of
from ...responses import json_response
from ...scripted_replies.reply_spec import ReplyError


async def list_replies(request: Request) -> Response:
    """List the replies in the order in which they are tried, and those that were never used."""
    return json_response(services_of(request).replies.describe())


async def add_reply(request: Request) -> Response:
    """Add a reply after the others and return its name; 400 names the invalid field."""
    fields = await read_json(request, dict[str, Any])
    try:
        name = services_of(request).replies.add(fields)
    except ReplyError as error:
        raise bad_request(f"body: {error}") from error
    return json_response({"name": name})


async def delete_replies(request: Request) -> Response:
    """Delete all replies."""
    return json_response({"deleted": services_of(request).replies.clear()})
