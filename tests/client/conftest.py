"""A scripted backend, and clients of it on a clock that stands still."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nemolocal_client import Client, MemoryProfile, Notice
from nemolocal_contract.endpoints import Attribution
from tests.support import scripted_backend
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import VIDEO, Cut, DraftFactory, Replies, ScriptedBackend


@pytest.fixture
def backend() -> Iterator[ScriptedBackend]:
    """A scripted backend on a free port."""
    with scripted_backend.listening() as backend:
        yield backend


@pytest.fixture
def wire() -> Replies:
    """Replies as bytes."""
    return Replies()


@pytest.fixture
def cut() -> type[Cut]:
    """The end of a connection inside an answer."""
    return Cut


@pytest.fixture
def make_draft() -> DraftFactory:
    """A draft with one video track; each name is a segment."""
    return scripted_backend.make_draft


@pytest.fixture
def video() -> bytes:
    """The file that the backend serves."""
    return VIDEO


@pytest.fixture
def notices() -> list[Notice]:
    """What the client told the user."""
    return []


@pytest.fixture
def make_client(
    backend: ScriptedBackend, notices: list[Notice], face: ClientFactory
) -> Iterator[ClientFactory]:
    """Clients of the backend that keep nothing and take no token from this process."""
    created: list[Client] = []

    def make(**options: Any) -> Client:
        defaults: dict[str, Any] = {
            "attribution": Attribution("test-skill", "1.2.3", "cursor"),
            "profile": MemoryProfile(),
            "clock": backend.clock,
            "notify": notices.append,
            "environment": {},
        }
        client = face(options.pop("base_url", backend.base_url), **{**defaults, **options})
        created.append(client)
        return client

    yield make
    for client in created:
        client.close()


@pytest.fixture
def client(make_client: ClientFactory) -> Client:
    """A client of the backend."""
    return make_client()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A small local file."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(VIDEO)
    return path
