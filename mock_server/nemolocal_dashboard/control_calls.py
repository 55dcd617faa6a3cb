"""A call of the control API, for a button and as a curl line."""

import json
import shlex
from typing import Any

import msgspec
from starlette.requests import Request

from nemolocal_contract.endpoints import CONTROL_TOKEN, Endpoint
from nemolocal_server.request_context import base_url, services_of

from .page_rendering import root_path


class ControlCall(msgspec.Struct, frozen=True):
    """A method on a path as the browser sees it, a JSON body, and the same as a line for bash."""

    method: str
    path: str
    body: str
    curl: str


def control_call(
    request: Request, endpoint: Endpoint, body: dict[str, Any] | None = None, **values: str
) -> ControlCall:
    """Return a call of an endpoint; `values` are those of its path."""
    path = endpoint.path(**values)
    text = json.dumps(body or {}, ensure_ascii=False)
    words = ["curl"]
    if endpoint.method == "DELETE":
        words.append("-X DELETE")
    else:
        words += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(text)}"]
    if services_of(request).settings.control_token:
        words.append(f'-H "{CONTROL_TOKEN}: $NEMO_CONTROL_TOKEN"')
    words.append(shlex.quote(base_url(request) + path))
    return ControlCall(endpoint.method, root_path(request) + path, text, " ".join(words))
