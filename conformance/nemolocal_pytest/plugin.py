"""The pytest plugin: a local server, a client of it, its clock, faults and journal, as fixtures.

pytest imports this module in every run, used or not, before anything measures coverage: so it
imports pytest alone, and what the fixtures are made of where a test asks for one of them.
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
    from .server import NemoServer

_MARKER = (
    "nemo(scenario=None, faults=()): arm a scenario of the local server, or faults by name, "
    "before the test begins"
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Import what fixtures are made of, if a test wants a server: the first is not to wait."""
    wanted = any(
        "_nemo_shared_server" in getattr(item, "fixturenames", ()) for item in session.items
    )
    if wanted and not session.config.option.collectonly:
        for name in ("server", "faults", "journal"):
            import_module(f"{__package__}.{name}")


@pytest.fixture(scope="session")
def _nemo_shared_server() -> Iterator[NemoServer]:
    """The one server of this process."""
    from .server import open_server

    with open_server() as server:
        yield server


@pytest.fixture
def nemo_server(
    _nemo_shared_server: NemoServer, request: pytest.FixtureRequest
) -> Iterator[NemoServer]:
    """A local server that remembers nothing of other tests; `base_url`, `make_token()`.

    The faults that the marker `nemo` names are armed.
    """
    from .faults import NemoFaults

    _nemo_shared_server.reset()
    marker = request.node.get_closest_marker("nemo")
    if marker is not None:
        NemoFaults(_nemo_shared_server).arm_from_marker(*marker.args, **marker.kwargs)
    yield _nemo_shared_server
    _nemo_shared_server.clear_faults()


@pytest.fixture
def nemo_clock(nemo_server: NemoServer) -> NemoClock:
    """The server's time, which stands still until somebody waits: `advance(seconds)`."""
    return nemo_server.clock


@pytest.fixture
def nemo_client(nemo_server: NemoServer) -> Iterator[Client]:
    """The reference client, with an identity of its own; its waits pass at once."""
    with nemo_server.open_client() as client:
        yield client


@pytest.fixture
def nemo_faults(nemo_server: NemoServer) -> NemoFaults:
    """Arms faults: `nemo_faults.arm("silent")`, `arm("cut-fin", endpoint="chat", after=2)`."""
    from .faults import NemoFaults

    return NemoFaults(nemo_server)


@pytest.fixture
def nemo_journal(nemo_server: NemoServer) -> NemoJournal:
    """What the test's clients did: `entries()`, `assert_conformant()`."""
    from .journal import NemoJournal

    return NemoJournal(nemo_server)


@pytest.fixture
def nemo_respx() -> Iterator[respx.MockRouter]:
    """Answers of the contract to httpx without a socket, at the cloud's address.

    Each route has its endpoint's name: `nemo_respx["chat"].respond(…)` answers otherwise.
    """
    from .respx_router import canned_router

    with canned_router() as router:
        yield router
