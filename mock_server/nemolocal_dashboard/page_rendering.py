"""Renders pages and parts of pages from templates, with the values that all of them need."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from nemolocal_contract.clock import iso8601
from nemolocal_contract.endpoints import CONTROL_PREFIX, UI_PREFIX
from nemolocal_contract.html_page import render_page
from nemolocal_contract.responses import ResponseCode
from nemolocal_server.errors import ContractError
from nemolocal_server.request_context import base_url, services_of
from nemolocal_server.version import installed_version

from .translations import LANGUAGES, Texts, choose_language

PageHandler = Callable[[Request], Awaitable[Response]]


class NavigationItem(msgspec.Struct, frozen=True):
    """A page of the navigation: its path below the dashboard, and the key of its name."""

    path: str
    text: str


# In display order.
NAVIGATION = (
    NavigationItem("journal", "nav_journal"),
    NavigationItem("sessions", "nav_sessions"),
    NavigationItem("renders", "nav_renders"),
    NavigationItem("faults", "nav_faults"),
    NavigationItem("clock", "nav_clock"),
    NavigationItem("verdict", "nav_verdict"),
    NavigationItem("snapshots", "nav_snapshots"),
    NavigationItem("about", "nav_about"),
)


def clock_time(seconds: float) -> str:
    """Return a time of the server's clock as pages show it: `2026-11-30 19:24:01` (UTC)."""
    return iso8601(seconds)[:19].replace("T", " ")


# The functions that templates with times need.
TIME_FORMATS = {"clock_time": clock_time, "instant": iso8601}


def root_path(request: Request) -> str:
    """Return the path of the server's public URL: "" unless a proxy adds a prefix."""
    return urlsplit(base_url(request)).path.rstrip("/")


def ui_root(request: Request) -> str:
    """Return the path of the dashboard as the browser sees it."""
    return f"{root_path(request)}{UI_PREFIX}"


def texts_of(request: Request) -> Texts:
    """Return the texts in the language that the user chose, else in that of the browser."""
    return choose_language(request.cookies, request.headers.get("accept-language", ""))


def render_fragment(request: Request, template: str, **values: Any) -> str:
    """Return a part of a page.

    Every template gets `t` (texts), `ui` (path of the dashboard) and `api` (of the control API).
    """
    return render_page(
        __package__,
        template,
        t=texts_of(request),
        ui=ui_root(request),
        api=f"{root_path(request)}{CONTROL_PREFIX}",
        **values,
    )


def fragment_response(request: Request, template: str, **values: Any) -> Response:
    """Return a part of a page for a script to insert."""
    return HTMLResponse(render_fragment(request, template, **values))


def render_response(
    request: Request,
    template: str,
    *,
    title: str,
    active: str = "",
    status: int = 200,
    **values: Any,
) -> Response:
    """Return a page that extends `base.html`.

    `title` is the key of its title, `active` the path of its item in the navigation.
    """
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    html = render_fragment(
        request,
        template,
        title=title,
        active=active,
        navigation=NAVIGATION,
        languages=LANGUAGES,
        here=f"{root_path(request)}{here}",
        version=installed_version(),
        # Later changes come with the event feed.
        since=services_of(request).feed.current().number,
        needs_token=bool(services_of(request).settings.control_token),
        **values,
    )
    return HTMLResponse(html, status)


def render_not_found(request: Request) -> Response:
    """Return the "Page not found" page."""
    return render_response(request, "not_found.html", status=404, title="not_found_title")


def or_not_found(handler: PageHandler) -> PageHandler:
    """Return a handler that shows that page if something in the URL does not exist."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ContractError as error:
            if error.code != ResponseCode.NOT_FOUND:
                raise
            return render_not_found(request)

    return handle
