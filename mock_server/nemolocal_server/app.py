"""The Starlette app: routes, middleware and error replies, assembled in one readable place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import Clock

from .assets import CDN
from .date_header import DateMiddleware
from .endpoints import chat, control, credits, renders, sessions, tokens, uploads
from .errors import (
    ContractError,
    reply_to_contract_error,
    reply_to_defect,
    reply_to_http_error,
)
from .executor import RenderExecutor
from .journal import JournalMiddleware
from .server import Server
from .settings import Settings

_ROUTES = (
    (wire.TOKEN, tokens.issue_token),
    (wire.SESSION, sessions.open_session),
    (wire.UPLOAD, uploads.upload),
    (wire.CHAT, chat.run_sse),
    (wire.BALANCE, credits.read_balance),
    (wire.STATE, sessions.read_state),
    (wire.RENDER, renders.submit_render),
    (wire.RENDER_STATUS, renders.read_render),
    (wire.RENDER_DOWNLOAD, renders.download_render),
    (wire.HEALTH, control.read_health),
    (wire.JOURNAL, control.read_journal),
)


def build_app(
    settings: Settings, clock: Clock | None = None, execute: RenderExecutor | None = None
) -> Starlette:
    """An app with a server of its own, in `app.state.server`.

    Raises `StoreError` where the data folder is of no use.
    """
    server = Server(settings, clock, execute)
    app = Starlette(
        routes=[
            *(Route(e.template, endpoint, methods=[e.method]) for e, endpoint in _ROUTES),
            Mount(f"{CDN}/media", _files(server.core.store.media)),
            Mount(f"{CDN}/renders", _files(server.core.store.renders)),
        ],
        middleware=[
            Middleware(DateMiddleware, clock=server.core.clock),
            Middleware(JournalMiddleware, journal=server.journal, clock=server.core.clock),
        ],
        exception_handlers={
            ContractError: reply_to_contract_error,
            HTTPException: reply_to_http_error,
            Exception: reply_to_defect,
        },
        lifespan=_lifespan,
    )
    app.state.server = server
    return app


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


def _files(folder: object) -> ASGIApp:
    """Files by their unguessable names, no token needed (REN-8)."""
    return StaticFiles(directory=str(folder))
