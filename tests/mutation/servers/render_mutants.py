"""Server mutants of section 8: exports and their files."""

import struct
from typing import Any

import msgspec

from nemolocal_contract.responses import ResponseCode, failure

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant

_RENDERS = ("render", "render_status")
_JSON = {"content-type": "application/json"}


def _status(request: WireRequest, response: WireResponse) -> dict[str, Any] | None:
    """Return the flat body of a render reply that is not an error."""
    body = response.json if request.endpoint in _RENDERS else None
    return body if isinstance(body, dict) and "status" in body else None


def _is_file(response: WireResponse) -> bool:
    return response.headers.get("content-type", "") == "video/mp4"


def _patched(response: WireResponse, old: bytes, new: bytes) -> WireResponse | None:
    if not _is_file(response) or old not in response.body:
        return None
    return WireResponse(response.status, response.headers, response.body.replace(old, new))


@response_mutant(
    "render.queued", "REN-4", "REN-1", "REN-5", "REN-6", "REN-2", kills="render.submit.pending"
)
def queued(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A submit returns the status queued."""
    body = _status(request, response)
    if body is None or request.endpoint != "render" or body["status"] != "pending":
        return None
    return response.with_json({**body, "status": "queued"})


@request_mutant("render.output-due", "REN-1", kills="render.submit.output-optional")
def output_due(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """An export without `output` is refused."""
    body = request.json if request.endpoint == "render" else None
    if not isinstance(body, dict) or "output" in body:
        return None
    return WireResponse(400, _JSON, b'{"code":400,"message":"output is missing","data":null}')


@request_mutant("render.snake-case", "REN-1", kills="render.submit.session-field")
def snake_case(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """An export with `session_id` is accepted."""
    if request.endpoint != "render" or b'"session_id"' not in request.body:
        return None
    body = request.body.replace(b'"session_id"', b'"sessionId"')
    return msgspec.structs.replace(request, body=body)


@request_mutant("render.saved-draft", "REN-1", "REN-4", kills="render.submit.draft-sent")
def saved_draft(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """The saved draft is rendered instead of the one in the request."""
    if request.endpoint != "render" or b'"alone"' not in request.body:
        return None
    body = request.body.replace(b'"d":600', b'"d":1900')
    return msgspec.structs.replace(request, body=body)


@request_mutant("render.no-402", "REN-2", "GEN-4", kills="render.attribution.penniless")
def no_402(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """An export without attribution is accepted."""
    if request.endpoint != "render" or request.headers.get("x-skill-source"):
        return None
    made_up = {f"x-skill-{name}": "x" for name in ("source", "version", "platform")}
    return msgspec.structs.replace(request, headers={**request.headers, **made_up})


@response_mutant(
    "render.402-as-403",
    "REN-2",
    "GEN-2",
    kills="render.attribution.missing render.attribution.empty render.plan.blocked",
)
def forbidden(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A blocked export has the HTTP status 403."""
    return response.with_status(403) if response.status == 402 else None


@response_mutant("render.402-of-credits", "REN-2", kills="render.plan.blocked")
def of_credits(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The message of a blocked export is about credits."""
    if response.code != ResponseCode.EXPORT_BLOCKED:
        return None
    return response.with_json({**response.json, "message": "Not enough credits"})


@response_mutant("render.no-size", "REN-4", kills="render.status.shape")
def no_size(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A completed render has no size."""
    body = _status(request, response)
    if body is None or body["status"] != "completed":
        return None
    output = {name: value for name, value in body["output"].items() if name != "size"}
    return response.with_json({**body, "output": output})


@response_mutant("render.back", "REN-5", "REN-8", kills="render.status.order")
def back(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """Renders become pending again after processing."""
    body = _status(request, response)
    polls = memory.get(request.path, 0)
    if body is None or body["status"] != "completed" or polls == 2:
        return None
    memory[request.path] = polls + 1
    status = ("processing", "pending")[polls]
    return response.with_json({"id": body["id"], "status": status, "progress": 99})


@response_mutant("render.progress", "REN-5", kills="render.status.progress")
def progress(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """Progress stops at 99."""
    body = _status(request, response)
    if body is None or body["progress"] != 100:
        return None
    return response.with_json({**body, "progress": 99})


@response_mutant("render.early-url", "REN-5", "REN-4", kills="render.status.url-last")
def early_url(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A render has a URL before it is completed."""
    body = _status(request, response)
    if body is None or body["status"] not in ("pending", "processing"):
        return None
    return response.with_json({**body, "output": {"url": "/soon"}})


@response_mutant("render.unknown-failed", "REN-8", "SES-3", "REN-4", kills="render.status.unknown")
def unknown_failed(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A render that does not exist has the status failed."""
    if request.endpoint != "render_status" or response.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return response.with_json({"id": "x", "status": "failed", "progress": 0}, 200)


@request_mutant("render.id-again", "REN-6", "REN-4", kills="render.id.duplicate")
def id_again(request: WireRequest, memory: Memory) -> WireRequest | None:
    """A used id is accepted again."""
    body = request.json if request.endpoint == "render" else None
    if not isinstance(body, dict) or not isinstance(body.get("id"), str):
        return None
    count = memory[body["id"]] = memory.get(body["id"], 0) + 1
    if count == 1:
        return None
    # However often: another id each time.
    used = body["id"].encode()
    again = b"%s-again-%d" % (used, count)
    return msgspec.structs.replace(request, body=request.body.replace(used, again))


@response_mutant(
    "render.shared", "REN-8", "SES-3", kills="render.foreign.status render.status.unknown"
)
def shared(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """Another user's render is refused with 400."""
    if request.endpoint != "render_status" or response.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return response.with_json(failure(ResponseCode.BAD_REQUEST, "not yours"), 400)


@response_mutant("render.download-shared", "REN-8", kills="render.foreign.download")
def download_shared(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The fallback download is open to any token."""
    if request.endpoint != "render_download" or response.code != ResponseCode.SESSION_NOT_FOUND:
        return None
    return WireResponse(200, {"content-type": "video/mp4"}, b"a film")


@response_mutant("render.everybodys", "REN-8", "GEN-3", kills="render.orphaned")
def everybodys(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """The last status of a render is open to any token once its own has expired."""
    body = _status(request, response)
    if body is not None:
        memory[request.path] = response
    expired = request.endpoint == "render_status" and response.code == ResponseCode.BAD_TOKEN
    return memory.get(request.path) if expired else None


@response_mutant("render.no-cancel", "REN-8", "REN-4", kills="render.cancel")
def no_cancel(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A render cannot be cancelled."""
    if request.endpoint != "render_cancel" or response.code == ResponseCode.BAD_TOKEN:
        return None
    return response.with_json(failure(ResponseCode.NOT_FOUND, "no such path"), 404)


@response_mutant("render.all-at-once", "REN-8", "REN-5", kills="render.queue")
def all_at_once(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Waiting renders are reported as processing."""
    body = _status(request, response)
    if body is None or request.endpoint != "render_status" or body["status"] != "pending":
        return None
    return response.with_json({**body, "status": "processing"})


@response_mutant("render.path-missing", "REN-9", kills="render.refused.media render.refused.times")
def path_missing(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A refused draft names no field."""
    if request.endpoint != "render" or response.code != ResponseCode.BAD_REQUEST:
        return None
    if "draft." not in response.json["message"]:
        return None
    return response.with_json({**response.json, "message": "the draft cannot be rendered"})


@response_mutant("render.empty-taken", "REN-9", "REN-4", kills="render.refused.empty")
def empty_taken(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """An empty draft is accepted."""
    if request.endpoint != "render" or b'"t":[]' not in request.body:
        return None
    return response.with_json({"id": "x", "status": "pending", "progress": 0}, 200)


@response_mutant(
    "render.file-guarded", "REN-8", "REN-4", "REN-7", "UPL-6", kills="render.file.served"
)
def file_guarded(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The file requires a token."""
    if not _is_file(response) or "authorization" in request.headers:
        return None
    return WireResponse(403, {"content-type": "text/plain"}, b"who are you?")


@response_mutant("render.file-truncated", "REN-4", "REN-8", "REN-7", kills="render.file.size")
def file_truncated(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The file lacks its last bytes."""
    if not _is_file(response) or "authorization" in request.headers:
        return None
    return WireResponse(response.status, response.headers, response.body[:-10])


@response_mutant("render.moov-last", "REN-7", "REN-8", "UPL-6", kills="render.file.mp4")
def moov_last(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The index of the file is at its end."""
    if not _is_file(response) or b"moov" not in response.body or response.status != 200:
        return None
    at = response.body.index(b"moov") - 4
    (size,) = struct.unpack(">I", response.body[at : at + 4])
    body = response.body[:at] + response.body[at + size :] + response.body[at : at + size]
    return WireResponse(response.status, response.headers, body)


@response_mutant("render.other-codec", "REN-7", "UPL-6", kills="render.file.codecs")
def other_codec(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The file contains H.265."""
    return _patched(response, b"avc1\x00\x00\x00\x00", b"hvc1\x00\x00\x00\x00")


@response_mutant("render.other-size", "REN-7", kills="render.file.pixels")
def other_size(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The file has another width and height."""
    size = struct.pack(">II", 160 << 16, 90 << 16)
    return _patched(response, size, struct.pack(">II", 320 << 16, 180 << 16))


@response_mutant("render.other-length", "REN-7", "REN-1", kills="render.file.duration")
def other_length(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The file is twice as long as the draft."""
    if not _is_file(response) or b"mvhd" not in response.body:
        return None
    at = response.body.index(b"mvhd") + 20
    scale, length = struct.unpack(">II", response.body[at - 4 : at + 4])
    body = response.body[: at - 4] + struct.pack(">II", scale, 2 * length) + response.body[at + 4 :]
    return WireResponse(response.status, response.headers, body)


@request_mutant("render.no-range", "REN-8", kills="render.file.range")
def no_range(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """A download always starts at the first byte."""
    if "range" not in request.headers:
        return None
    headers = {name: value for name, value in request.headers.items() if name != "range"}
    return msgspec.structs.replace(request, headers=headers)


@response_mutant("render.other-file", "REN-8", "REN-4", kills="render.file.fallback")
def other_file(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The fallback download returns another file."""
    if request.endpoint != "render_download" or not _is_file(response):
        return None
    return WireResponse(response.status, response.headers, response.body + b"\x00\x00\x00\x08free")
