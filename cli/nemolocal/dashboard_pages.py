"""The dashboard of `nemolocal serve`, imported when a browser first requests a page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nemolocal_contract.journal import Entry
    from nemolocal_dashboard.verdict_pages import ClientVerdict


class LazyDashboard:
    """The dashboard as an ASGI app that is built on first use, so that the server starts fast."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            self._app = _build()
        await self._app(scope, receive, send)


def _build() -> Any:
    from nemolocal_dashboard.dashboard_app import build_dashboard

    from .journal_redaction import entry_redactor
    from .journal_replies import write_scenario

    return build_dashboard(write_scenario, judge_clients, entry_redactor)


def judge_clients(entries: "Sequence[Entry]", dropped: int) -> "list[ClientVerdict]":
    """Return the verdict on each client of a journal, as `nemolocal verdict` gives it."""
    from nemolocal_conformance.client_checks import client_catalogue
    from nemolocal_conformance.client_checks.evaluation import evaluate_journal
    from nemolocal_conformance.reports.report_text import sort_by_outcome, verdict_reason
    from nemolocal_conformance.traffic.journal import LoadedJournal
    from nemolocal_dashboard.verdict_pages import ClientVerdict, Finding

    journal = LoadedJournal(tuple(entries), dropped)
    checks = list(client_catalogue().values())
    users = dict.fromkeys(entry.user_id for entry in entries if entry.user_id)
    verdicts = []
    for user in users:
        found = sort_by_outcome(evaluate_journal(journal, checks, user=user))
        broken = tuple(
            Finding(
                verdict.check,
                verdict.rules,
                verdict.level,
                verdict.sentence,
                verdict_reason(verdict),
                verdict.entries,
                verdict.credits,
            )
            for verdict in found
            if verdict.outcome in ("failed", "warning")
        )
        passed = sum(verdict.outcome == "passed" for verdict in found)
        verdicts.append(ClientVerdict(user, passed, broken))
    return verdicts
