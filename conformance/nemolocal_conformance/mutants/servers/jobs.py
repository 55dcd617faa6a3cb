"""Servers that break section 8 once more: what is said of renders, and to whom."""

import msgspec

from ..mutant import replies, requests
from ..wire import Answered, Asked, Memory

_OF_ONE = ("render_status", "render_cancel", "render_download")


@replies("render.not-final", "REN-5", "REN-4", "REN-8", kills="render.status.final")
def not_final(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
    """Twice completed was told, and then, once, processing, beside whatever else is at work."""
    body = answered.json if asked.endpoint == "render_status" else None
    if not isinstance(body, dict) or body.get("status") != "completed":
        return None
    memory[asked.path] = memory.get(asked.path, 0) + 1
    if memory[asked.path] != 3:
        return None
    return answered.saying({"id": body["id"], "status": "processing", "progress": 100})


@replies("render.milliseconds", "REN-4", kills="render.status.seconds")
def milliseconds(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """output.duration is in milliseconds."""
    body = answered.json if asked.endpoint == "render_status" else None
    if not isinstance(body, dict) or body.get("status") != "completed":
        return None
    seconds = body["output"]["duration"]
    return answered.saying({**body, "output": {**body["output"], "duration": seconds * 1000}})


@requests("render.bearer-optional", "GEN-3", "REN-8", kills="render.bearer")
def bearer_optional(asked: Asked, memory: Memory) -> Asked | None:
    """A render is shown, stopped and handed out to whoever sends no Authorization."""
    authorization = asked.headers.get("authorization")
    if authorization is not None:
        memory.setdefault("first", authorization)
        return None
    if asked.endpoint not in _OF_ONE or "first" not in memory:
        return None
    return _as(asked, memory["first"])


@requests("render.cancel-shared", "REN-8", kills="render.foreign.cancel")
def cancel_shared(asked: Asked, memory: Memory) -> Asked | None:
    """Whoever has a token may cancel a render."""
    authorization = asked.headers.get("authorization", "")
    if asked.endpoint == "render":
        memory[asked.json.get("id")] = authorization
    owner = memory.get(asked.path.split("/")[-2])
    return _as(asked, owner) if asked.endpoint == "render_cancel" and owner else None


def _as(asked: Asked, authorization: str) -> Asked:
    headers = {**asked.headers, "authorization": authorization}
    return msgspec.structs.replace(asked, headers=headers)


@requests("render.never-4k", "REN-7", kills="render.file.resolution")
def never_4k(asked: Asked, _memory: Memory) -> Asked | None:
    """Whatever the skill, a render is 1080p at most."""
    if asked.endpoint != "render" or asked.headers.get("x-skill-source") != "4k-with-session":
        return None
    return msgspec.structs.replace(asked, headers={**asked.headers, "x-skill-source": "other"})
