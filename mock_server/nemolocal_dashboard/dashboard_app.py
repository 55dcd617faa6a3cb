"""The ASGI app of the dashboard, served below `UI_PREFIX`."""

from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nemolocal_contract.endpoints import UI_PREFIX, UI_STATIC
from nemolocal_contract.html_page import SHARED_STYLES

from . import (
    fault_pages,
    journal_pages,
    render_pages,
    server_pages,
    session_access,
    session_pages,
    verdict_pages,
)
from .journal_pages import RedactorMaker, ScenarioWriter
from .page_rendering import render_not_found, ui_root
from .verdict_pages import ClientJudge

# Scripts and styles come from this server only, and none are inline.
_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_STATIC = Path(__file__).with_name("static")


def build_dashboard(
    write_scenario: ScenarioWriter, judge: ClientJudge, make_redactor: RedactorMaker
) -> ASGIApp:
    """Return the pages as an ASGI app for `add_dashboard`.

    `write_scenario` converts journal entries to scripted replies, `judge` checks clients by them.
    `make_redactor` makes what redacts the entries of an export that is given to others.
    """
    return _Dashboard(
        [
            *session_access.ROUTES,
            *journal_pages.routes(write_scenario, make_redactor),
            *session_pages.routes(),
            *render_pages.routes(),
            *fault_pages.routes(),
            *server_pages.routes(),
            *verdict_pages.routes(judge),
        ]
    )


class _Dashboard:
    """The routes of all pages, with the headers that protect them."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._router = Router(
            [
                Route(UI_PREFIX, _start),
                Route(f"{UI_PREFIX}/", _start),
                Mount(UI_STATIC, StaticFiles(directory=_STATIC, packages=[SHARED_STYLES])),
                *routes,
            ],
            redirect_slashes=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_static = scope["path"].startswith(f"{UI_STATIC}/")

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("cache-control", "no-cache" if is_static else "no-store")
            await send(message)

        try:
            await self._router(scope, receive, send_protected)
        except HTTPException as error:
            if error.status_code != 404 or is_static:
                raise
            page = render_not_found(Request(scope, receive))
            await page(scope, receive, send_protected)


async def _start(request: Request) -> Response:
    return RedirectResponse(f"{ui_root(request)}/journal", 303)
