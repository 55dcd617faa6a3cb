"""Servers that break section 8 once more: what is said of renders, and to whom."""

import msgspec

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant

_OF_ONE = ("render_status", "render_cancel", "render_download")


@response_mutant("render.not-final", "REN-5", "REN-4", "REN-8", kills="render.status.final")
def not_final(asked: WireRequest, answered: WireResponse, memory: Memory) -> WireResponse | None:
    """Twice completed was told, and then, once, processing, beside whatever else is at work."""
    body = answered.json if asked.endpoint == "render_status" else None
    if not isinstance(body, dict) or body.get("status") != "completed":
        return None
    memory[asked.path] = memory.get(asked.path, 0) + 1
    if memory[asked.path] != 3:
        return None
    return answered.with_json({"id": body["id"], "status": "processing", "progress": 100})


@response_mutant("render.milliseconds", "REN-4", kills="render.status.seconds")
def milliseconds(
    asked: WireRequest, answered: WireResponse, _memory: Memory
) -> WireResponse | None:
    """output.duration is in milliseconds."""
    body = answered.json if asked.endpoint == "render_status" else None
    if not isinstance(body, dict) or body.get("status") != "completed":
        return None
    seconds = body["output"]["duration"]
    return answered.with_json({**body, "output": {**body["output"], "duration": seconds * 1000}})


@request_mutant("render.bearer-optional", "GEN-3", "REN-8", kills="render.bearer")
def bearer_optional(asked: WireRequest, memory: Memory) -> WireRequest | None:
    """A render is shown, stopped and handed out to whoever sends no Authorization."""
    authorization = asked.headers.get("authorization")
    if authorization is not None:
        memory.setdefault("first", authorization)
        return None
    if asked.endpoint not in _OF_ONE or "first" not in memory:
        return None
    return _as(asked, memory["first"])


@request_mutant("render.cancel-shared", "REN-8", kills="render.foreign.cancel")
def cancel_shared(asked: WireRequest, memory: Memory) -> WireRequest | None:
    """Whoever has a token may cancel a render."""
    authorization = asked.headers.get("authorization", "")
    if asked.endpoint == "render":
        memory[asked.json.get("id")] = authorization
    owner = memory.get(asked.path.split("/")[-2])
    return _as(asked, owner) if asked.endpoint == "render_cancel" and owner else None


def _as(asked: WireRequest, authorization: str) -> WireRequest:
    headers = {**asked.headers, "authorization": authorization}
    return msgspec.structs.replace(asked, headers=headers)


@request_mutant("render.never-4k", "REN-7", kills="render.file.resolution")
def never_4k(asked: WireRequest, _memory: Memory) -> WireRequest | None:
    """Whatever the skill, a render is 1080p at most."""
    if asked.endpoint != "render" or asked.headers.get("x-skill-source") != "4k-with-session":
        return None
    return msgspec.structs.replace(asked, headers={**asked.headers, "x-skill-source": "other"})
