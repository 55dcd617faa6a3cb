"""The page *Journal*."""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nemolocal_contract.endpoints import UI_PREFIX
from nemolocal_contract.journal import Entry

from .page_rendering import render_response


def routes(write_scenario: Callable[[Sequence[Entry], str], str] | None) -> list[BaseRoute]:
    """Return the routes of the page."""
    del write_scenario
    return [Route(f"{UI_PREFIX}/journal", _show_journal)]


async def _show_journal(request: Request) -> Response:
    return render_response(request, "journal.html", title="nav_journal", active="journal")
