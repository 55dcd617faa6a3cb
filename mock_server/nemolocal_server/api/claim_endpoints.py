"""Claim tokens and the page that they open (AUTH-7)."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from nemolocal_contract.endpoints import ClaimRequest
from nemolocal_contract.responses import ClaimReply

from ..data.claims import CLAIM_SECONDS
from ..errors import session_not_found
from ..request_context import base_url
from ..responses import success_response
from ..services import Services
from .claim_page import build_not_found_page, build_project_page
from .request_dependencies import authenticate_and_read, find_session, services_of


async def issue_claim(request: Request) -> Response:
    """A link to a project of the caller."""
    token, body = await authenticate_and_read(request, ClaimRequest, "read")
    core = services_of(request).context
    session = find_session(request, token, body.session_id)
    if session.task_id != body.task_id:
        raise session_not_found(body.session_id)
    return success_response(ClaimReply(core.claims.issue(session.id), CLAIM_SECONDS))


async def show_project(request: Request) -> Response:
    """The page behind a link: the timeline, and the newest export or upload to play."""
    server = services_of(request)
    session_id = server.context.claims.find_session_id(request.query_params.get("ct", ""))
    session = None if session_id is None else server.context.sessions.get(session_id)
    if session is None:
        return HTMLResponse(build_not_found_page(), 404)
    draft = server.context.sessions.newest_draft(session.id)
    return HTMLResponse(
        build_project_page(
            session.task_name, draft, _video_url(server, session.id, base_url(request))
        )
    )


def _video_url(server: Services, session_id: str, base: str) -> str:
    """The newest finished export, else the first upload that can be played, else nothing."""
    export = server.exports.newest_completed(session_id)
    if export is not None:
        return server.exports.file_url(export, base)
    uploads = server.context.assets.list_for_session(session_id)
    playable = (asset.to_reply(base).cdn_url for asset in uploads if asset.info.kind == "video")
    return next(playable, "")
