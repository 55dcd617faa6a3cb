"""The pytest plugin: a local server, its client, clock, faults, replies and journal as fixtures.

pytest imports this module in every run, used or not, before coverage is measured. So it imports
only pytest; the fixtures' modules are imported when a test uses them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import respx

    from nemolocal_client import Client

    from .clock import NemoClock
    from .faults import NemoFaults
    from .journal import NemoJournal
    from .replies import NemoReplies
    from .server import NemoServer

_MARKER = (
    "nemo(scenario=None, faults=(), replies=()): arm a scenario of the local server, or faults by "
    "name, and add scripted replies, before the test begins"
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Import the fixtures' modules if a test needs a server, so that no test waits for it."""
    wanted = any(
        "_nemo_shared_server" in getattr(item, "fixturenames", ()) for item in session.items
    )
    if wanted and not session.config.option.collectonly:
        for name in ("server", "faults", "replies", "journal"):
            import_module(f"{__package__}.{name}")


@pytest.fixture(scope="session")
def _nemo_shared_server() -> Iterator[NemoServer]:
    """The only server of this process."""
    from .server import open_server

    with open_server() as server:
        yield server


@pytest.fixture
def nemo_server(
    _nemo_shared_server: NemoServer, request: pytest.FixtureRequest
) -> Iterator[NemoServer]:
    """A local server without state of other tests; `base_url`, `make_token()`.

    Arms the faults and adds the scripted replies of the `nemo` marker.
    """
    from .faults import NemoFaults
    from .replies import NemoReplies

    _nemo_shared_server.reset()
    marker = request.node.get_closest_marker("nemo")
    if marker is not None:
        wanted = dict(marker.kwargs)
        NemoReplies(_nemo_shared_server).add_from_marker(wanted.pop("replies", ()))
        NemoFaults(_nemo_shared_server).arm_from_marker(*marker.args, **wanted)
    yield _nemo_shared_server
    _nemo_shared_server.clear_faults()


@pytest.fixture
def nemo_clock(nemo_server: NemoServer) -> NemoClock:
    """The server's clock, which stands still until something waits: `advance(seconds)`."""
    return nemo_server.clock


@pytest.fixture
def nemo_client(nemo_server: NemoServer) -> Iterator[Client]:
    """The reference client with its own identity; its waits take no time."""
    with nemo_server.open_client() as client:
        yield client


@pytest.fixture
def nemo_faults(nemo_server: NemoServer) -> NemoFaults:
    """Arms faults: `nemo_faults.arm("silent")`, `arm("cut-fin", endpoint="chat", after=2)`."""
    from .faults import NemoFaults

    return NemoFaults(nemo_server)


@pytest.fixture
def nemo_replies(nemo_server: NemoServer) -> NemoReplies:
    """Tells the agent what to answer: `add(say="Done!")`, `unused()`, `assert_all_used()`."""
    from .replies import NemoReplies

    return NemoReplies(nemo_server)


@pytest.fixture
def nemo_journal(nemo_server: NemoServer) -> NemoJournal:
    """The calls of the test's clients: `entries()`, `assert_conformant()`."""
    from .journal import NemoJournal

    return NemoJournal(nemo_server)


@pytest.fixture
def nemo_respx() -> Iterator[respx.MockRouter]:
    """Mocks httpx with responses of the contract, without a socket, at the cloud's address.

    Each route has the name of its endpoint: `nemo_respx["chat"].respond(…)` replaces its response.
    """
    from .respx_router import canned_router

    with canned_router() as router:
        yield router
