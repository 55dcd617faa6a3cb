"""A headless Chromium, driven over plain HTTP by its chromedriver."""

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

# A page's script may take this long, in seconds: patience, not a measure.
_PATIENCE = 300
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
)


class Browser:
    """One window of it."""

    def __init__(self, driver: httpx.Client, session: str) -> None:
        self._driver = driver
        self._session = f"/session/{session}"

    def visit(self, url: str) -> None:
        """Load a page, whatever its status."""
        self._command("url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """What the body of an `async` function returns on the page that was visited."""
        body = (
            "const done = arguments[arguments.length - 1];"
            f"(async (...given) => {{ {script} }})(...arguments)"
            ".then(value => done({value}), error => done({error: String(error)}));"
        )
        reply = self._command("execute/async", {"script": body, "args": list(arguments)})
        assert "error" not in reply, reply
        return reply.get("value")

    def _command(self, name: str, body: dict[str, Any]) -> Any:
        reply = self._driver.post(f"{self._session}/{name}", json=body)
        assert reply.is_success, reply.text
        return reply.json()["value"]


@contextlib.contextmanager
def open_browser(*names: str) -> Iterator[Browser]:
    """A browser in which these names lead to this machine; skips the test where there is none."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("needs a Chromium and its chromedriver, and one of them is not on the PATH")
    rules = ", ".join(f"MAP {name} 127.0.0.1" for name in names)
    with (
        tempfile.TemporaryDirectory(prefix="nemolocal-browser-") as profile,
        subprocess.Popen([chromedriver, "--port=0"], stdout=subprocess.PIPE, text=True) as process,
    ):
        try:
            arguments = [
                *_ARGUMENTS,
                f"--user-data-dir={profile}",
                f"--host-resolver-rules={rules}",
            ]
            yield from _windows(process, chromium, arguments)
        finally:
            process.terminate()


def _windows(
    process: "subprocess.Popen[str]", binary: str, arguments: list[str]
) -> Iterator[Browser]:
    assert process.stdout is not None
    found = None
    while found is None:
        line = process.stdout.readline()
        assert line, "chromedriver did not start"
        found = re.search(r"started successfully on port (\d+)", line)
    wanted = {
        "timeouts": {"script": _PATIENCE * 1000, "pageLoad": _PATIENCE * 1000},
        "goog:chromeOptions": {"binary": binary, "args": arguments},
    }
    base_url = f"http://127.0.0.1:{found[1]}"
    with httpx.Client(base_url=base_url, timeout=_PATIENCE, trust_env=False) as driver:
        reply = driver.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
        assert reply.is_success, reply.text
        session = reply.json()["value"]["sessionId"]
        try:
            yield Browser(driver, session)
        finally:
            driver.delete(f"/session/{session}")
