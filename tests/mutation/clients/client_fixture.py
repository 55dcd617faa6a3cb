"""The environment of client mutants: a local server, a shared clock, and the journal."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from nemolocal_client import Attribution, Client, MemoryProfile, NemoError, Turn, steps
from nemolocal_conformance.traffic.journal import LoadedJournal
from nemolocal_conformance.traffic.journal_reader import parse_journal
from nemolocal_contract.endpoints import CLOUD_BASE_URL, FAULTS_ARM, JOURNAL, TOKENS_MAKE
from nemolocal_render.job import RenderResult
from nemolocal_render.media import MediaInfo
from nemolocal_render.temporary_folder import TemporaryFolder
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

from .lockstep_clock import LockstepClock, lockstep_transport

# Seconds in which everything that still runs ends.
_SETTLE_SECONDS = 2000.0
EDIT = "trim to the first 4 seconds"


class _NumberedProfile(MemoryProfile):
    """Takes its client ids from a list, since the server's random choices depend on them."""

    def __init__(self, names: Iterator[str]) -> None:
        super().__init__()
        self._names = names

    def renew_client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        self._client_ids[base_url] = next(self._names)
        return self._client_ids[base_url]


class ClientFixture:
    """A server, and clients that wait by its clock."""

    def __init__(self, base_url: str, clock: LockstepClock, folder: Path) -> None:
        self._base_url = base_url
        self._clock = clock
        # Loading certificates takes longer than most scenarios, and nothing here uses TLS.
        self._http = httpx.Client(base_url=base_url, trust_env=False, verify=False)
        self._clients = contextlib.ExitStack()
        self._client_ids = map("client-{}".format, itertools.count(1))
        self.clip = folder / "clip.mp4"
        self.clip.write_bytes(b"a clip")
        self.second_clip = folder / "second.mp4"
        self.second_clip.write_bytes(b"another clip")
        self.text_file = folder / "notes.txt"
        self.text_file.write_bytes(b"no clip")
        self.output = folder / "out.mp4"

    def close(self) -> None:
        """Close all clients."""
        self._clients.close()
        self._http.close()

    def open_client(
        self, *, profile: MemoryProfile | None = None, token: str | None = None
    ) -> Client:
        """Open a client of the server, by default with an identity of its own."""
        client = Client(
            self._base_url,
            attribution=Attribution("nemolocal-conformance", "1.0"),
            token=token,
            profile=profile or self.new_profile(),
            clock=self._clock,
            environment={},
        )
        return self._clients.enter_context(client)

    def new_profile(self) -> MemoryProfile:
        """Return a new profile that is the same in every run."""
        return _NumberedProfile(self._client_ids)

    def open_client_with_clip(self) -> Client:
        """Open a client with a session and a clip in it."""
        client = self.open_client()
        client.upload(self.clip)
        return client

    def open_client_with_edit(self) -> Client:
        """Open a client with an edit that can be exported."""
        client = self.open_client_with_clip()
        client.say(EDIT)
        return client

    def arm_fault(self, fault: str, endpoint: str, times: int = 1, **args: Any) -> None:
        """Arm a fault for the next requests to an endpoint."""
        self.arm({"name": fault, "match": {"endpoint": endpoint}, "times": times, "args": args})

    def arm(self, order: dict[str, Any]) -> None:
        """Arm a fault that is given in the form of the control API."""
        self._http.post(FAULTS_ARM.template, json=order).raise_for_status()

    def make_token(self) -> str:
        """Create a token by the control API (AUTH-6)."""
        created = self._http.post(
            TOKENS_MAKE.template, json={"user_id": "user_1"}
        ).raise_for_status()
        return str(created.json()["token"])

    def read_journal(self) -> LoadedJournal:
        """Return the journal once everything has ended."""
        self._clock.wait(_SETTLE_SECONDS)
        reply = self._http.get(JOURNAL.template, params={"format": "jsonl"}).raise_for_status()
        return parse_journal(reply.content)


def catch_error(ask: Callable[[], object]) -> NemoError | None:
    """Call something that may fail, and return its error."""
    try:
        ask()
    except NemoError as error:
        return error
    return None


def route_message(fixture: ClientFixture, client: Client, message: str) -> Turn | None:
    """Do what a message asks for, by the endpoint that it is routed to (CLI-2)."""
    turn: Turn | None = None
    for step in steps(message):
        match step.route:
            case "chat":
                turn = client.say(step.text)
            case "export":
                catch_error(lambda: client.export(fixture.output))
            case "credits":
                client.balance()
            case "status":
                client.timeline()
            case "upload" if step.text == fixture.clip.name:
                client.upload(fixture.clip)
            case _:
                pass  # who only asks for an upload is asked for a file
    return turn


@contextlib.contextmanager
def client_fixture(**settings: Any) -> Iterator[ClientFixture]:
    """Start a local server with these settings; probing and rendering are replaced by fakes."""
    settings = {"port": 0, "silence": SilentTurnPolicy(rate=0.0), **settings}
    clock = LockstepClock()
    with contextlib.ExitStack() as stack:
        for name, value in _replacements(clock).items():
            stack.enter_context(mock.patch(name, value))
        chosen = Settings(**settings)
        server = stack.enter_context(LocalServer(chosen, clock, _fake_render, wrap=clock.wrap_app))
        server.call(clock.attach())
        folder = stack.enter_context(TemporaryFolder("mutants"))
        on = ClientFixture(server.base_url, clock, folder)
        stack.callback(on.close)
        yield on


def _replacements(clock: LockstepClock) -> dict[str, Any]:
    return {
        "nemolocal_server.api.upload_endpoints.probe": _fake_probe,
        "nemolocal_client.client.Transport": lockstep_transport(clock),
    }


async def _fake_render(
    plan: Any, destination: Path, on_progress: Callable[[int], None]
) -> RenderResult:
    """Replaces FFmpeg."""
    on_progress(50)
    destination.write_bytes(b"a render")
    return RenderResult(
        duration=plan.duration, size=8, frames=60, width=1280, height=720,
        encoder="none", encoder_reason="stood in for",
    )  # fmt: skip


async def _fake_probe(path: Path, extension: str) -> MediaInfo:
    """Replaces the probe."""
    del path
    return MediaInfo("video", extension, 10.0, 1280, 720, 30.0, "h264", "yuv420p", "aac")
