"""The responses of the contract: codes, HTTP statuses, the JSON envelope and the bodies.

The server writes them and the client reads them (GEN-1, GEN-2).
"""

from enum import IntEnum
from typing import Annotated, Any, Literal, get_args

import msgspec

from .media import FileKind, MediaKind


class ResponseCode(IntEnum):
    """The `code` of an envelope."""

    OK = 0
    BAD_REQUEST = 400
    EXPORT_BLOCKED = 402
    FORBIDDEN = 403
    NOT_FOUND = 404
    METHOD_NOT_ALLOWED = 405
    RATE_LIMITED = 429
    INTERNAL = 500
    BAD_TOKEN = 1001
    SESSION_NOT_FOUND = 1002
    NO_CREDITS = 2001
    UNSUPPORTED_FILE = 4001
    FILE_TOO_LARGE = 4002


_HTTP_STYLE = {
    ResponseCode.BAD_TOKEN: 401,
    ResponseCode.SESSION_NOT_FOUND: 404,
    ResponseCode.NO_CREDITS: 402,
    ResponseCode.UNSUPPORTED_FILE: 415,
    ResponseCode.FILE_TOO_LARGE: 413,
}


def http_status(code: ResponseCode, errors: str = "envelope") -> int:
    """Return the HTTP status of a failure with `errors=envelope` (the default) or `errors=http`."""
    if code not in _HTTP_STYLE:
        return 200 if code is ResponseCode.OK else int(code)
    return _HTTP_STYLE[code] if errors == "http" else 200


encode_json = msgspec.json.encode
decode_json = msgspec.json.decode


class Envelope(msgspec.Struct, frozen=True):
    """`{"code": 0, "data": …}` or `{"code": n, "message": "…", "data": null}`."""

    code: int
    data: Any = None
    message: str = ""


def success(data: Any) -> dict[str, Any]:
    """Return the body of a successful response."""
    return {"code": int(ResponseCode.OK), "data": data}


def failure(code: ResponseCode, message: str) -> dict[str, Any]:
    """Return the body of a failure; its shape is assumed (CLI rules)."""
    return {"code": int(code), "message": message, "data": None}


RenderState = Literal["pending", "processing", "completed", "failed"]
RenderDialect = Literal["flat", "nested"]


class TokenReply(msgspec.Struct, frozen=True):
    """A fresh anonymous token (AUTH-1)."""

    token: str
    credits: int
    user_id: str = ""
    expires_at: str = ""


class ClaimReply(msgspec.Struct, frozen=True):
    """A claim token and its life in seconds (AUTH-7)."""

    claim_token: str
    expires_in: int


class SessionReply(msgspec.Struct, frozen=True):
    """A fresh session (SES-1)."""

    session_id: str
    task_id: str = ""
    user_id: str = ""


# What a server accepts besides, where a setting says so, is not in the contract.
_CONTRACT_KINDS = {"enum": sorted(get_args(MediaKind))}


class FileReply(msgspec.Struct, frozen=True):
    """A file as the backend knows it: seconds, pixels, frames per second (UPL-2).

    `warnings`, a field of ours that is there only if it says something, are sentences about what
    of the file is not used: tracks that have no decoder, an end that is missing.
    """

    filename: str
    file_type: Annotated[FileKind, msgspec.Meta(extra_json_schema=_CONTRACT_KINDS)]
    cdn_url: str
    duration: float = 0.0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    hash: str = ""
    warnings: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class UploadReply(msgspec.Struct, frozen=True):
    """What an upload added to the session (UPL-2)."""

    files: tuple[FileReply, ...]
    session_state_applied: bool = True


class Balance(msgspec.Struct, frozen=True):
    """Credits (CRD-1)."""

    available: int
    frozen: int
    total: int


class CanvasConfig(msgspec.Struct, frozen=True):
    """The picture that the draft is shown on."""

    width: int = 0
    height: int = 0
    ratio: str = ""


class State(msgspec.Struct, frozen=True):
    """What the timeline is made of (STA-1); `draft` in its wire form."""

    draft: dict[str, Any]
    video_infos: tuple[dict[str, Any], ...] = ()
    canvas_config: CanvasConfig = CanvasConfig()
    generated_media: tuple[dict[str, Any], ...] = ()


class StateReply(msgspec.Struct, frozen=True):
    """The newest state of a session (STA-1)."""

    session_id: str
    state: State
    task_id: str = ""
    task_name: str = ""
    user_id: str = ""


class RenderOutput(msgspec.Struct, frozen=True, omit_defaults=True):
    """The file of a completed render: URL, seconds, bytes."""

    url: str = ""
    duration: float = 0.0
    size: int = 0


class RenderStatus(msgspec.Struct, frozen=True):
    """A render as its owner sees it (REN-4, REN-5)."""

    id: str
    status: RenderState
    progress: int = 0
    output: RenderOutput | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()


def encode_render(status: RenderStatus, dialect: RenderDialect) -> dict[str, Any]:
    """Return the body of a render response, flat or nested (REN-4)."""
    if dialect == "nested":
        return {"success": status.status != "failed", "data": _nested(status)}
    body: dict[str, Any] = msgspec.to_builtins(status)
    return {name: value for name, value in body.items() if value not in (None, ())}


def _nested(status: RenderStatus) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": status.id,
        "status": status.status,
        "progress": status.progress,
    }
    if status.output is not None:
        body |= {"outputUrl": status.output.url}
    if status.error is not None:
        body |= {"error": status.error}
    return body


def decode_render(body: Any) -> RenderStatus:
    """Parse a render response in either dialect; raises `msgspec.ValidationError`."""
    if isinstance(body, dict) and isinstance(body.get("data"), dict):
        nested = body["data"]
        flat = {name: value for name, value in nested.items() if name != "outputUrl"}
        if nested.get("outputUrl"):
            flat["output"] = {"url": nested["outputUrl"]}
        body = flat
    return msgspec.convert(body, RenderStatus)
