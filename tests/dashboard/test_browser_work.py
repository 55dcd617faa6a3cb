"""The work that the journal gives a browser, in counts, and in processor time by its own measure.

What is compared is done by the same page on the same machine, so that the verdict is the same on a
busy one.
"""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from benchmarks.page_work import COUNT_ROWS, TRACE_CATEGORIES, PageWork, read_work, task_times
from benchmarks.server_process import start_server
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import CONTROL_PREFIX, FAULT
from nemolocal_server.inspection.change_feed import INTERVAL_SECONDS
from nemolocal_server.serving import LocalServer
from tests.support.dashboard import (
    WatchedPage,
    dashboard_server,
    fill_journal,
    follow,
    open_page,
    shown_ids,
    wait_until,
)
from tests.support.http_caller import HttpCaller

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = [pytest.mark.browser, pytest.mark.slow]
# Rows in a page of the list, which the server renders and the browser inserts at once.
PAGE = 50
# Milliseconds; no browser lays out hundreds of rows in less.
LEAST_TASK = 1.0
# What the page would do if it had so many rows: the yardstick of its tasks.
LAY_OUT_ROWS = """(count) => {
    const page = document.querySelector('.rows-page');
    const copy = page.cloneNode(false);
    const rows = [...page.children].map(row => row.outerHTML).join('');
    copy.innerHTML = rows.repeat(Math.ceil(count / page.childElementCount));
    document.getElementById('rows').append(copy);
    copy.getBoundingClientRect();
    copy.remove();
}"""


class MeasuredPage:
    """A page of the journal with counts of what it does."""

    def __init__(self, browser: "Browser", watched: WatchedPage) -> None:
        self._browser = browser
        self.watched = watched
        self.page = watched.page
        self.page.add_init_script(COUNT_ROWS)
        self.requests: list[str] = []
        self.events = 0
        self.page.on("request", lambda request: self.requests.append(request.url))
        self._devtools = watched.context.new_cdp_session(self.page)
        self._devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._devtools.send("Network.enable")
        self._devtools.on("Network.eventSourceMessageReceived", self._count_event)

    def _count_event(self, _event: object) -> None:
        self.events += 1

    @property
    def rows_made(self) -> int:
        return int(self.page.evaluate("rowsMade"))

    def row_requests(self) -> list[str]:
        """The requests for rows so far, which are forgotten."""
        found = [url for url in self.requests if "/journal/rows" in url]
        self.requests.clear()
        return found

    def work(self) -> PageWork:
        """The work so far; what it holds is counted without garbage."""
        self._devtools.send("HeapProfiler.collectGarbage")
        return read_work(self._devtools.send("Performance.getMetrics"))

    def task_times(self, action: Callable[[], object]) -> list[float]:
        """Milliseconds of processor time of each task of the page during an action."""
        self._browser.start_tracing(page=self.page, categories=list(TRACE_CATEGORIES))
        action()
        return task_times(self._browser.stop_tracing())

    def yardstick(self, rows: int) -> float:
        """Milliseconds of processor time of the task that lays out so many rows at once."""
        # Once in a while a trace misses what happens just after it was asked for.
        for _ in range(5):
            longest = self.task_times(lambda: self.page.evaluate(LAY_OUT_ROWS, rows))[0]
            if longest > LEAST_TASK:
                return longest
        raise AssertionError(f"five traces do not have the layout of {rows} rows")

    def show_newest(self, newest: int) -> None:
        """Wait until the list begins with this entry."""
        self.page.locator(f".row[data-id='{newest}'][aria-rowindex='2']").wait_for()


def test_a_live_entry_costs_a_row_and_not_the_list(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    """120 entries in bursts of 10: what is made, asked for, laid out and kept goes with those."""
    caller.balance()
    fill_journal(server, 10_000)
    with open_page(browser, server.base_url, viewport={"width": 1280, "height": 1800}) as watched:
        measured = MeasuredPage(browser, watched)
        measured.watched.visit()
        follow(measured.page)
        newest = 10_000

        def add_entries(bursts: int) -> None:
            nonlocal newest
            for _ in range(bursts):
                for _ in range(10):
                    caller.balance()
                newest += 10
                measured.show_newest(newest)
                ids = shown_ids(measured.page)
                assert ids == list(range(newest, newest - len(ids), -1))

        # The first page of new entries is complete before anything is measured.
        add_entries(6)
        measured.row_requests()
        made, events, before = measured.rows_made, measured.events, measured.work()
        add_entries(12)
        work, events = measured.work() - before, measured.events - events
        requests = measured.row_requests()
        assert len(requests) <= events
        assert all("since=" in url for url in requests)
        # Some rows move when the head becomes a page; none is made twice.
        assert 120 <= measured.rows_made - made <= 120 + 2 * PAGE
        assert len(shown_ids(measured.page)) <= 4 * PAGE
        assert work.layouts <= 4 * events
        assert work.listeners == 0
        assert work.nodes <= before.nodes / 4


def test_no_task_of_a_long_journal_is_as_long_as_500_rows(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    """Opening 10,000 entries, scrolling through them, and 60 live ones."""
    caller.balance()
    fill_journal(server, 10_000)
    with open_page(browser, server.base_url) as watched:
        measured = MeasuredPage(browser, watched)
        page = measured.page

        def open_journal() -> None:
            watched.visit()
            follow(page)

        # The first time, the browser also compiles the scripts and reads the fonts.
        open_journal()
        # The first rows come with the page.
        assert measured.row_requests() == []
        opening = measured.task_times(open_journal)
        yardstick = measured.yardstick(500)

        def live() -> None:
            for number in range(60):
                caller.balance()
                if number % 12 == 11:
                    measured.show_newest(10_000 + number + 1)

        def scroll() -> None:
            for top in range(0, 300_000, 10_000):
                page.evaluate("top => { document.getElementById('viewport').scrollTop = top }", top)
                page.locator(f".row[aria-rowindex='{top // 34 + 2}']").wait_for()

        for action in (opening, measured.task_times(live), measured.task_times(scroll)):
            assert 0 < action[0] < yardstick, (action[:3], yardstick)


def test_page_asks_a_busy_server_for_less(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    """Between its requests it waits for several times as long as the server takes."""
    asked: list[float] = []
    took: list[float] = []

    def answer_late(route: "Route") -> None:
        asked.append(time.monotonic())
        time.sleep(0.05)
        route.continue_()
        took.append(time.monotonic() - asked[-1])

    with open_page(browser, server.base_url) as watched:
        page = watched.visit()
        follow(page)
        page.route("**/journal/rows?*", answer_late)
        while len(asked) < 4:
            caller.balance()
            page.wait_for_timeout(10)
        for before, after, needed in zip(asked, asked[1:], took, strict=False):
            # It waits for five seconds at most.
            assert after - before > min(5 * needed, 4)


def test_hidden_page_asks_for_nothing_and_catches_up_when_it_is_shown(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    show = """state => {
        const value = state === 'hidden';
        Object.defineProperty(document, 'hidden', { value, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    with open_page(browser, server.base_url) as watched:
        page = watched.visit()
        follow(page)
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        with page.expect_event("requestfailed", lambda request: "/events" in request.url):
            page.evaluate(show, "hidden")
        for _ in range(5):
            caller.balance()
        httpx.get(f"{server.base_url}{CONTROL_PREFIX}/journal?limit=0").raise_for_status()
        # A page that follows would have asked by now.
        page.wait_for_timeout(2000 * INTERVAL_SECONDS)
        assert requests == []
        page.evaluate(show, "visible")
        page.locator(".rows-page .row[data-id='7']").wait_for()
        assert shown_ids(page) == list(range(7, 0, -1))


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals")
def test_stopped_server_that_continues_leaves_no_gap_and_no_double(
    browser: "Browser", tmp_path: Path
) -> None:
    with start_server(tmp_path / "data") as own:
        caller = HttpCaller(own.base_url).connect()
        with open_page(browser, own.base_url) as watched, ThreadPoolExecutor() as threads:
            page = watched.visit()
            follow(page)
            for newest in (8, 14, 20):
                os.kill(own.process_id, signal.SIGSTOP)
                # The system takes the connection and the request; the process knows of neither.
                waiting = threads.submit(caller.balance)
                # The page would have heard of it by now.
                page.wait_for_timeout(2000 * INTERVAL_SECONDS)
                assert not waiting.done()
                os.kill(own.process_id, signal.SIGCONT)
                waiting.result()
                for _ in range(5):
                    caller.balance()
                page.locator(f".row[data-id='{newest}']").wait_for()
                assert shown_ids(page) == list(range(newest, 0, -1))
        caller.http.close()


def test_row_of_a_turn_is_renewed_when_the_turn_ends(browser: "Browser", sample: Path) -> None:
    """The client hangs up first, so that the entry is there before its truth is."""
    with dashboard_server(clock=ManualClock()) as server:
        caller = HttpCaller(server.base_url).connect()
        caller.upload(sample)
        turn = caller.turn("make it black and white")
        with caller.http.stream("POST", "/run_sse", json=turn, headers={FAULT: "silent"}):
            pass
        journal = f"{server.base_url}{CONTROL_PREFIX}/journal"
        wait_until(lambda: httpx.get(journal).json()["entries"][3:] or None)
        with open_page(browser, server.base_url) as watched:
            page = watched.visit()
            follow(page)
            row = page.locator(".row[data-id='4']")
            assert "silent, not applied yet" in row.inner_text()
            url = f"{server.base_url}{CONTROL_PREFIX}/clock/advance"
            httpx.post(url, json={"seconds": 600}).raise_for_status()
            row.get_by_text("silent, applied late").wait_for()
            assert shown_ids(page) == [4, 3, 2, 1]
        caller.http.close()
