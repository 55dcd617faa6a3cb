"""Claim tokens and the project page that they open (AUTH-7)."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from nemolocal_contract.describe import describe_track, format_seconds
from nemolocal_contract.draft import Draft
from nemolocal_contract.endpoints import ClaimRequest
from nemolocal_contract.html_page import render_document
from nemolocal_contract.responses import ClaimReply

from ..data.tokens import CLAIM_SECONDS
from ..errors import session_not_found
from ..request_context import authenticate_and_read, base_url, find_session, services_of
from ..responses import success_response
from ..services import Services


async def issue_claim(request: Request) -> Response:
    """Issue a claim token for a project of the caller."""
    token, body = await authenticate_and_read(request, ClaimRequest, "read")
    context = services_of(request).context
    session = find_session(request, token, body.session_id)
    if session.task_id != body.task_id:
        raise session_not_found(body.session_id)
    return success_response(ClaimReply(context.claims.issue(session.id), CLAIM_SECONDS))


async def show_project(request: Request) -> Response:
    """Show the timeline of a project, and its newest export or upload."""
    services = services_of(request)
    context = services.context
    session_id = context.claims.find_session_id(request.query_params.get("ct", ""))
    session = None if session_id is None else context.sessions.get(session_id)
    if session is None:
        return HTMLResponse(_page("Link not found", found=False), 404)
    draft = context.sessions.newest_draft(session.id)
    video_url, video_name = _video(services, session.id, base_url(request))
    return HTMLResponse(build_project_page(session.task_name, draft, video_url, video_name))


def build_project_page(title: str, draft: Draft, video_url: str, video_name: str = "film") -> str:
    """Return the HTML page: a player, unless `video_url` is empty, and the timeline.

    `video_name` says what the film is. The page has no script and no URL but the server's own.
    """
    return _page(
        title,
        found=True,
        video_url=video_url,
        video_name=video_name,
        length=format_seconds(draft.duration_ms or 0),
        tracks=[describe_track(track) for track in draft.tracks or ()],
    )


def _page(title: str, **values: object) -> str:
    given = {"title": title, **values}
    return render_document(__package__, "claim.html", given, media="'self' http: https:")


def _video(services: Services, session_id: str, base: str) -> tuple[str, str]:
    """Return the URL of the newest completed export, else of the first video upload, else "".

    And which of them it is.
    """
    export = services.exports.newest_completed(session_id)
    if export is not None:
        return services.exports.file_url(export, base), "newest export"
    uploads = services.context.assets.list_for_session(session_id)
    videos = (asset.to_reply(base).cdn_url for asset in uploads if asset.info.kind == "video")
    return next(videos, ""), "uploaded film"
