"""Servers with a dashboard, and a Chromium with an open page of it."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from nemolocal.dashboard_pages import judge_clients
from nemolocal.journal_redaction import entry_redactor
from nemolocal.journal_replies import write_scenario
from nemolocal_contract.clock import Clock, ManualClock
from nemolocal_contract.endpoints import UI_PREFIX
from nemolocal_dashboard.dashboard_app import build_dashboard
from nemolocal_server.app import add_dashboard
from nemolocal_server.exports.render_executor import RenderExecutor
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from tests.support.servers import server_settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

T = TypeVar("T")


@contextlib.contextmanager
def dashboard_server(
    settings: Settings | None = None,
    clock: Clock | None = None,
    execute: RenderExecutor | None = None,
) -> Iterator[LocalServer]:
    """A server with a dashboard, whose waits pass at once unless it has another clock."""
    chosen = clock or ManualClock(autojump=True)
    server = LocalServer(settings or server_settings(), chosen, execute)
    app = build_dashboard(write_scenario, judge_clients, entry_redactor)
    add_dashboard(server.app, app)
    with server:
        yield server


class WatchedPage:
    """A page of the dashboard, with all that a page must not do."""

    def __init__(self, context: "BrowserContext", base_url: str) -> None:
        self.base_url = base_url
        self.context = context
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', event =>"
            " console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`))"
        )
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("dialog", self._note_dialog)
        self.page.on("request", self._note_request)

    def visit(self, path: str = "/journal") -> "Page":
        """Open a page of the dashboard."""
        self.page.goto(f"{self.base_url}{UI_PREFIX}{path}")
        return self.page

    def _note_console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _note_dialog(self, dialog: Any) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith((self.base_url, "data:", "blob:")):
            self.problems.append(f"request: {request.url}")


@contextlib.contextmanager
def open_page(browser: "Browser", base_url: str, **options: Any) -> Iterator[WatchedPage]:
    """A page in a context of its own; it must not have had any problem when the test ends."""
    context = browser.new_context(**options)
    watched = WatchedPage(context, base_url)
    try:
        yield watched
        assert watched.problems == [], watched.problems
    finally:
        context.close()


def wait_until(read: Callable[[], T | None]) -> T:
    """What a function returns once that is something; a server needs a moment for it."""
    while (found := read()) is None:
        time.sleep(0.01)
    return found


def follow(page: "Page") -> None:
    """Wait until the page hears from the server what changes."""
    page.wait_for_selector("#feed-state[data-state=live]")


def shown_ids(page: "Page") -> list[int]:
    """The entries that the list has rows for, from top to bottom."""
    script = """() => [...document.querySelectorAll('.rows-page .row')]
        .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map(row => Number(row.dataset.id))"""
    found: list[int] = page.evaluate(script)
    return found


def fill_journal(server: LocalServer, count: int) -> None:
    """Repeat the newest entry, 50 times a second, until there are so many."""

    async def insert() -> None:
        services: Any = server.app.state.services
        services.journal.flush()
        columns = "token_id, user_id, endpoint, session_id, code, turn, kind, size, ended"
        # Uneven, as real ones are, so that the waterfall has something to fold.
        later = "i * 0.02 + i * 7919 % 100 * 0.0002"
        entry = f"""json_set(entry, '$.started', json_extract(entry, '$.started') + {later},
            '$.ended', json_extract(entry, '$.ended') + {later})"""
        store = services.context.store
        with store.transaction():
            store.execute(
                f"""WITH RECURSIVE n(i) AS (SELECT max(id) + 1 FROM journal
                    UNION ALL SELECT i + 1 FROM n WHERE i < :count)
                    INSERT INTO journal (id, {columns}, entry) SELECT i, {columns}, {entry} FROM n
                    JOIN (SELECT {columns}, entry FROM journal ORDER BY id DESC LIMIT 1)""",
                count=count,
            )

    server.call(insert())
