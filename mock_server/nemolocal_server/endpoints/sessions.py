"""Sessions and their state (SES-1, STA-1)."""

from math import gcd
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.envelope import decode_json
from nemolocal_contract.replies import CanvasConfig, SessionReply, State, StateReply
from nemolocal_contract.requests import SessionRequest

from ..assets import Asset
from ..guard import authenticate, check_user, read_request, server_of, session_in_path
from ..journal.truth import truth_of
from ..responses import reply
from ..urls import base_url

DEFAULT_LANGUAGE = "en"


async def open_session(request: Request) -> Response:
    """A new editing session of the caller."""
    check_user(request.path_params["user"], authenticate(request, "write"))
    token, body = await read_request(request, SessionRequest, "write")
    session = server_of(request).core.sessions.open(
        token, body.task_name, body.language or DEFAULT_LANGUAGE
    )
    truth_of(request.scope).concern_session(session.id, fresh=True)
    return reply(SessionReply(session.id, session.task_id, token.user_id))


async def read_state(request: Request) -> Response:
    """The newest state of a session: its draft and what it is made of."""
    token, session = session_in_path(request, "read")
    core = server_of(request).core
    assets = core.assets.of_session(session.id)
    draft = core.sessions.draft_text(session.id)
    state = State(
        draft={},
        video_infos=_infos(assets, "upload", base_url(request)),
        canvas_config=_canvas(decode_json(draft, type=_Named).m, assets),
        generated_media=_infos(assets, "generated", base_url(request)),
    )
    data = StateReply(session.id, state, session.task_id, session.task_name, token.user_id)
    # A draft may be long: it goes out as it is stored, without being read.
    stored = {**msgspec.structs.asdict(state), "draft": msgspec.Raw(draft.encode())}
    return reply({**msgspec.structs.asdict(data), "state": stored})


class _Named(msgspec.Struct, frozen=True):
    """Of a draft, only its metadata."""

    m: Any = None


def _infos(assets: list[Asset], origin: str, base: str) -> tuple[dict[str, Any], ...]:
    """Media as the contract shows files, with the id that drafts use for them (`src`)."""
    return tuple(
        {"id": asset.id, **msgspec.to_builtins(asset.reply(base))}
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
