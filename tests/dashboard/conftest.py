"""A server with a dashboard, a caller that does what a client does, and a browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from nemolocal_contract.endpoints import UI_PREFIX
from nemolocal_server.serving import LocalServer
from tests.support.chromium import start_browser
from tests.support.dashboard import dashboard_server
from tests.support.http_caller import HttpCaller

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with dashboard_server() as started:
        yield started


@pytest.fixture
def caller(server: LocalServer) -> Iterator[HttpCaller]:
    """A caller with a token and a session."""
    caller = HttpCaller(server.base_url).connect()
    yield caller
    caller.http.close()


@pytest.fixture
def pages(server: LocalServer) -> Iterator[httpx.Client]:
    """Asks for pages of the dashboard: `pages.get("/journal")`."""
    with httpx.Client(base_url=f"{server.base_url}{UI_PREFIX}", timeout=60) as client:
        yield client


# Its event loop runs in this thread, where no other can run meanwhile: it ends with the module, and
# the media that some tests need, and that a loop makes, are there before it begins.
@pytest.fixture(scope="module")
def browser(sample: Path) -> Iterator["Browser"]:
    assert sample
    with start_browser() as started:
        yield started
