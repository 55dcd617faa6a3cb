"""A headless Chromium that Playwright leads, and a page that notes what it must not do."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.page_work import BROWSER_ARGUMENTS, find_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Request

# Local resources of a page that stands alone.
_OWN_SCHEMES = ("file:", "data:", "blob:")


@contextlib.contextmanager
def start_browser(*names: str) -> Iterator["Browser"]:
    """A headless Chromium in which these names lead to this machine; skips where there is none.

    Playwright runs an event loop in this thread until the end: nothing else can meanwhile.
    """
    binary = find_chromium()
    if binary is None:
        pytest.skip("needs a Chromium on the PATH, for instance Debian's package chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    mapped = ", ".join(f"MAP {name} 127.0.0.1" for name in names)
    arguments = (
        [*BROWSER_ARGUMENTS, f"--host-resolver-rules={mapped}"]
        if names
        else list(BROWSER_ARGUMENTS)
    )
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def open_document(
    document: Path | str, *, width: int = 1280, dark: bool = False, allowed: str = "file:"
) -> Iterator["Page"]:
    """Open a file with the network off, or a URL, in a browser; fails at the end if it misbehaved.

    It may show no dialog, log nothing to the console, break no content security policy and request
    nothing but what begins with `allowed`.
    """
    problems: list[str] = []
    with start_browser() as browser:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            offline=isinstance(document, Path),
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.set_default_timeout(120_000)
        _watch(page, problems, allowed)
        page.goto(document.as_uri() if isinstance(document, Path) else document)
        yield page
    assert not problems


def _watch(page: "Page", problems: list[str], allowed: str) -> None:
    def note_dialog(dialog: "Dialog") -> None:
        problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def note_request(request: "Request") -> None:
        if not request.url.startswith((*_OWN_SCHEMES, allowed)):
            problems.append(f"request: {request.url}")

    page.on("console", lambda message: problems.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("dialog", note_dialog)
    page.on("request", note_request)


def scrolls_sideways(page: "Page") -> bool:
    """Whether the page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def serious_violations(page: "Page") -> list[str]:
    """Return what axe-core calls serious or critical on the page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
