"""Faults, clock, snapshots and verdict in a real browser."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_server.serving import LocalServer
from tests.support.chromium import serious_violations
from tests.support.dashboard import dashboard_server, open_page, wait_until
from tests.support.http_caller import HttpCaller

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
PAGES = ("faults", "clock", "verdict", "snapshots", "about")


def test_armed_fault_hits_the_next_request_and_the_hit_is_counted(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    with open_page(browser, server.base_url) as watched:
        page = watched.visit("/faults?times=2")
        page.locator("#feed-state[data-state=live]").wait_for()
        button = page.locator("#fault-cut-reset button")
        button.focus()
        page.keyboard.press("Enter")
        page.get_by_text("Requests affected: 0 of 2").wait_for()
        with pytest.raises(httpx.TransportError):
            caller.balance()
        page.get_by_text("Requests affected: 1 of 2").wait_for()
        page.get_by_role("button", name="Disarm", exact=True).click()
        page.get_by_text("No fault is armed").wait_for()


@pytest.fixture
def standing() -> Iterator[LocalServer]:
    """A server whose clock stands still until somebody advances it."""
    with dashboard_server(clock=ManualClock()) as started:
        yield started


@pytest.mark.slow
def test_stall_of_fifteen_minutes_ends_by_the_clock(
    browser: "Browser", standing: LocalServer
) -> None:
    caller = HttpCaller(standing.base_url).connect()
    ended = threading.Event()

    def stall() -> None:
        caller.chat("trim to the first 1 second", fault="stall")
        ended.set()

    thread = threading.Thread(target=stall, daemon=True)
    with open_page(browser, standing.base_url) as watched:
        page = watched.visit("/clock")
        thread.start()
        page.get_by_text("turns and renders: 1").wait_for()
        assert not ended.is_set()
        page.get_by_role("button", name="+ 15 min 0 s").click()
        page.get_by_text("No turn or render is running.").wait_for()
        assert ended.wait(60)
    thread.join()
    caller.http.close()


@pytest.mark.slow
def test_snapshot_is_taken_and_restored(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    with open_page(browser, server.base_url) as watched:
        page = watched.visit("/snapshots")
        page.get_by_role("button", name="Take a snapshot").click()
        page.get_by_text("Snapshots (1 of 50)").wait_for()
        first = caller.session
        caller.open_session()
        page.get_by_role("button", name="Restore").click()
        page.get_by_text("Restored").wait_for()
        sessions = server.app.state.services.context.sessions
        wait_until(lambda: sessions.get(caller.session) is None or None)
        assert sessions.get(first) is not None


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{}, {"viewport": {"width": 390, "height": 844}}])
def test_everybody_can_use_the_pages(
    browser: "Browser",
    server: LocalServer,
    caller: HttpCaller,
    scheme: str,
    size: dict[str, Any],
) -> None:
    caller.balance()
    with open_page(browser, server.base_url, color_scheme=scheme, **size) as watched:
        for path in PAGES:
            page = watched.visit(f"/{path}")
            page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
            assert serious_violations(page) == []
            main = page.locator("main").evaluate("m => [m.scrollWidth, m.clientWidth, innerWidth]")
            assert main[0] <= main[1] <= main[2]
