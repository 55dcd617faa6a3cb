"""The Starlette app: its routes, middlewares and exception handlers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import Clock

from .api import (
    account_endpoints,
    chat_endpoints,
    claim_endpoints,
    render_endpoints,
    session_endpoints,
    upload_endpoints,
)
from .api.control import (
    event_endpoints,
    fault_endpoints,
    journal_endpoints,
    render_admin_endpoints,
    reply_endpoints,
    server_endpoints,
    session_admin_endpoints,
    settings_endpoints,
    token_admin_endpoints,
)
from .data.sessions import CDN_PATH
from .data.storage_errors import STORAGE_ERRORS
from .errors import ContractError
from .exports.render_executor import RenderExecutor
from .faults.fault_middleware import FaultMiddleware
from .journal.journal_middleware import JournalMiddleware
from .middleware import (
    AccessMiddleware,
    AdmissionMiddleware,
    ClientDisconnectMiddleware,
    DateMiddleware,
    ForbiddenMiddleware,
)
from .responses import (
    handle_contract_error,
    handle_http_exception,
    handle_storage_error,
    handle_unexpected_error,
)
from .services import Services
from .settings import Settings
from .stored_files import StoredFiles

_Handler = Callable[[Request], Awaitable[Response]]

_ROUTES = (
    (wire.TOKEN, account_endpoints.issue_token),
    (wire.CLAIM_TOKEN, claim_endpoints.issue_claim),
    (wire.CLAIM_PAGE, claim_endpoints.show_project),
    (wire.SESSION, session_endpoints.open_session),
    (wire.UPLOAD, upload_endpoints.upload_files),
    (wire.CHAT, chat_endpoints.run_sse),
    (wire.BALANCE, account_endpoints.read_balance),
    (wire.STATE, session_endpoints.read_state),
    (wire.RENDER, render_endpoints.submit_render),
    (wire.RENDER_STATUS, render_endpoints.read_render),
    (wire.RENDER_CANCEL, render_endpoints.cancel_render),
    (wire.RENDER_DOWNLOAD, render_endpoints.download_render),
    (wire.HEALTH, server_endpoints.read_health),
)
# The control API, which is not part of the contract and can be switched off.
_CONTROL_ROUTES = (
    (wire.SETTINGS, settings_endpoints.read_settings),
    (wire.CLOCK, server_endpoints.read_clock),
    (wire.CLOCK_ADVANCE, server_endpoints.advance_clock),
    (wire.TOKENS, token_admin_endpoints.list_tokens),
    (wire.TOKENS_MAKE, token_admin_endpoints.make_token),
    (wire.TOKENS_CHANGE, token_admin_endpoints.change_token),
    (wire.FAULTS, fault_endpoints.list_faults),
    (wire.FAULTS_ARM, fault_endpoints.arm_fault),
    (wire.FAULTS_CLEAR, fault_endpoints.disarm_faults),
    (wire.FAULTS_DISARM, fault_endpoints.disarm_fault),
    (wire.SCENARIOS, fault_endpoints.list_scenarios),
    (wire.SCENARIOS_LOAD, fault_endpoints.load_scenario),
    (wire.REPLIES, reply_endpoints.list_replies),
    (wire.REPLIES_ADD, reply_endpoints.add_reply),
    (wire.REPLIES_CLEAR, reply_endpoints.delete_replies),
    (wire.JOURNAL, journal_endpoints.read_journal),
    (wire.JOURNAL_CLEAR, journal_endpoints.clear_journal),
    (wire.JOURNAL_SUMMARY, journal_endpoints.summarise_journal),
    (wire.SESSIONS, session_admin_endpoints.list_sessions),
    (wire.SESSION_DETAIL, session_admin_endpoints.read_session),
    (wire.DRAFT_VERSION, session_admin_endpoints.read_draft),
    (wire.DRAFT_CHANGES, session_admin_endpoints.compare_drafts),
    (wire.ASSET_STRIP, session_admin_endpoints.read_strip),
    (wire.ASSET_WAVEFORM, session_admin_endpoints.read_waveform),
    (wire.RENDERS, render_admin_endpoints.list_renders),
    (wire.RENDER_DETAIL, render_admin_endpoints.read_render),
    (wire.RENDER_STOP, render_admin_endpoints.cancel_render),
    (wire.EVENTS, event_endpoints.stream_events),
    (wire.OPENAPI, server_endpoints.read_openapi),
    (wire.SNAPSHOT, server_endpoints.take_snapshot),
    (wire.SNAPSHOT_LIST, server_endpoints.list_snapshots),
    (wire.SNAPSHOT_DELETE, server_endpoints.delete_snapshot),
    (wire.RESTORE, server_endpoints.restore_snapshot),
    (wire.RESET, server_endpoints.reset_server),
)


def build_app(
    settings: Settings,
    clock: Clock | None = None,
    execute: RenderExecutor | None = None,
    replies: Sequence[Mapping[str, Any]] = (),
) -> Starlette:
    """Return an app with services of its own in `app.state.services`; `replies` are scripted.

    Raises `StoreError` if the data folder cannot be used, `ScenarioError` if the scenario cannot,
    `ReplyError` if a reply cannot.
    """
    services = Services(settings, clock, execute, replies)
    clock = services.context.clock
    app = Starlette(
        routes=_routes(services),
        middleware=[
            Middleware(AdmissionMiddleware),
            Middleware(ClientDisconnectMiddleware),
            Middleware(DateMiddleware, clock=clock),
            Middleware(
                AccessMiddleware, policy=services.access_policy, proxies=settings.trusted_proxies
            ),
            Middleware(JournalMiddleware, journal=services.journal, clock=clock),
            Middleware(ForbiddenMiddleware),
            Middleware(FaultMiddleware, faults=services.faults),
        ],
        exception_handlers={
            ContractError: handle_contract_error,
            HTTPException: handle_http_exception,
            **dict.fromkeys(STORAGE_ERRORS, handle_storage_error),
            Exception: handle_unexpected_error,
        },
        lifespan=_lifespan,
    )
    # Unknown paths are 404 (GEN-6), and a redirect would not use the public URL.
    app.router.redirect_slashes = False
    app.state.services = services
    return app


def _routes(services: Services) -> list[BaseRoute]:
    store = services.context.store
    control_routes = _CONTROL_ROUTES if services.settings.control else ()
    return [
        *_endpoint_routes((*_ROUTES, *control_routes)),
        Route(f"{CDN_PATH}/fixtures/{{name}}", services.sample_media.serve_file),
        Mount(f"{CDN_PATH}/media", StoredFiles(directory=store.media, check_dir=False)),
        Mount(f"{CDN_PATH}/renders", StoredFiles(directory=store.renders, check_dir=False)),
    ]


def add_dashboard(app: Starlette, pages: ASGIApp) -> None:
    """Serve the pages of a dashboard below `UI_PREFIX`, if the app has a control API."""
    services: Services = app.state.services
    if services.settings.control:
        app.router.routes.append(_PrefixRoute(wire.UI_PREFIX, pages))


def use_executor(app: Starlette, execute: RenderExecutor, transfers: ASGIApp) -> None:
    """Render with another executor, whose workers reach `transfers` below `FARM_PREFIX`.

    Only before the server of the app starts.
    """
    services: Services = app.state.services
    services.exports.use_executor(execute)
    services.has_farm = True
    app.router.routes.append(_PrefixRoute(wire.FARM_PREFIX, transfers))


def _endpoint_routes(table: Iterable[tuple[wire.Endpoint, _Handler]]) -> list[BaseRoute]:
    """Return a route for each path, so that a 405 names all methods of the path."""
    paths: dict[str, dict[str, _Handler]] = {}
    for endpoint, handler in table:
        paths.setdefault(endpoint.template, {})[endpoint.method] = handler
    routes = {
        path: Route(path, _MethodDispatcher(handlers), methods=list(handlers))
        for path, handlers in paths.items()
    }
    static = {path: route for path, route in routes.items() if not route.param_convertors}
    return [_StaticRoutes(static), *(route for path, route in routes.items() if path not in static)]


class _StaticRoutes(BaseRoute):
    """The routes without parameters, looked up by path: Starlette would try each in turn."""

    def __init__(self, routes: dict[str, Route]) -> None:
        self._routes = routes

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        route = self._routes.get(scope["path"])
        return (Match.NONE, {}) if route is None else route.matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._routes[scope["path"]].handle(scope, receive, send)


class _PrefixRoute(BaseRoute):
    """Leads a path and all below it to an app, which sees the whole path."""

    def __init__(self, prefix: str, app: ASGIApp) -> None:
        self._prefix = prefix
        self._app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"]
        is_below = path == self._prefix or path.startswith(f"{self._prefix}/")
        return (Match.FULL if scope["type"] == "http" and is_below else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class _MethodDispatcher:
    """Calls the handler of the method; exceptions go to the handlers of the app."""

    def __init__(self, handlers: dict[str, _Handler]) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # HEAD is answered like GET, and uvicorn drops the body.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        response = await self._handlers[method](Request(scope, receive, send))
        await response(scope, receive, send)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    # sse-starlette has one flag per process: an earlier server may have left it set, which would
    # end all streams of this one.
    AppStatus.should_exit = False
    services: Services = app.state.services
    services.start()
    try:
        yield
    finally:
        await services.close()
