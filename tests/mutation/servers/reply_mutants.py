"""Server mutants that one reply does not show, but several do: ids, owners, sums, styles."""

import itertools
from typing import Any

from nemolocal_contract.responses import decode_json, encode_json
from nemolocal_contract.turn_events import HEARTBEAT_BYTES, encode_sse_event

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import response_mutant


def _first(response: WireResponse, memory: Memory, name: str) -> WireResponse | None:
    """Return a success with this field as it was in the first one."""
    if response.code != 0:
        return None
    value = response.json["data"][name]
    first = memory.setdefault(name, value)
    return None if first == value else response.with_data(**{name: first})


@response_mutant("replies.one-user", "AUTH-1", "GEN-7", "SES-1", "STA-1", kills="token.replies")
def one_user(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """Every anonymous token has the same `user_id`."""
    return _first(response, memory, "user_id") if request.endpoint == "token" else None


@response_mutant("replies.one-claim", "AUTH-7", kills="token.claim.replies")
def one_claim(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """Every session has the same claim token."""
    return _first(response, memory, "claim_token") if request.endpoint == "claim_token" else None


@response_mutant("replies.one-task", "SES-1", "STA-1", kills="session.replies")
def one_task(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """Every session has the same task id."""
    return _first(response, memory, "task_id") if request.endpoint == "session" else None


@response_mutant("replies.picture-without-height", "UPL-2", kills="upload.replies")
def picture_without_height(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A picture has no height."""
    if request.endpoint != "upload" or response.code != 0:
        return None
    files: list[dict[str, Any]] = response.json["data"]["files"]
    changed = [{**file, "height": None} if file["file_type"] == "image" else file for file in files]
    return response.with_data(files=changed)


@response_mutant(
    "replies.total-of-every-second",
    "CRD-1",
    "CRD-3",
    "CRD-4",
    "REN-3",
    "SSE-1",
    kills="credits.replies",
)
def total_of_every_second(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """`total` is one too high in every second balance."""
    if request.endpoint != "balance" or response.code != 0:
        return None
    if next(memory.setdefault("count", itertools.count())) % 2 == 0:
        return None
    return response.with_data(total=response.json["data"]["total"] + 1)


@response_mutant("replies.task-of-another", "STA-1", "AUTH-7", kills="state.replies")
def task_of_another(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """Every state has the task id of the first session that was read."""
    return _first(response, memory, "task_id") if request.endpoint == "state" else None


@response_mutant("replies.one-segment-id", "STA-4", kills="state.replies.segments")
def one_segment_id(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """All segments of a draft have the same id."""
    if request.endpoint != "state" or response.code != 0:
        return None
    data = response.json["data"]
    for track in data["state"]["draft"]["t"]:
        for segment in track["sg"]:
            segment["id"] = "seg_1"
    return response.with_data(state=data["state"])


@response_mutant("replies.size-grows", "REN-4", "REN-5", kills="render.replies")
def size_grows(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """The size of a completed render grows with each poll."""
    body = response.json
    if request.endpoint != "render_status" or not body.get("output"):
        return None
    more = next(memory.setdefault("count", itertools.count()))
    output = {**body["output"], "size": body["output"]["size"] + more}
    return response.with_json({**body, "output": output})


@response_mutant("replies.one-invocation", "SSE-2", kills="chat.replies")
def one_invocation(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """All turns have the same invocationId."""
    if request.endpoint != "chat" or response.code is not None or not response.body:
        return None
    frames = [frame for frame in response.body.split(b"\n\n") if frame]
    return WireResponse(response.status, response.headers, b"".join(map(_renamed, frames)))


def _renamed(frame: bytes) -> bytes:
    data = frame.removeprefix(b"data:").strip()
    if not data:
        return HEARTBEAT_BYTES
    event = {**decode_json(data), "invocationId": "e-1"}
    return encode_sse_event(encode_json(event).decode())


@response_mutant("replies.other-style-of-states", "GEN-2", kills="general.replies")
def other_style_of_states(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The state of an unknown session gets HTTP 404, and other failures 200."""
    if request.endpoint != "state" or response.code != 1002:
        return None
    return response.with_status(404)


@response_mutant("replies.created", "GEN-1", "GEN-4", "AUTH-6", kills="general.replies.status")
def created(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A new session gets HTTP 201."""
    if request.endpoint != "session" or response.code != 0:
        return None
    return response.with_status(201)
