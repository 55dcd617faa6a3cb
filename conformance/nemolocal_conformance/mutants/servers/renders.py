"""Servers that break section 8: exports and their files."""

import struct
from typing import Any

import msgspec

from nemolocal_contract.codes import Code
from nemolocal_contract.envelope import failure

from ..mutant import replies, requests
from ..wire import Answered, Asked, Memory

_RENDERS = ("render", "render_status")
_JSON = {"content-type": "application/json"}


def _status(asked: Asked, answered: Answered) -> dict[str, Any] | None:
    """The flat body of a render reply that is no failure."""
    body = answered.json if asked.endpoint in _RENDERS else None
    return body if isinstance(body, dict) and "status" in body else None


def _is_file(answered: Answered) -> bool:
    return answered.headers.get("content-type", "") == "video/mp4"


def _patched(answered: Answered, old: bytes, new: bytes) -> Answered | None:
    if not _is_file(answered) or old not in answered.body:
        return None
    return Answered(answered.status, answered.headers, answered.body.replace(old, new))


@replies(
    "render.queued", "REN-4", "REN-1", "REN-5", "REN-6", "REN-2", kills="render.submit.pending"
)
def queued(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A submit is answered with the status queued."""
    body = _status(asked, answered)
    if body is None or asked.endpoint != "render" or body["status"] != "pending":
        return None
    return answered.saying({**body, "status": "queued"})


@requests("render.output-due", "REN-1", kills="render.submit.output-optional")
def output_due(asked: Asked, _memory: Memory) -> Answered | None:
    """An export that says nothing of its output is refused."""
    body = asked.json if asked.endpoint == "render" else None
    if not isinstance(body, dict) or "output" in body:
        return None
    return Answered(400, _JSON, b'{"code":400,"message":"output is missing","data":null}')


@requests("render.snake-case", "REN-1", kills="render.submit.session-field")
def snake_case(asked: Asked, _memory: Memory) -> Asked | None:
    """An export is taken with `session_id`."""
    if asked.endpoint != "render" or b'"session_id"' not in asked.body:
        return None
    body = asked.body.replace(b'"session_id"', b'"sessionId"')
    return msgspec.structs.replace(asked, body=body)


@requests("render.saved-draft", "REN-1", kills="render.submit.draft-sent")
def saved_draft(asked: Asked, _memory: Memory) -> Asked | None:
    """Not the draft that was sent is rendered."""
    if asked.endpoint != "render" or b'"alone"' not in asked.body:
        return None
    body = asked.body.replace(b'"d":600', b'"d":1900')
    return msgspec.structs.replace(asked, body=body)


@requests("render.no-402", "REN-2", "GEN-4", kills="render.attribution.penniless")
def no_402(asked: Asked, _memory: Memory) -> Asked | None:
    """Attribution is made up where it is missing."""
    if asked.endpoint != "render" or asked.headers.get("x-skill-source"):
        return None
    made_up = {f"x-skill-{name}": "x" for name in ("source", "version", "platform")}
    return msgspec.structs.replace(asked, headers={**asked.headers, **made_up})


@replies(
    "render.402-as-403",
    "REN-2",
    kills="render.attribution.missing render.attribution.empty render.plan.blocked",
)
def forbidden(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A blocked export has the HTTP status 403."""
    return answered.under(403) if answered.status == 402 else None


@replies("render.402-of-credits", "REN-2", kills="render.plan.blocked")
def of_credits(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A blocked export speaks of credits."""
    if answered.code != Code.EXPORT_BLOCKED:
        return None
    return answered.saying({**answered.json, "message": "Not enough credits"})


@replies("render.no-size", "REN-4", kills="render.status.shape")
def no_size(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A completed render does not tell its size."""
    body = _status(asked, answered)
    if body is None or body["status"] != "completed":
        return None
    output = {name: value for name, value in body["output"].items() if name != "size"}
    return answered.saying({**body, "output": output})


@replies("render.back", "REN-5", "REN-8", kills="render.status.order")
def back(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
    """Renders are pending once more after they were processing."""
    body = _status(asked, answered)
    looks = memory.get(asked.path, 0)
    if body is None or body["status"] != "completed" or looks == 2:
        return None
    memory[asked.path] = looks + 1
    status = ("processing", "pending")[looks]
    return answered.saying({"id": body["id"], "status": status, "progress": 99})


@replies("render.progress", "REN-5", kills="render.status.progress")
def progress(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Progress stops at 99."""
    body = _status(asked, answered)
    if body is None or body["progress"] != 100:
        return None
    return answered.saying({**body, "progress": 99})


@replies("render.early-url", "REN-5", "REN-4", kills="render.status.url-last")
def early_url(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A render has a URL before it is completed."""
    body = _status(asked, answered)
    if body is None or body["status"] not in ("pending", "processing"):
        return None
    return answered.saying({**body, "output": {"url": "/soon"}})


@replies("render.unknown-failed", "REN-8", "SES-3", kills="render.status.unknown")
def unknown_failed(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A render that never was has failed."""
    if asked.endpoint != "render_status" or answered.code != Code.SESSION_NOT_FOUND:
        return None
    return answered.saying({"id": "x", "status": "failed", "progress": 0}, 200)


@requests("render.id-again", "REN-6", kills="render.id.duplicate")
def id_again(asked: Asked, memory: Memory) -> Asked | None:
    """An id used before is taken again."""
    body = asked.json if asked.endpoint == "render" else None
    if not isinstance(body, dict) or not isinstance(body.get("id"), str):
        return None
    count = memory[body["id"]] = memory.get(body["id"], 0) + 1
    if count == 1:
        return None
    again = body["id"].encode()
    return msgspec.structs.replace(asked, body=asked.body.replace(again, again + b"-again"))


@replies("render.shared", "REN-8", "SES-3", kills="render.foreign.status render.status.unknown")
def shared(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Somebody else's render is 400."""
    if asked.endpoint != "render_status" or answered.code != Code.SESSION_NOT_FOUND:
        return None
    return answered.saying(failure(Code.BAD_REQUEST, "not yours"), 400)


@replies("render.download-shared", "REN-8", kills="render.foreign.download")
def download_shared(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The fallback download is there for everybody."""
    if asked.endpoint != "render_download" or answered.code != Code.SESSION_NOT_FOUND:
        return None
    return Answered(200, {"content-type": "video/mp4"}, b"a film")


@replies("render.everybodys", "REN-8", "GEN-3", kills="render.orphaned")
def everybodys(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
    """The last status of a render is told to whoever asks, when its token has ended."""
    body = _status(asked, answered)
    if body is not None:
        memory[asked.path] = answered
    expired = asked.endpoint == "render_status" and answered.code == Code.BAD_TOKEN
    return memory.get(asked.path) if expired else None


@replies("render.no-cancel", "REN-8", kills="render.cancel")
def no_cancel(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A render cannot be cancelled."""
    if asked.endpoint != "render_cancel":
        return None
    return answered.saying(failure(Code.NOT_FOUND, "no such path"), 404)


@replies("render.all-at-once", "REN-8", "REN-5", kills="render.queue")
def all_at_once(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Every render that waits says that it is at work."""
    body = _status(asked, answered)
    if body is None or asked.endpoint != "render_status" or body["status"] != "pending":
        return None
    return answered.saying({**body, "status": "processing"})


@replies("render.path-missing", "REN-9", kills="render.refused.media render.refused.times")
def path_missing(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A refused draft names no field."""
    if asked.endpoint != "render" or answered.code != Code.BAD_REQUEST:
        return None
    if "draft." not in answered.json["message"]:
        return None
    return answered.saying({**answered.json, "message": "the draft cannot be rendered"})


@replies("render.empty-taken", "REN-9", kills="render.refused.empty")
def empty_taken(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """An empty draft is taken."""
    if asked.endpoint != "render" or b'"t":[]' not in asked.body:
        return None
    return answered.saying({"id": "x", "status": "pending", "progress": 0}, 200)


@replies("render.file-guarded", "REN-8", "REN-4", "REN-7", "UPL-6", kills="render.file.served")
def file_guarded(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The file wants a token."""
    if not _is_file(answered) or "authorization" in asked.headers:
        return None
    return Answered(403, {"content-type": "text/plain"}, b"who are you?")


@replies("render.file-truncated", "REN-4", "REN-8", "REN-7", kills="render.file.size")
def file_truncated(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The file lacks its last bytes."""
    if not _is_file(answered) or "authorization" in asked.headers:
        return None
    return Answered(answered.status, answered.headers, answered.body[:-10])


@replies("render.moov-last", "REN-7", "REN-8", "UPL-6", kills="render.file.mp4")
def moov_last(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The index of the file is at its end."""
    if not _is_file(answered) or b"moov" not in answered.body or answered.status != 200:
        return None
    at = answered.body.index(b"moov") - 4
    (size,) = struct.unpack(">I", answered.body[at : at + 4])
    body = answered.body[:at] + answered.body[at + size :] + answered.body[at : at + size]
    return Answered(answered.status, answered.headers, body)


@replies("render.other-codec", "REN-7", "UPL-6", kills="render.file.codecs")
def other_codec(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The file holds H.265."""
    return _patched(answered, b"avc1\x00\x00\x00\x00", b"hvc1\x00\x00\x00\x00")


@replies("render.other-size", "REN-7", kills="render.file.pixels")
def other_size(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The picture of the file has another size."""
    size = struct.pack(">II", 160 << 16, 90 << 16)
    return _patched(answered, size, struct.pack(">II", 320 << 16, 180 << 16))


@replies("render.other-length", "REN-7", "REN-1", kills="render.file.duration")
def other_length(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The file is twice as long as the draft."""
    if not _is_file(answered) or b"mvhd" not in answered.body:
        return None
    at = answered.body.index(b"mvhd") + 20
    scale, length = struct.unpack(">II", answered.body[at - 4 : at + 4])
    body = answered.body[: at - 4] + struct.pack(">II", scale, 2 * length) + answered.body[at + 4 :]
    return Answered(answered.status, answered.headers, body)


@requests("render.no-range", "REN-8", kills="render.file.range")
def no_range(asked: Asked, _memory: Memory) -> Asked | None:
    """A download always begins at the beginning."""
    if "range" not in asked.headers:
        return None
    headers = {name: value for name, value in asked.headers.items() if name != "range"}
    return msgspec.structs.replace(asked, headers=headers)


@replies("render.other-file", "REN-8", kills="render.file.fallback")
def other_file(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The fallback download is another file."""
    if asked.endpoint != "render_download" or not _is_file(answered):
        return None
    return Answered(answered.status, answered.headers, answered.body + b"\x00\x00\x00\x08free")
