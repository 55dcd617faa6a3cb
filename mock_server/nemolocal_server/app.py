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

from .access.middleware import AccessMiddleware, RefusalMiddleware
from .admission import AdmissionMiddleware
from .assets import CDN
from .date_header import DateMiddleware
from .endpoints import (
    chat,
    claims,
    clocks,
    control,
    credits,
    faults,
    journal,
    manual_tokens,
    openapi,
    past,
    renders,
    sessions,
    tokens,
    uploads,
)
from .error_replies import (
    reply_to_contract_error,
    reply_to_defect,
    reply_to_http_error,
    reply_to_limit,
)
from .errors import ContractError
from .executor import RenderExecutor
from .faults.http import FaultMiddleware
from .hanging_up import HangingUpMiddleware
from .journal.recorder import JournalMiddleware
from .machine_limits import STORAGE_ERRORS
from .routing import build_routes
from .server import Server
from .settings import Settings
from .stored_files import StoredFiles

_ROUTES = (
    (wire.TOKEN, tokens.issue_token),
    (wire.CLAIM_TOKEN, claims.issue_claim),
    (wire.CLAIM_PAGE, claims.show_project),
    (wire.SESSION, sessions.open_session),
    (wire.UPLOAD, uploads.upload),
    (wire.CHAT, chat.run_sse),
    (wire.BALANCE, credits.read_balance),
    (wire.STATE, sessions.read_state),
    (wire.RENDER, renders.submit_render),
    (wire.RENDER_STATUS, renders.read_render),
    (wire.RENDER_CANCEL, renders.cancel_render),
    (wire.RENDER_DOWNLOAD, renders.download_render),
    (wire.HEALTH, control.read_health),
)
# Ours, beside the contract; `control=False` leaves it out.
_CONTROL_ROUTES = (
    (wire.CLOCK, clocks.read_clock),
    (wire.CLOCK_ADVANCE, clocks.advance_clock),
    (wire.TOKENS, manual_tokens.list_tokens),
    (wire.TOKENS_MAKE, manual_tokens.make_token),
    (wire.TOKENS_CHANGE, manual_tokens.change_token),
    (wire.FAULTS, faults.list_faults),
    (wire.FAULTS_ARM, faults.arm_fault),
    (wire.FAULTS_CLEAR, faults.disarm_faults),
    (wire.FAULTS_DISARM, faults.disarm_fault),
    (wire.SCENARIOS, faults.list_scenarios),
    (wire.SCENARIOS_LOAD, faults.load_scenario),
    (wire.JOURNAL, journal.read_journal),
    (wire.JOURNAL_CLEAR, journal.clear_journal),
    (wire.JOURNAL_SUMMARY, journal.sum_journal),
    (wire.OPENAPI, openapi.read_openapi),
    (wire.SNAPSHOT, past.take_snapshot),
    (wire.SNAPSHOT_LIST, past.list_snapshots),
    (wire.SNAPSHOT_DELETE, past.delete_snapshot),
    (wire.RESTORE, past.restore_snapshot),
    (wire.RESET, past.reset),
)


def build_app(
    settings: Settings, clock: Clock | None = None, execute: RenderExecutor | None = None
) -> Starlette:
    """An app with a server of its own, in `app.state.server`.

    Raises `StoreError` where the data folder is of no use, `ScenarioError` where the scenario is.
    """
    server = Server(settings, clock, execute)
    app = Starlette(
        routes=_routes(server),
        middleware=[
            Middleware(AdmissionMiddleware),
            Middleware(HangingUpMiddleware),
            Middleware(DateMiddleware, clock=server.core.clock),
            Middleware(AccessMiddleware, policy=server.access, proxies=settings.trusted_proxies),
            Middleware(JournalMiddleware, journal=server.journal, clock=server.core.clock),
            Middleware(RefusalMiddleware),
            Middleware(FaultMiddleware, faults=server.faults),
        ],
        exception_handlers={
            ContractError: reply_to_contract_error,
            HTTPException: reply_to_http_error,
            **dict.fromkeys(STORAGE_ERRORS, reply_to_limit),
            Exception: reply_to_defect,
        },
        lifespan=_lifespan,
    )
    # A redirect would lead to an address of its own making; unknown paths are 404 (GEN-6).
    app.router.redirect_slashes = False
    app.state.server = server
    return app


def _routes(server: Server) -> list[BaseRoute]:
    store = server.core.store
    ours = _CONTROL_ROUTES if server.settings.control else ()
    return [
        *build_routes((*_ROUTES, *ours)),
        Route(f"{CDN}/fixtures/{{name}}", server.fixtures.read),
        Mount(f"{CDN}/media", StoredFiles(directory=store.media, check_dir=False)),
        Mount(f"{CDN}/renders", StoredFiles(directory=store.renders, check_dir=False)),
    ]


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    # sse-starlette keeps one flag per process: left set, it would cut the streams of this server.
    AppStatus.should_exit = False
    server: Server = app.state.server
    server.start()
    try:
        yield
    finally:
        await server.close()
