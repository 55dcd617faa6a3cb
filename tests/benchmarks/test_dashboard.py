"""The benchmark of the dashboard measures what it says. No test checks how fast anything is."""

import json
from typing import Any

import pytest

from benchmarks.dashboard import main
from benchmarks.page_work import find_chromium, read_work, task_times

_METRICS = {
    "TaskDuration": 0.5,
    "ScriptDuration": 0.1,
    "LayoutDuration": 0.2,
    "RecalcStyleDuration": 0.05,
    "LayoutCount": 7,
    "RecalcStyleCount": 9,
    "Nodes": 400,
    "JSEventListeners": 44,
    "JSHeapUsedSize": 2_000_000,
}


def metrics(**changed: float) -> dict[str, Any]:
    values = {**_METRICS, **changed}
    return {"metrics": [{"name": name, "value": value} for name, value in values.items()]}


def test_work_since_a_moment_is_the_difference() -> None:
    before = read_work(metrics())
    work = read_work(metrics(TaskDuration=0.75, LayoutCount=10, Nodes=380)) - before
    assert (work.task, work.layouts, work.nodes, work.styles) == (0.25, 3, -20, 0)


def task(thread: int, microseconds: int, name: str = "RunTask") -> dict[str, object]:
    return {"name": name, "pid": 1, "tid": thread, "ph": "X", "tdur": microseconds}


def thread(number: int, name: str) -> dict[str, object]:
    return {"name": "thread_name", "pid": 1, "tid": number, "args": {"name": name}}


def test_tasks_are_those_of_the_main_thread_that_does_most() -> None:
    """Not those of another page, of another thread or of a part of a task."""
    events = [
        thread(1, "CrRendererMain"),
        thread(2, "Compositor"),
        thread(3, "CrRendererMain"),
        task(1, 5_000),
        task(1, 9_000),
        task(1, 8_000, "Layout"),
        task(2, 90_000),
        task(3, 13_000),
        {"name": "RunTask", "pid": 1, "tid": 1, "ph": "I"},
    ]
    assert task_times(json.dumps({"traceEvents": events}).encode()) == [9.0, 5.0]
    assert task_times(b'{"traceEvents": []}') == []


@pytest.mark.browser
@pytest.mark.slow
def test_the_bench_prints_paints_tasks_memory_and_ratios(
    capsys: pytest.CaptureFixture[str],
) -> None:
    if find_chromium() is None:
        pytest.skip("needs a Chromium on the PATH, for instance Debian's package chromium")
    pytest.importorskip("playwright.async_api")
    small = ["--entries", "200", "--minutes", "0.02", "--seconds", "0.1", "--rounds", "1"]
    assert main(small) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split("  ")[0] for line in lines if not line.startswith(" ")]
    assert names == [
        "ready",
        "journal",
        "first paint",
        "opening",
        "scrolling",
        "feed",
        "open page",
        "credits",
        "ratio",
    ]
    assert sum("listeners" in line for line in lines) == 5
