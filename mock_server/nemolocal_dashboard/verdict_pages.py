"""The page *Verdict so far*: the findings for each client, from a judge that is passed in."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nemolocal_contract.endpoints import UI_PREFIX
from nemolocal_contract.journal import Entry
from nemolocal_server.journal.journal_repository import JournalQuery
from nemolocal_server.request_context import services_of

from .page_rendering import fragment_response, render_response


class Finding(msgspec.Struct, frozen=True):
    """A rule that a client broke, with the journal entries that show it.

    `level` is MUST or SHOULD, `credits` what it costs in the cloud.
    """

    check: str
    rules: tuple[str, ...]
    level: str
    sentence: str
    reason: str
    entries: tuple[int, ...]
    credits: int


class ClientVerdict(msgspec.Struct, frozen=True):
    """The results of the checks of one client, by its user id."""

    user_id: str
    passed: int
    broken: tuple[Finding, ...]


class ClientJudge(Protocol):
    """Judges the clients of a journal from which `dropped` entries are missing."""

    def __call__(self, entries: Sequence[Entry], dropped: int) -> Sequence[ClientVerdict]:
        """Return a verdict for each client, in the order of their first requests."""


def routes(judge: ClientJudge) -> list[BaseRoute]:
    """Return the routes of the page."""
    pages = _VerdictPages(judge)
    return [
        Route(f"{UI_PREFIX}/verdict", pages.show),
        Route(f"{UI_PREFIX}/verdict/clients", pages.clients),
    ]


class _VerdictPages:
    def __init__(self, judge: ClientJudge) -> None:
        self._judge = judge

    async def show(self, request: Request) -> Response:
        """Show the verdict on every client of the journal."""
        return render_response(
            request,
            "verdict.html",
            title="nav_verdict",
            active="verdict",
            line=services_of(request).summarise(JournalQuery()).line,
            verdicts=await self._verdicts(request),
        )

    async def clients(self, request: Request) -> Response:
        """Return the part of the page that can change."""
        return fragment_response(
            request,
            "_client_verdicts.html",
            line=services_of(request).summarise(JournalQuery()).line,
            verdicts=await self._verdicts(request),
        )

    async def _verdicts(self, request: Request) -> Sequence[ClientVerdict]:
        journal = services_of(request).journal
        entries, dropped = tuple(journal.read_entries(JournalQuery())), journal.dropped
        # Judging a long journal takes seconds; requests must not wait for it.
        return await asyncio.to_thread(self._judge, entries, dropped)
