"""Sessions and their state (SES-1, STA-1)."""

from math import gcd
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.endpoints import SessionRequest
from nemolocal_contract.responses import CanvasConfig, SessionReply, State, StateReply, decode_json

from ..data.assets import Asset
from ..request_context import base_url, context_of
from ..responses import success_response
from .request_dependencies import (
    authenticate,
    authenticate_and_read,
    check_user,
    services_of,
    session_in_path,
)

DEFAULT_LANGUAGE = "en"


async def open_session(request: Request) -> Response:
    """A new editing session of the caller."""
    check_user(request.path_params["user"], authenticate(request, "write"))
    token, body = await authenticate_and_read(request, SessionRequest, "write")
    session = services_of(request).context.sessions.create(
        token, body.task_name, body.language or DEFAULT_LANGUAGE
    )
    context_of(request.scope).annotations.set_session(session.id, fresh=True)
    return success_response(SessionReply(session.id, session.task_id, token.user_id))


async def read_state(request: Request) -> Response:
    """The newest state of a session: its draft and what it is made of."""
    token, session = session_in_path(request, "read")
    core = services_of(request).context
    assets = core.assets.list_for_session(session.id)
    draft = core.sessions.newest_draft_json(session.id)
    state = State(
        draft={},
        video_infos=_infos(assets, "upload", base_url(request)),
        canvas_config=_canvas(decode_json(draft, type=_DraftMetadata).m, assets),
        generated_media=_infos(assets, "generated", base_url(request)),
    )
    data = StateReply(session.id, state, session.task_id, session.task_name, token.user_id)
    # A draft may be long: it goes out as it is stored, without being read.
    stored = {**msgspec.structs.asdict(state), "draft": msgspec.Raw(draft.encode())}
    return success_response({**msgspec.structs.asdict(data), "state": stored})


class _DraftMetadata(msgspec.Struct, frozen=True):
    """Of a draft, only its metadata."""

    m: Any = None


def _infos(assets: list[Asset], origin: str, base: str) -> tuple[dict[str, Any], ...]:
    """Media as the contract shows files, with the id that drafts use for them (`src`)."""
    return tuple(
        {"id": asset.id, **msgspec.to_builtins(asset.to_reply(base))}
        for asset in assets
        if asset.origin == origin
    )


def _canvas(metadata: Any, assets: list[Asset]) -> CanvasConfig:
    """The canvas that the draft's metadata names, else that of the first picture."""
    named = metadata if isinstance(metadata, dict) else {}
    first = next((asset.info for asset in assets if asset.info.width), None)
    width = named.get("width") or (first.width if first else 0)
    height = named.get("height") or (first.height if first else 0)
    if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
        return CanvasConfig()
    divisor = gcd(width, height)
    return CanvasConfig(width, height, f"{width // divisor}:{height // divisor}")
