"""Where clients are put to the test: a local server, a clock that both share, and its journal."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from nemolocal_client import Attribution, Client, MemoryProfile, NemoError, Turn, steps
from nemolocal_contract.endpoints import CLOUD_BASE_URL, FAULTS_ARM, JOURNAL, TOKENS_MAKE
from nemolocal_render.job import RenderResult
from nemolocal_render.media import MediaInfo
from nemolocal_render.temporary_folder import TemporaryFolder
from nemolocal_server.app import build_app
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.silence import Silence

from ...records.journal import Journal
from ...records.reading import parse_journal
from .lockstep import LockstepClock, lockstep_transport

# Seconds in which whatever still runs comes to its end.
_LONG = 2000.0
EDIT = "trim to the first 4 seconds"


class _Profile(MemoryProfile):
    """Takes its client ids from a list, since what a server draws follows from them."""

    def __init__(self, names: Iterator[str]) -> None:
        super().__init__()
        self._names = names

    def renew_client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        self._client_ids[base_url] = next(self._names)
        return self._client_ids[base_url]


class ClientStage:
    """A server, and clients of it that wait by its clock."""

    def __init__(self, base_url: str, clock: LockstepClock, folder: Path) -> None:
        self._base_url = base_url
        self._clock = clock
        # Whom to trust takes longer to read than most scenarios, and nobody here speaks TLS.
        self._http = httpx.Client(base_url=base_url, trust_env=False, verify=False)
        self._clients = contextlib.ExitStack()
        self._names = map("client-{}".format, itertools.count(1))
        self.clip = folder / "clip.mp4"
        self.clip.write_bytes(b"a clip")
        self.second_clip = folder / "second.mp4"
        self.second_clip.write_bytes(b"another clip")
        self.notes = folder / "notes.txt"
        self.notes.write_bytes(b"no clip")
        self.output = folder / "out.mp4"

    def close(self) -> None:
        """Close all clients."""
        self._clients.close()
        self._http.close()

    def client(self, *, profile: MemoryProfile | None = None, token: str | None = None) -> Client:
        """A client of the server, by default one of its own identity."""
        client = Client(
            self._base_url,
            attribution=Attribution("nemolocal-conformance", "1.0"),
            token=token,
            profile=profile or self.profile(),
            clock=self._clock,
            environment={},
        )
        return self._clients.enter_context(client)

    def profile(self) -> MemoryProfile:
        """Somebody who was never here, and is the same in every run."""
        return _Profile(self._names)

    def ready(self) -> Client:
        """A client with a session and a clip in it."""
        client = self.client()
        client.upload(self.clip)
        return client

    def edited(self) -> Client:
        """A client with something to export."""
        client = self.ready()
        client.say(EDIT)
        return client

    def arm(self, fault: str, endpoint: str, times: int = 1, **args: Any) -> None:
        """Let a fault befall the next requests to an endpoint."""
        order = {"name": fault, "match": {"endpoint": endpoint}, "times": times, "args": args}
        self._http.post(FAULTS_ARM.template, json=order).raise_for_status()

    def manual_token(self) -> str:
        """A token made by hand (AUTH-6)."""
        made = self._http.post(TOKENS_MAKE.template, json={"user_id": "user_1"}).raise_for_status()
        return str(made.json()["token"])

    def journal(self) -> Journal:
        """What the server wrote down, once everything has come to its end."""
        self._clock.wait(_LONG)
        reply = self._http.get(JOURNAL.template, params={"format": "jsonl"}).raise_for_status()
        return parse_journal(reply.content)


def attempt(ask: Callable[[], object]) -> NemoError | None:
    """Ask for something that may go wrong; the error that it ends with."""
    try:
        ask()
    except NemoError as error:
        return error
    return None


def tell(on: ClientStage, client: Client, message: str) -> Turn | None:
    """Do what a message says, wherever its words send it (CLI-2)."""
    turn: Turn | None = None
    for step in steps(message):
        match step.route:
            case "chat":
                turn = client.say(step.text)
            case "export":
                attempt(lambda: client.export(on.output))
            case "credits":
                client.balance()
            case "status":
                client.timeline()
            case "upload" if step.text == on.clip.name:
                client.upload(on.clip)
            case _:
                pass  # who only asks for an upload is asked for a file
    return turn


@contextlib.contextmanager
def client_stage(**settings: Any) -> Iterator[ClientStage]:
    """A server of ours with these settings; looking into files and rendering are stood in for."""
    settings = {"port": 0, "silence": Silence(rate=0.0), **settings}
    clock = LockstepClock()
    with contextlib.ExitStack() as stack:
        for name, value in _stand_ins(clock).items():
            stack.enter_context(mock.patch(name, value))
        chosen = Settings(**settings)
        server = stack.enter_context(LocalServer(chosen, clock, _render))
        folder = stack.enter_context(TemporaryFolder("mutants"))
        on = ClientStage(server.base_url, clock, folder)
        stack.callback(on.close)
        yield on


def _stand_ins(clock: LockstepClock) -> dict[str, Any]:
    def build_watched(*arguments: Any) -> Any:
        return clock.watch(build_app(*arguments))

    return {
        "nemolocal_server.serving.build_app": build_watched,
        "nemolocal_server.endpoints.uploads.probe": _look_into,
        "nemolocal_client.client.Transport": lockstep_transport(clock),
    }


async def _render(plan: Any, destination: Path, on_progress: Callable[[int], None]) -> RenderResult:
    """Stands in for FFmpeg."""
    on_progress(50)
    destination.write_bytes(b"a render")
    return RenderResult(
        duration=plan.duration, size=8, frames=60, width=1280, height=720,
        encoder="none", encoder_reason="stood in for",
    )  # fmt: skip


async def _look_into(path: Path, extension: str) -> MediaInfo:
    """Stands in for the probe."""
    del path
    return MediaInfo("video", extension, 10.0, 1280, 720, 30.0, "h264", "yuv420p", "aac")
