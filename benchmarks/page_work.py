"""What a page of a browser costs: processor time, layouts and tasks, from Chromium's own counts.

Times are of the page's main thread on a processor, so that other work on the machine hardly changes
them.
"""

import json
import shutil
from collections.abc import Mapping
from typing import Any

import msgspec

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
)
TRACE_CATEGORIES = ("disabled-by-default-devtools.timeline",)
"""What to record for `task_times`."""

_TASK = "RunTask"
_MAIN_THREAD = "CrRendererMain"

COUNT_ROWS = """
{
const selector = ".rows-page .row";
window.rowsMade = 0;
new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    if (!(node instanceof Element)) continue;
    window.rowsMade += node.matches(selector) ? 1 : node.querySelectorAll(selector).length;
  }
}).observe(document, { childList: true, subtree: true });
}
"""
"""A script for a new page, which counts in `window.rowsMade` the rows of the journal it inserts."""


def find_chromium() -> str | None:
    """Return the path of a Chromium; None if there is none."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


class PageWork(msgspec.Struct, frozen=True):
    """The work of a page: seconds on the processor and counts, both since it was opened.

    `nodes`, `listeners` and `heap` (bytes) are what it holds now.
    """

    task: float
    script: float
    layout: float
    style: float
    layouts: int
    styles: int
    nodes: int
    listeners: int
    heap: int

    def __sub__(self, before: "PageWork") -> "PageWork":
        """Return the work since then."""
        names = self.__struct_fields__
        return PageWork(*(getattr(self, name) - getattr(before, name) for name in names))


def read_work(metrics: Mapping[str, Any]) -> PageWork:
    """Return the work of a page from the answer of `Performance.getMetrics` (DevTools protocol).

    The domain must have been enabled with the time domain `threadTicks`.
    """
    values = {item["name"]: item["value"] for item in metrics["metrics"]}
    return PageWork(
        task=values["TaskDuration"],
        script=values["ScriptDuration"],
        layout=values["LayoutDuration"],
        style=values["RecalcStyleDuration"],
        layouts=int(values["LayoutCount"]),
        styles=int(values["RecalcStyleCount"]),
        nodes=int(values["Nodes"]),
        listeners=int(values["JSEventListeners"]),
        heap=int(values["JSHeapUsedSize"]),
    )


def task_times(trace: bytes) -> list[float]:
    """Return the milliseconds on the processor of each task of the busiest page, longest first.

    `trace` is what Chromium recorded of `TRACE_CATEGORIES`, as JSON.
    """
    events = json.loads(trace)["traceEvents"]
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == _MAIN_THREAD
    }
    times: dict[tuple[int, int], list[float]] = {thread: [] for thread in threads}
    for event in events:
        thread = event.get("pid"), event.get("tid")
        if event["name"] == _TASK and thread in threads and "tdur" in event:
            times[thread].append(event["tdur"] / 1000)
    busiest = max(times.values(), key=sum, default=[])
    return sorted(busiest, reverse=True)
