"""Server mutants of section 8: used ids, failed renders, drafts that cannot be rendered."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from nemolocal_contract.responses import ResponseCode

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant

_PENDING = {"status": "pending", "progress": 0}


def _status(request: WireRequest, response: WireResponse, status: str) -> dict[str, Any] | None:
    """Return the flat body of a render that has this status."""
    body = response.json if request.endpoint == "render_status" else None
    return body if isinstance(body, dict) and body.get("status") == status else None


def _renamed(request: WireRequest) -> WireRequest:
    """Give a submit another id."""
    again = request.json["id"].encode()
    return msgspec.structs.replace(request, body=request.body.replace(again, again + b"-again"))


@request_mutant("render.id-by-session", "REN-6", "REN-4", kills="render.id.other-session")
def id_by_session(request: WireRequest, memory: Memory) -> WireRequest | None:
    """A used id is accepted in another session."""
    body = request.json if request.endpoint == "render" else None
    if not isinstance(body, dict) or not isinstance(body.get("id"), str):
        return None
    first = memory.setdefault(body["id"], body.get("sessionId"))
    return _renamed(request) if first != body.get("sessionId") else None


def _retried(request: WireRequest, memory: Memory) -> WireRequest | None:
    body = request.json if request.endpoint == "render" else None
    failed = isinstance(body, dict) and body.get("id") in memory
    return _renamed(request) if failed else None


@response_mutant(
    "render.id-of-failed", "REN-6", "REN-4", kills="render.id.failed", on_request=_retried
)
def id_of_failed(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """The id of a failed render is accepted again."""
    if body := _status(request, response, "failed"):
        memory[body["id"]] = True
    return None


@response_mutant("render.url-of-failed", "REN-5", kills="render.status.failed")
def url_of_failed(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A failed render has an `output.url`."""
    body = _status(request, response, "failed")
    if body is None:
        return None
    return response.with_json({**body, "output": {"url": "http://127.0.0.1:9/nothing.mp4"}})


@response_mutant("render.failed-wordless", "REN-4", kills="render.status.failed")
def failed_wordless(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A failed render has no `error`."""
    body = _status(request, response, "failed")
    if body is None:
        return None
    return response.with_json({name: value for name, value in body.items() if name != "error"})


@response_mutant("render.failed-download", "REN-8", kills="render.download.failed")
def failed_download(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The fallback download of a failed render returns an empty file."""
    refused = request.endpoint == "render_download" and response.code == ResponseCode.BAD_REQUEST
    return WireResponse(200, {"content-type": "video/mp4"}, b"") if refused else None


def _taken(request: WireRequest, response: WireResponse, reason: str) -> WireResponse | None:
    """Take a draft that is refused for this reason."""
    refused = request.endpoint == "render" and response.code == ResponseCode.BAD_REQUEST
    if not refused or reason not in response.json["message"]:
        return None
    return response.with_json({"id": request.json["id"], **_PENDING}, 200)


@response_mutant("render.beyond-source", "REN-9", kills="render.refused.beyond-source")
def beyond_source(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A segment that reaches beyond its source is accepted."""
    return _taken(request, response, "of a source that ends")


@request_mutant("render.speed-forgotten", "REN-9", kills="render.refused.beyond-source")
def speed_forgotten(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """The speed of a segment is ignored in the check of its source."""
    if request.endpoint != "render" or b'"sp":2' not in request.body:
        return None
    body = request.body.replace(b'"sp":2', b'"sp":1')
    return msgspec.structs.replace(request, body=body)


@response_mutant("render.text-times", "REN-9", kills="render.refused.nonsense")
def text_times(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A draft with strings as times is accepted."""
    return _taken(request, response, "which it cannot be")


@response_mutant("render.endless", "REN-9", kills="render.refused.nonsense")
def endless(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A segment without a length is accepted."""
    return _taken(request, response, ".d: is missing")


@response_mutant("render.refused-job", "REN-9", kills="render.refused.no-job")
def refused_job(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A refused draft creates a render that fails."""
    refused = request.endpoint == "render" and response.code == ResponseCode.BAD_REQUEST
    if refused and b'"t":[]' in request.body:
        memory[request.json["id"]] = True
    unknown = response.code == ResponseCode.SESSION_NOT_FOUND
    render = request.path.rpartition("/")[2]
    if request.endpoint != "render_status" or not unknown or render not in memory:
        return None
    return response.with_json({"id": render, "status": "failed", "progress": 0, "error": "x"}, 200)


@response_mutant("render.url-relative", "REN-4", kills="render.file.absolute")
def relative_url(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """`output.url` is a path without a host."""
    body = _status(request, response, "completed")
    if body is None:
        return None
    output = {**body["output"], "url": urlsplit(body["output"]["url"]).path}
    return response.with_json({**body, "output": output})


def _cancelled(
    request: WireRequest, response: WireResponse, **changed: object
) -> WireResponse | None:
    body = response.json if request.endpoint == "render_cancel" else None
    if not isinstance(body, dict) or "status" not in body:
        return None
    fields = {**body, **changed}
    return response.with_json({name: held for name, held in fields.items() if held is not None})


@response_mutant("render.cancel-bare", "REN-4", kills="render.reply.each")
def bare_cancel(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The reply to a cancel has no progress."""
    return _cancelled(request, response, progress=None)


@response_mutant("render.cancel-id", "REN-4", kills="render.reply.each")
def other_id_of_cancel(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The reply to a cancel has another id."""
    return _cancelled(request, response, id="job_1")


@response_mutant("render.one-url", "REN-1", "REN-4", "REN-7", kills="render.file.own")
def one_url(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """Every render has the `output.url` of the first."""
    body = _status(request, response, "completed")
    if body is None:
        return None
    first = memory.setdefault("url", body["output"]["url"])
    return response.with_json({**body, "output": {**body["output"], "url": first}})


@request_mutant("render.known-keys", "REN-1", kills="render.submit.unknown-keys")
def known_keys_only(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """An export with an unknown key in `output` is refused."""
    if request.endpoint != "render" or b'"crf"' not in request.body:
        return None
    body = b'{"code":400,"message":"body: `output.crf` is not known","data":null}'
    return WireResponse(400, {"content-type": "application/json"}, body)
