"""Responses of the contract without a server: one fixed reply for each endpoint, by respx."""

import re
from typing import Any

import httpx
import msgspec
import respx

from nemolocal_conformance.samples import CLIP, CLIP_FPS, CLIP_SECONDS, CLIP_SIZE, read_sample
from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import CLOUD_BASE_URL, Endpoint
from nemolocal_contract.responses import (
    Balance,
    ClaimReply,
    FileReply,
    RenderOutput,
    RenderStatus,
    SessionReply,
    State,
    StateReply,
    TokenReply,
    UploadReply,
    encode_render,
    success,
)
from nemolocal_contract.turn_events import Heartbeat, Text, TurnEventEncoder

SESSION_ID = "1000000000000000001"
FILE_PATH = "/cdn/renders/canned.mp4"
REPLY_TEXT = "Done! The title is there."
_CREATED = 1_700_000_000.0
_DRAFT = {
    "d": 2000,
    "t": [{"tt": 0, "id": "track_1", "n": "Video", "sg": [
        {"id": "seg_1", "s": 0, "d": 2000, "src": "canned", "ss": 0, "m": {"title": "clip"}},
    ]}],
}  # fmt: skip


def canned_router() -> respx.MockRouter:
    """Return a router at the cloud's address, not started; routes have their endpoints' names."""
    router = respx.mock(base_url=CLOUD_BASE_URL, assert_all_called=False)
    for name, data in _replies().items():
        _route(router, name).respond(json=success(msgspec.to_builtins(data)))
    _route(router, "chat").respond(content=_stream(), headers={"Content-Type": "text/event-stream"})
    _route(router, "render").respond(json=_render("pending"))
    _route(router, "render_status").mock(side_effect=_show_render)
    _route(router, "render_cancel").respond(json=_render("failed"))
    file, video = read_sample(CLIP), {"Content-Type": "video/mp4"}
    _route(router, "render_download").respond(content=file, headers=video)
    router.get(FILE_PATH, name="file").respond(content=file, headers=video)
    return router


def _route(router: respx.MockRouter, name: str) -> respx.Route:
    endpoint = wire.endpoints()[name]
    return router.route(method=endpoint.method, path__regex=_pattern(endpoint), name=name)


def _pattern(endpoint: Endpoint) -> str:
    parts = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(endpoint.template))
    return f"^{parts}$"


def _replies() -> dict[str, Any]:
    """Return the data of every JSON reply, by endpoint name."""
    width, height = CLIP_SIZE
    file = FileReply(
        CLIP, "video", f"{CLOUD_BASE_URL}/cdn/media/canned.mp4", CLIP_SECONDS, width, height,
        CLIP_FPS, "canned",
    )  # fmt: skip
    return {
        "token": TokenReply("nmv_usr_canned", 100, "anon_canned", "2030-01-01T00:00:00.000Z"),
        "claim_token": ClaimReply("clm_canned", 604_800),
        "session": SessionReply(SESSION_ID, "1", "anon_canned"),
        "upload": UploadReply((file,)),
        "balance": Balance(100, 0, 100),
        "state": StateReply(SESSION_ID, State(_DRAFT), "1", "project", "anon_canned"),
    }


def _stream() -> bytes:
    """Return a turn: a heartbeat, and an edit."""
    encoder = TurnEventEncoder("adk", "e-canned", lambda: "canned", lambda: _CREATED)
    return encoder.encode(Heartbeat()) + encoder.encode(Text(REPLY_TEXT))


def _render(status: Any, id: str = "render_canned") -> dict[str, Any]:
    if status != "completed":
        return encode_render(RenderStatus(id, status), "flat")
    size = len(read_sample(CLIP))
    output = RenderOutput(f"{CLOUD_BASE_URL}{FILE_PATH}", CLIP_SECONDS, size)
    return encode_render(RenderStatus(id, status, 100, output), "flat")


def _show_render(request: httpx.Request) -> httpx.Response:
    """Return a completed status for every export."""
    return httpx.Response(200, json=_render("completed", request.url.path.rpartition("/")[2]))
