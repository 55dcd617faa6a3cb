"""Sessions and their state (SES-1, STA-1)."""

from math import gcd
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.endpoints import SessionRequest
from nemolocal_contract.responses import CanvasConfig, SessionReply, State, StateReply, decode_json

from ..data.sessions import Asset
from ..request_context import (
    authenticate,
    authenticate_and_read,
    base_url,
    check_user,
    context_of,
    services_of,
    session_in_path,
)
from ..responses import success_response

DEFAULT_LANGUAGE = "en"


async def open_session(request: Request) -> Response:
    """Create an editing session of the caller."""
    check_user(request.path_params["user"], authenticate(request, "write"))
    token, body = await authenticate_and_read(request, SessionRequest, "write")
    session = services_of(request).context.sessions.create(
        token, body.task_name, body.language or DEFAULT_LANGUAGE
    )
    context_of(request.scope).annotations.set_session(session.id, fresh=True)
    return success_response(SessionReply(session.id, session.task_id, token.user_id))


async def read_state(request: Request) -> Response:
    """Return the newest state of a session: its draft and its media."""
    token, session = session_in_path(request, "read")
    context = services_of(request).context
    assets = context.assets.list_for_session(session.id)
    draft = context.sessions.newest_draft_json(session.id)
    state = State(
        draft={},
        video_infos=_infos(assets, "upload", base_url(request)),
        canvas_config=_canvas(decode_json(draft, type=_DraftMetadata).m, assets),
        generated_media=_infos(assets, "generated", base_url(request)),
    )
    data = StateReply(session.id, state, session.task_id, session.task_name, token.user_id)
    # A draft may be long, so the stored JSON is sent without being decoded.
    stored = {**msgspec.structs.asdict(state), "draft": msgspec.Raw(draft.encode())}
    return success_response({**msgspec.structs.asdict(data), "state": stored})


class _DraftMetadata(msgspec.Struct, frozen=True):
    """A draft without its tracks."""

    m: Any = None


def _infos(assets: list[Asset], origin: str, base: str) -> tuple[dict[str, Any], ...]:
    """Return media like uploaded files, with the id that drafts use for them (`src`)."""
    return tuple(
        {"id": asset.id, **msgspec.to_builtins(asset.to_reply(base))}
        for asset in assets
        if asset.origin == origin
    )


def _canvas(metadata: Any, assets: list[Asset]) -> CanvasConfig:
    """Return the canvas of the draft's metadata, else that of the first video or image."""
    fields = metadata if isinstance(metadata, dict) else {}
    first = next((asset.info for asset in assets if asset.info.width), None)
    width = fields.get("width") or (first.width if first else 0)
    height = fields.get("height") or (first.height if first else 0)
    if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
        return CanvasConfig()
    divisor = gcd(width, height)
    return CanvasConfig(width, height, f"{width // divisor}:{height // divisor}")
