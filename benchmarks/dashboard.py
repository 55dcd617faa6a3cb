"""Measures the dashboard in a Chromium: `python -m benchmarks.dashboard`.

How long a long journal takes to open and to scroll, what a live feed costs the browser and whether
its memory grows, and what the dashboard costs the server: at its start, and each request while a
page is open. Needs Playwright and a Chromium. Processor time is that of the page's main thread, or
of the server's process; other work on the machine disturbs it little, but first paints much.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx

from nemolocal_contract.endpoints import (
    BALANCE,
    JOURNAL_SUMMARY,
    UI_PREFIX,
    Attribution,
    bearer_header,
)
from nemolocal_render.temporary_folder import TemporaryFolder

from .http_load import RequestRate, measure_rate
from .page_work import (
    BROWSER_ARGUMENTS,
    COUNT_ROWS,
    TRACE_CATEGORIES,
    PageWork,
    find_chromium,
    read_work,
    task_times,
)
from .server_process import ServerProcess, start_server
from .sse_load import LoadAccount, open_account

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

_PATH = BALANCE.template
_LOADS = 5
_FIRST_PAINT_MS, _TASK_MS, _READY_MS, _RATIO = 1000, 200, 20, 0.95
# A longer trace takes more memory than the page.
_TRACED_SECONDS = 10.0
_SCROLL = """async () => {
  const viewport = document.getElementById("viewport");
  const frame = () => new Promise(requestAnimationFrame);
  const { left, top } = viewport.getBoundingClientRect();
  const isEmpty = () => !document.elementFromPoint(left + 20, top + 20)?.closest(".row");
  for (let step = 0; step < 120; step++) { viewport.scrollTop += 400; await frame(); }
  for (let part = 0; part <= 20; part++) {
    viewport.scrollTop = (part / 20) * viewport.scrollHeight;
    do await frame(); while (isEmpty());
  }
  viewport.scrollTop = 0;
  do await frame(); while (isEmpty());
}"""
_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; the reader decides whether it is good."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000, help="of the journal")
    parser.add_argument("--minutes", type=float, default=1.0, help="of live feed")
    parser.add_argument("--rate", type=float, default=50.0, help="entries a second of the feed")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement of a rate")
    parser.add_argument("--rounds", type=int, default=12, help="of starts and rates")
    arguments = parser.parse_args(argv)
    with TemporaryFolder("bench") as folder:
        _compare_starts(folder / "start", arguments.rounds)
        asyncio.run(_measure_pages(folder / "pages", arguments))
    return 0


def _compare_starts(data: Path, rounds: int) -> None:
    """Start the server with and without the dashboard in turn."""
    ready: dict[str, list[float]] = {"": [], "--no-ui": []}
    processor: dict[str, list[float]] = {"": [], "--no-ui": []}
    for _ in range(rounds):
        for option in ready:
            began = time.perf_counter()
            with start_server(data, *filter(None, [option])) as own:
                ready[option].append((time.perf_counter() - began) * 1000)
                processor[option].append((own.cpu_seconds() or 0.0) * 1000)
    with_pages, without = median(ready[""]), median(ready["--no-ui"])
    later = with_pages - without
    print(f"ready         {with_pages:9.0f} ms, {later:+.0f} with pages (target: {_READY_MS} ms)")
    of_pages = median(processor[""]) - median(processor["--no-ui"])
    print(f"              {median(processor['']):9.0f} ms of processor time, {of_pages:+.0f}")


async def _measure_pages(data: Path, arguments: argparse.Namespace) -> None:
    from playwright.async_api import async_playwright

    binary = find_chromium()
    if binary is None:
        raise SystemExit("no Chromium on the PATH: install Debian's package chromium, for instance")
    with start_server(data) as own:
        account = open_account(own, sessions=1)
        await _fill_journal(own, account, arguments.entries)
        async with async_playwright() as playwright:
            launch = playwright.chromium.launch
            browser = await launch(executable_path=binary, args=list(BROWSER_ARGUMENTS))
            await _open_often(own, browser)
            page = await _MeasuredPage.open(own, browser)
            await _scroll(page)
            await _feed(own, account, page, arguments.minutes * 60, arguments.rate)
            await page.close()
            await _compare_rates(own, account, browser, arguments)
            await browser.close()


class _MeasuredPage:
    """An open journal that follows the feed."""

    def __init__(self, browser: "Browser", page: "Page", devtools: Any) -> None:
        self._browser = browser
        self._devtools = devtools
        self.page = page
        self.requests = 0
        self.paint_ms = 0.0
        page.on("request", self._count_request)

    @classmethod
    async def open(cls, own: ServerProcess, browser: "Browser") -> "_MeasuredPage":
        """Open the journal in a context of its own, which has nothing in its cache."""
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        page = await context.new_page()
        await page.add_init_script(COUNT_ROWS)
        devtools = await context.new_cdp_session(page)
        await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        made = cls(browser, page, devtools)
        await page.goto(f"{own.base_url}{UI_PREFIX}/journal")
        await page.wait_for_selector("#feed-state[data-state=live]")
        made.paint_ms = await page.evaluate(_FIRST_PAINT)
        return made

    def _count_request(self, _request: object) -> None:
        self.requests += 1

    async def close(self) -> None:
        await self.page.context.close()

    async def work(self) -> PageWork:
        """Return the work so far, and what the page holds without garbage."""
        await self._devtools.send("HeapProfiler.collectGarbage")
        return read_work(await self._devtools.send("Performance.getMetrics"))

    async def rows_made(self) -> int:
        return int(await self.page.evaluate("rowsMade"))

    async def longest_task(self, action: Callable[[], Awaitable[object]]) -> float:
        """Return the milliseconds of processor time of the longest task during an action."""
        categories = list(TRACE_CATEGORIES)
        await self._browser.start_tracing(page=self.page, categories=categories)
        await action()
        return next(iter(task_times(await self._browser.stop_tracing())), 0.0)


async def _fill_journal(own: ServerProcess, account: LoadAccount, entries: int) -> None:
    count = 0
    async with httpx.AsyncClient(base_url=own.base_url, timeout=60) as http:
        while count < entries:
            await measure_rate(own, _PATH, account.token, 0.5)
            await _flush_journal(own)
            # A journal at its limit keeps as many as it had.
            before, count = count, (await http.get(f"{UI_PREFIX}/journal/count")).json()["new"]
            if count == before:
                break
    print(f"journal       {count:9,} entries", flush=True)


async def _flush_journal(own: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=own.base_url, timeout=60) as http:
        (await http.get(JOURNAL_SUMMARY.template)).raise_for_status()


async def _open_often(own: ServerProcess, browser: "Browser") -> None:
    paints, tasks, longest = [], [], []
    before = own.cpu_seconds() or 0.0
    for _ in range(_LOADS):
        page = await _MeasuredPage.open(own, browser)
        paints.append(page.paint_ms)
        tasks.append((await page.work()).task * 1000)

        async def again(shown: "Page" = page.page) -> None:
            await shown.reload()
            await shown.wait_for_selector("#feed-state[data-state=live]")

        longest.append(await page.longest_task(again))
        await page.close()
    each = ((own.cpu_seconds() or 0.0) - before) / _LOADS / 2 * 1000
    print(
        f"first paint   {median(paints):9.0f} ms, {max(paints):.0f} at worst"
        f" (target: {_FIRST_PAINT_MS} ms)"
    )
    print(
        f"opening       {median(tasks):9.0f} ms of processor time, {max(longest):.0f} the longest"
        f" task, {each:.0f} of the server",
        flush=True,
    )


async def _scroll(page: _MeasuredPage) -> None:
    made, asked = await page.rows_made(), page.requests
    longest = await page.longest_task(lambda: page.page.evaluate(_SCROLL))
    print(
        f"scrolling     {longest:9.0f} ms of processor time the longest task (target: {_TASK_MS} ms"
        f"), {await page.rows_made() - made:,} rows, {page.requests - asked} requests",
        flush=True,
    )


async def _feed(
    own: ServerProcess, account: LoadAccount, page: _MeasuredPage, seconds: float, rate: float
) -> None:
    """Let entries come, and print what the page does and holds every quarter of the time."""
    traced = min(_TRACED_SECONDS, seconds / 4)
    await _send_requests(own, account, traced, rate)
    start, made, asked = await page.work(), await page.rows_made(), page.requests
    longest, sent = 0.0, 0
    print(_held("feed", 0.0, start), flush=True)

    async def send(length: float) -> None:
        nonlocal sent
        sent += await _send_requests(own, account, length, rate)

    for quarter in range(1, 5):
        longest = max(longest, await page.longest_task(lambda: send(traced)))
        await send(seconds / 4 - traced)
        print(_held("", seconds * quarter / 4, await page.work()), flush=True)
    done = await page.work() - start
    made, asked = await page.rows_made() - made, page.requests - asked
    print(
        f"              {done.task / max(sent, 1) * 1000:9.2f} ms of processor time an entry,"
        f" {longest:.0f} the longest task (target: {_TASK_MS} ms)"
    )
    print(
        f"              {made / max(sent, 1):9.2f} rows made an entry; {asked / seconds:.1f}"
        f" requests and {done.layouts / seconds:.1f} layouts a second",
        flush=True,
    )


def _held(name: str, seconds: float, work: PageWork) -> str:
    return (
        f"{name:14}{work.heap / 2**20:9.2f} MB of heap after {seconds:.0f} s,"
        f" {work.nodes:,} nodes, {work.listeners} listeners"
    )


async def _send_requests(
    own: ServerProcess, account: LoadAccount, seconds: float, rate: float
) -> int:
    """Send requests at this rate; return how many."""
    loop = asyncio.get_running_loop()
    headers = {**Attribution("bench", "1.0.0").headers(), **bearer_header(account.token)}
    count, began = 0, loop.time()
    async with httpx.AsyncClient(base_url=own.base_url, headers=headers, timeout=60) as http:
        while (due := count / rate) < seconds:
            await asyncio.sleep(began + due - loop.time())
            (await http.get(_PATH)).raise_for_status()
            count += 1
    return count


async def _compare_rates(
    own: ServerProcess, account: LoadAccount, browser: "Browser", arguments: argparse.Namespace
) -> None:
    """Load the server with and without an open page in turn: at the rate of the feed, and fully."""
    feeds: list[list[float]] = [[], []]
    rates: list[list[RequestRate]] = [[], []]
    for round_number in range(2 * arguments.rounds):
        is_open = round_number % 2
        # It is opened in both cases, since opening it makes the next requests cheaper or dearer.
        page = await _MeasuredPage.open(own, browser)
        if not is_open:
            await page.close()
        await _flush_journal(own)
        before = own.cpu_seconds() or 0.0
        await _send_requests(own, account, arguments.seconds, arguments.rate)
        feeds[is_open].append(((own.cpu_seconds() or 0.0) - before) / arguments.seconds * 1000)
        await _flush_journal(own)
        rates[is_open].append(await measure_rate(own, _PATH, account.token, arguments.seconds))
        if is_open:
            await page.close()
    assert all(rate.statuses == {"200"} for part in rates for rate in part), rates
    alone, watched = (median(part) for part in feeds)
    print(
        f"open page     {watched - alone:9.1f} ms of processor time of the server a second, beside"
        f" {alone:.1f} of {arguments.rate:g} requests"
    )
    alone, watched = (median(rate.per_second for rate in part) for part in rates)
    print(f"credits       {alone:9,.0f} requests/s, {watched:,.0f} with an open page")
    alone, watched = (median(rate.cpu_microseconds or 0.0 for rate in part) for part in rates)
    if watched:
        print(
            f"ratio         {alone / watched:9.1%} of the requests for the same processor time"
            f" of the server: {alone:.0f} and {watched:.0f} µs each (target: {_RATIO:.0%})"
        )


if __name__ == "__main__":
    raise SystemExit(main())
