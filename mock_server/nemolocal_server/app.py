"""The Starlette app: routes, middleware and error replies, assembled in one readable place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import Clock

from .access.access_middleware import AccessMiddleware, ForbiddenMiddleware
from .api import (
    chat_endpoints,
    claim_endpoints,
    credit_endpoints,
    render_endpoints,
    session_endpoints,
    token_endpoints,
    upload_endpoints,
)
from .api.control import (
    clock_endpoints,
    fault_endpoints,
    health_endpoints,
    journal_endpoints,
    openapi_endpoints,
    settings_endpoints,
    snapshot_endpoints,
    token_admin_endpoints,
)
from .api.file_responses import StoredFiles
from .data.assets import CDN_PATH
from .data.storage_errors import STORAGE_ERRORS
from .errors import ContractError
from .exception_handlers import (
    handle_contract_error,
    handle_http_exception,
    handle_storage_error,
    handle_unexpected_error,
)
from .exports.render_executor import RenderExecutor
from .faults.fault_middleware import FaultMiddleware
from .journal.journal_middleware import JournalMiddleware
from .middleware.admission import AdmissionMiddleware
from .middleware.client_disconnect import ClientDisconnectMiddleware
from .middleware.date_header import DateMiddleware
from .routing import build_routes
from .services import Services
from .settings import Settings

_ROUTES = (
    (wire.TOKEN, token_endpoints.issue_token),
    (wire.CLAIM_TOKEN, claim_endpoints.issue_claim),
    (wire.CLAIM_PAGE, claim_endpoints.show_project),
    (wire.SESSION, session_endpoints.open_session),
    (wire.UPLOAD, upload_endpoints.upload_files),
    (wire.CHAT, chat_endpoints.run_sse),
    (wire.BALANCE, credit_endpoints.read_balance),
    (wire.STATE, session_endpoints.read_state),
    (wire.RENDER, render_endpoints.submit_render),
    (wire.RENDER_STATUS, render_endpoints.read_render),
    (wire.RENDER_CANCEL, render_endpoints.cancel_render),
    (wire.RENDER_DOWNLOAD, render_endpoints.download_render),
    (wire.HEALTH, health_endpoints.read_health),
)
# Ours, beside the contract; `control=False` leaves it out.
_CONTROL_ROUTES = (
    (wire.SETTINGS, settings_endpoints.read_settings),
    (wire.CLOCK, clock_endpoints.read_clock),
    (wire.CLOCK_ADVANCE, clock_endpoints.advance_clock),
    (wire.TOKENS, token_admin_endpoints.list_tokens),
    (wire.TOKENS_MAKE, token_admin_endpoints.make_token),
    (wire.TOKENS_CHANGE, token_admin_endpoints.change_token),
    (wire.FAULTS, fault_endpoints.list_faults),
    (wire.FAULTS_ARM, fault_endpoints.arm_fault),
    (wire.FAULTS_CLEAR, fault_endpoints.disarm_faults),
    (wire.FAULTS_DISARM, fault_endpoints.disarm_fault),
    (wire.SCENARIOS, fault_endpoints.list_scenarios),
    (wire.SCENARIOS_LOAD, fault_endpoints.load_scenario),
    (wire.JOURNAL, journal_endpoints.read_journal),
    (wire.JOURNAL_CLEAR, journal_endpoints.clear_journal),
    (wire.JOURNAL_SUMMARY, journal_endpoints.summarise_journal),
    (wire.OPENAPI, openapi_endpoints.read_openapi),
    (wire.SNAPSHOT, snapshot_endpoints.take_snapshot),
    (wire.SNAPSHOT_LIST, snapshot_endpoints.list_snapshots),
    (wire.SNAPSHOT_DELETE, snapshot_endpoints.delete_snapshot),
    (wire.RESTORE, snapshot_endpoints.restore_snapshot),
    (wire.RESET, snapshot_endpoints.reset_server),
)


def build_app(
    settings: Settings, clock: Clock | None = None, execute: RenderExecutor | None = None
) -> Starlette:
    """An app with a server of its own, in `app.state.services`.

    Raises `StoreError` where the data folder is of no use, `ScenarioError` where the scenario is.
    """
    server = Services(settings, clock, execute)
    app = Starlette(
        routes=_routes(server),
        middleware=[
            Middleware(AdmissionMiddleware),
            Middleware(ClientDisconnectMiddleware),
            Middleware(DateMiddleware, clock=server.context.clock),
            Middleware(
                AccessMiddleware, policy=server.access_policy, proxies=settings.trusted_proxies
            ),
            Middleware(JournalMiddleware, journal=server.journal, clock=server.context.clock),
            Middleware(ForbiddenMiddleware),
            Middleware(FaultMiddleware, faults=server.faults),
        ],
        exception_handlers={
            ContractError: handle_contract_error,
            HTTPException: handle_http_exception,
            **dict.fromkeys(STORAGE_ERRORS, handle_storage_error),
            Exception: handle_unexpected_error,
        },
        lifespan=_lifespan,
    )
    # A redirect would lead to an address of its own making; unknown paths are 404 (GEN-6).
    app.router.redirect_slashes = False
    app.state.services = server
    return app


def _routes(server: Services) -> list[BaseRoute]:
    store = server.context.store
    ours = _CONTROL_ROUTES if server.settings.control else ()
    return [
        *build_routes((*_ROUTES, *ours)),
        Route(f"{CDN_PATH}/fixtures/{{name}}", server.sample_media.serve_file),
        Mount(f"{CDN_PATH}/media", StoredFiles(directory=store.media, check_dir=False)),
        Mount(f"{CDN_PATH}/renders", StoredFiles(directory=store.renders, check_dir=False)),
    ]


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    # sse-starlette keeps one flag per process: left set, it would cut the streams of this server.
    AppStatus.should_exit = False
    server: Services = app.state.services
    server.start()
    try:
        yield
    finally:
        await server.close()
