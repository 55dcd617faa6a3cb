"""Claim tokens and the page that they open (AUTH-7)."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from nemolocal_contract.replies import ClaimReply
from nemolocal_contract.requests import ClaimRequest

from ..claims import CLAIM_SECONDS
from ..errors import session_not_found
from ..guard import find_session, read_request, server_of
from ..page import draw_nothing, draw_project
from ..responses import reply
from ..server import Server
from ..urls import base_url


async def issue_claim(request: Request) -> Response:
    """A link to a project of the caller."""
    token, body = await read_request(request, ClaimRequest, "read")
    core = server_of(request).core
    session = find_session(request, token, body.session_id)
    if session.task_id != body.task_id:
        raise session_not_found(body.session_id)
    return reply(ClaimReply(core.claims.issue(session.id), CLAIM_SECONDS))


async def show_project(request: Request) -> Response:
    """The page behind a link: the timeline, and the newest export or upload to play."""
    server = server_of(request)
    session_id = server.core.claims.session_id(request.query_params.get("ct", ""))
    session = None if session_id is None else server.core.sessions.get(session_id)
    if session is None:
        return HTMLResponse(draw_nothing(), 404)
    draft = server.core.sessions.draft(session.id)
    return HTMLResponse(
        draw_project(session.task_name, draft, _video_url(server, session.id, base_url(request)))
    )


def _video_url(server: Server, session_id: str, base: str) -> str:
    """The newest finished export, else the first upload that can be played, else nothing."""
    export = server.exports.newest_completed(session_id)
    if export is not None:
        return server.exports.url(export, base)
    uploads = server.core.assets.of_session(session_id)
    playable = (asset.reply(base).cdn_url for asset in uploads if asset.info.kind == "video")
    return next(playable, "")
