"""Server mutants of section 8: ownership, queue and status of renders."""

import msgspec

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant

_OF_ONE = ("render_status", "render_cancel", "render_download")


@response_mutant("render.not-final", "REN-5", "REN-4", "REN-8", kills="render.status.final")
def not_final(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """A completed render is processing again at the third poll."""
    body = response.json if request.endpoint == "render_status" else None
    if not isinstance(body, dict) or body.get("status") != "completed":
        return None
    memory[request.path] = memory.get(request.path, 0) + 1
    if memory[request.path] % 3:  # whichever check asks three times in a row
        return None
    return response.with_json({"id": body["id"], "status": "processing", "progress": 100})


@response_mutant("render.milliseconds", "REN-4", kills="render.status.seconds")
def milliseconds(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """`output.duration` is in milliseconds."""
    body = response.json if request.endpoint == "render_status" else None
    if not isinstance(body, dict) or body.get("status") != "completed":
        return None
    seconds = body["output"]["duration"]
    return response.with_json({**body, "output": {**body["output"], "duration": seconds * 1000}})


@request_mutant("render.bearer-optional", "GEN-3", "REN-8", kills="render.bearer")
def bearer_optional(request: WireRequest, memory: Memory) -> WireRequest | None:
    """Status, cancel and download of a render need no Authorization header."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        memory.setdefault("first", authorization)
        return None
    if request.endpoint not in _OF_ONE or "first" not in memory:
        return None
    return _as(request, memory["first"])


@request_mutant("render.cancel-shared", "REN-8", "GEN-7", kills="render.foreign.cancel")
def cancel_shared(request: WireRequest, memory: Memory) -> WireRequest | None:
    """Any token can cancel any render."""
    authorization = request.headers.get("authorization", "")
    if request.endpoint == "render":
        memory[request.json.get("id")] = authorization
    owner = memory.get(request.path.split("/")[-2])
    return _as(request, owner) if request.endpoint == "render_cancel" and owner else None


def _as(request: WireRequest, authorization: str) -> WireRequest:
    headers = {**request.headers, "authorization": authorization}
    return msgspec.structs.replace(request, headers=headers)


@request_mutant("render.never-4k", "REN-7", kills="render.file.resolution")
def never_4k(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """A render is 1080p at most for every skill."""
    if request.endpoint != "render" or request.headers.get("x-skill-source") != "4k-with-session":
        return None
    return msgspec.structs.replace(request, headers={**request.headers, "x-skill-source": "other"})
