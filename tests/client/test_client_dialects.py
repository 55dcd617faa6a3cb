"""Every dialect of a real server, found out by the client and never told to it, in both faces."""

import functools
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import shared_time
import write_faults
from nemolocal_client import (
    BadRequest,
    Client,
    OutOfCredits,
    SessionNotFound,
    UnsupportedFile,
)
from nemolocal_contract.endpoints import FAULTS_ARM
from nemolocal_server.dialect import PRESETS, Dialect
from tests.support.client_faces import ClientFactory

MESSAGE = "trim to the first 4 seconds"
SHAPES = [
    msgspec.convert(
        dict(zip(("sse", "heartbeat", "render", "errors"), shape, strict=True)), Dialect
    )
    for shape in itertools.product(
        ("adk", "typed"), ("line", "event"), ("flat", "nested"), ("envelope", "http", "adk")
    )
]
# These three have each value of every field.
SHORT = {
    "adk-line-flat-envelope-strict",
    "typed-line-nested-http-strict",
    "typed-event-flat-adk-strict",
}
NUMBERS = itertools.count(1)
# What may be torn, doubled or left out on the way besides.
BENDS = ("split-frames", "split-utf8", "duplicate-event", "bad-json", "line-separator")


def cases() -> Iterator[Any]:
    """Every shape, and the presets that are none of them."""
    for dialect in [*SHAPES, *(preset for preset in PRESETS.values() if preset not in SHAPES)]:
        name = "-".join(
            (dialect.sse, dialect.heartbeat, dialect.render, dialect.errors, dialect.export_402)
        )
        fast = name in SHORT or dialect not in SHAPES
        yield pytest.param(dialect, id=name, marks=() if fast else pytest.mark.slow)


@pytest.fixture(scope="module", params=cases())
def server(request: pytest.FixtureRequest) -> Iterator[shared_time.ClockedServer]:
    with shared_time.clocked_server(dialect=request.param) as server:
        yield server


@pytest.fixture
def clients(
    faces: dict[str, ClientFactory], server: shared_time.ClockedServer
) -> dict[str, Client]:
    blocking = functools.partial(faces["async"], wait_for=server.clock.run)
    chosen: dict[str, ClientFactory] = {"sync": faces["sync"], "async": blocking}
    number = next(NUMBERS)
    return {
        name: write_faults.open_client(server, f"{name}-{number}", face)
        for name, face in chosen.items()
    }


@pytest.mark.slow
@pytest.mark.rule("GEN-2", "SSE-2", "SSE-3", "REN-4")
def test_both_faces_go_the_whole_way_in_every_dialect(
    server: shared_time.ClockedServer, clients: dict[str, Client], tmp_path: Path
) -> None:
    for name, client in clients.items():
        with client:
            client.upload(server.folder / "clip.mp4")
            turn = client.say(MESSAGE)
            assert not turn.silent
            assert "Timeline (1 track): 1. Video: clip (0-4s)" in " ".join(turn.lines)
            done = client.export(tmp_path / f"{name}.mp4")
            assert (done.path.read_bytes(), done.seconds) == (b"a render", 4.0)
            assert client.balance().available == 50
            assert client.claim_link().startswith(f"{server.base_url}/workspace/claim?ct=clm_")


@pytest.mark.slow
def test_both_faces_know_every_failure_in_every_dialect(
    server: shared_time.ClockedServer, clients: dict[str, Client], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no film")
    for client in clients.values():
        with client:
            with pytest.raises(UnsupportedFile):
                client.upload(tmp_path / "notes.txt")
            client.upload(server.folder / "clip.mp4")
            with pytest.raises(BadRequest, match="parts"):
                client.say(" ")
            arm(server, client, "out-of-credits")
            with pytest.raises(OutOfCredits, match="bind=anon_"):
                client.say(MESSAGE)
            arm(server, client, "token-expired", "chat")
            # The new token has no session yet.
            with pytest.raises(SessionNotFound):
                client.say(MESSAGE)
            with pytest.raises(SessionNotFound):
                client.resume("1" * 19)
            client.open_session()
            assert client.balance().total == 100


@pytest.mark.slow
def test_frames_bent_on_the_way_say_the_same(
    server: shared_time.ClockedServer, clients: dict[str, Client]
) -> None:
    for client in clients.values():
        with client:
            client.upload(server.folder / "clip.mp4")
            for length, bend in enumerate(BENDS, 2):
                arm(server, client, bend)
                lines = list(client.stream(f"trim to the first {9 - length} seconds"))
                reported = " ".join(" ".join(lines).split())
                assert reported.count("Timeline (1 track)") == 1, (bend, lines)
                assert f"(0-{9 - length}s)" in reported, (bend, lines)
                assert "functionCall" not in reported


def arm(
    server: shared_time.ClockedServer, client: Client, fault: str, endpoint: str = "chat"
) -> None:
    user_id = client.workspace.auth.user_id
    match = {"endpoint": endpoint, "user_id": user_id}
    server.http.post(FAULTS_ARM.template, json={"name": fault, "match": match}).raise_for_status()
