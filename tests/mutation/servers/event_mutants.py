"""Server mutants of section 5: the content of events."""

from typing import Any

from nemolocal_contract.responses import decode_json, encode_json

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import response_mutant


@response_mutant("chat.args-as-text", "SSE-2", "SSE-8", kills="chat.tools.objects")
def args_as_text(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The arguments of a tool call are a text of JSON."""
    if request.endpoint != "chat" or b'"functionCall"' not in response.body:
        return None
    frames = [_with_text(frame) for frame in response.body.split(b"\n\n")]
    return WireResponse(response.status, response.headers, b"\n\n".join(frames))


def _with_text(frame: bytes) -> bytes:
    if b'"functionCall"' not in frame:
        return frame
    event: dict[str, Any] = decode_json(frame.removeprefix(b"data:").strip())
    for part in event["content"]["parts"]:
        call = part["functionCall"]
        call["args"] = encode_json(call["args"]).decode()
    return b"data: " + encode_json(event)
