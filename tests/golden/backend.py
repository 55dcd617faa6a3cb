"""A server whose every byte can be foretold, and a caller who writes down what comes from it.

Time is a manual clock, ids follow a seed, renders and generated media are made without FFmpeg, and
callers reach it under a name without a port.
"""

import base64
import contextlib
import hashlib
import itertools
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import (
    BALANCE,
    CHAT,
    CLIENT_ID,
    CLOCK_ADVANCE,
    SESSION,
    SNAPSHOT,
    STATE,
    TOKEN,
    UPLOAD,
    Attribution,
    bearer_header,
)
from nemolocal_render.job import RenderResult
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_render.probing.media_probe import probe
from nemolocal_server import ids
from nemolocal_server.api import upload_endpoints
from nemolocal_server.dialect import Dialect
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns import media_generator
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

from .exchange import Reply, ask, multipart

HOST = "nemolocal.test"
ATTRIBUTION = Attribution("ai-rtk-compressor", "1.0.0", "clawhub").headers()
SEED = 7
_RENDER = b"a render\n"


class SeededIds:
    """Stands in for `secrets` and `uuid` where ids are made: the same seed, the same ids."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = itertools.count(1)

    def token_urlsafe(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._bytes(size)).rstrip(b"=").decode()

    def randbelow(self, limit: int) -> int:
        return int.from_bytes(self._bytes(16), "big") % limit

    def uuid4(self) -> uuid.UUID:
        return uuid.UUID(bytes=self._bytes(16), version=4)

    def _bytes(self, size: int) -> bytes:
        return hashlib.sha256(f"{self._seed} {next(self._count)}".encode()).digest()[:size]


class SteppedExecutor:
    """Renders without FFmpeg: 40 percent after 10 s of the clock, the file after 20 s."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        on_progress(0)
        await self._clock.sleep(10)
        on_progress(40)
        await self._clock.sleep(10)
        destination.write_bytes(_RENDER)
        # `Last-Modified` and `ETag` of a download follow this.
        os.utime(destination, (self._clock.time(), self._clock.time()))
        return RenderResult(
            duration=2.0, size=len(_RENDER), frames=60, width=plan.width, height=plan.height,
            encoder="none", encoder_reason="planned", warnings=("a warning",),
        )  # fmt: skip


_PROBED: dict[tuple[bytes, str], MediaInfo] = {}


async def _probe(path: Path, extension: str) -> MediaInfo:
    """The real probe, once for each content: its child process is what costs most here."""
    content = path.read_bytes()
    if (content, extension) not in _PROBED:
        _PROBED[content, extension] = await probe(path, extension)
    return _PROBED[content, extension]


async def _make_music(mood: str, seconds: float, path: Path) -> MediaInfo:
    path.write_bytes(f"{mood} music\n".encode())
    return MediaInfo(kind="audio", extension="m4a", duration=seconds, audio_codec="aac")


async def _make_scene(scene: str, seconds: float, seed: int, path: Path) -> MediaInfo:
    path.write_bytes(f"{scene} {seed}\n".encode())
    return MediaInfo(
        kind="video", extension="mp4", duration=seconds, width=1280, height=720, fps=30.0,
        video_codec="h264",
    )  # fmt: skip


@contextlib.contextmanager
def serving(
    name: str, *, autojump: bool = True, dialect: Dialect | None = None, **settings: Any
) -> Iterator["Caller"]:
    """A server for one transcript, and its first caller; `name` seeds the ids.

    With `autojump` time passes while all wait; else only `Caller.advance` moves it.
    """
    seeded = SeededIds(name)
    clock = ManualClock(autojump=autojump)
    chosen: dict[str, Any] = {
        "silence": SilentTurnPolicy(rate=0.0), "seed": SEED, "allowed_hosts": (HOST,), **settings
    }  # fmt: skip
    with (
        mock.patch.object(ids, "secrets", seeded),
        mock.patch.object(ids, "uuid", seeded),
        mock.patch.object(upload_endpoints, "probe", _probe),
        mock.patch.object(media_generator, "make_music", _make_music),
        mock.patch.object(media_generator, "make_scene", _make_scene),
        LocalServer(
            Settings(port=0, dialect=dialect or Dialect(), **chosen), clock, SteppedExecutor(clock)
        ) as server,
    ):
        yield Caller(server.base_url)


class Caller:
    """Sends requests over a socket, one a connection, and keeps those that belong in a transcript.

    `replies` go on as text; `setup` calls leave no trace.
    """

    def __init__(self, base_url: str, client_id: str = "client-1") -> None:
        self.address = base_url.removeprefix("http://")
        self.client_id = client_id
        self.token = ""
        self.user_id = ""
        self.task_id = ""
        self.session = ""
        self._told: list[str] = []

    @property
    def transcript(self) -> str:
        return "\n".join(self._told)

    def another(self, client_id: str) -> "Caller":
        """Somebody else at the same server."""
        return Caller(self.address, client_id)

    # Requests

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str | None] | None = None,
        json_body: Any = None,
        body: bytes = b"",
    ) -> Reply:
        """One request; `headers` stand in for the usual ones, None leaves one out."""
        content, kind = body, dict[str, str]()
        if json_body is not None:
            content = json.dumps(json_body, ensure_ascii=False).encode()
            kind = {"Content-Type": "application/json"}
        if path == CHAT.template:
            kind["Accept"] = "text/event-stream"
        usual = {**(bearer_header(self.token) if self.token else {}), **ATTRIBUTION, **kind}
        sent = {name: value for name, value in {**usual, **(headers or {})}.items() if value}
        lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
        lines += [f"{name}: {value}" for name, value in sent.items()]
        lines += [f"Content-Length: {len(content)}"] * (method != "GET")
        return ask(self.address, "\r\n".join([*lines, "", ""]).encode() + content)

    def record(self, what: str, method: str, path: str, **rest: Any) -> Reply:
        """One request that belongs in the transcript, under a line that says what it is about."""
        reply = self.send(method, path, **rest)
        self._told.append(f"### {method} {path}: {what}\n{reply}")
        return reply

    # What most transcripts begin with

    def connect(self) -> "Caller":
        """Get a token and a session."""
        data = self.send("POST", TOKEN.template, headers={CLIENT_ID: self.client_id}).json()["data"]
        self.token, self.user_id = data["token"], data["user_id"]
        return self.open_session()

    def open_session(self, **body: Any) -> "Caller":
        created = self.send("POST", SESSION.path(user="me"), json_body={"task_name": "p", **body})
        self.task_id, self.session = (
            created.json()["data"]["task_id"],
            created.json()["data"]["session_id"],
        )
        return self

    def upload(self, *names: str, **rest: Any) -> Reply:
        return self.send(
            "POST", self.path(UPLOAD), **multipart(*((name, media(name)) for name in names)), **rest
        )

    def say(self, message: str, **rest: Any) -> Reply:
        return self.send("POST", CHAT.template, json_body=self.turn(message), **rest)

    def turn(self, message: str) -> dict[str, Any]:
        return {
            "app_name": "nemo_agent",
            "user_id": "me",
            "session_id": self.session,
            "new_message": {"parts": [{"text": message}]},
        }

    def path(self, endpoint: Any, **values: str) -> str:
        """The path of an endpoint that is about this caller's session."""
        path: str = endpoint.path(**{"user": "me", "session": self.session, **values})
        return path

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.send("POST", CLOCK_ADVANCE.template, json_body={"seconds": seconds})

    def wait_until_idle(self) -> None:
        """Wait for turns and renders: until then no snapshot is taken. No journal tells of this."""
        while self.send("POST", SNAPSHOT.template, json_body={}).start != "HTTP/1.1 200":
            pass

    def state(self) -> dict[str, Any]:
        data: dict[str, Any] = self.send("GET", self.path(STATE)).json()["data"]
        return data

    def balance(self) -> dict[str, int]:
        data: dict[str, int] = self.send("GET", BALANCE.template).json()["data"]
        return data

    def still(self, length_ms: int = 1000) -> dict[str, Any]:
        """A draft of one clip: the first upload of the session."""
        source = self.state()["state"]["video_infos"][0]["id"]
        segment = {"id": "seg_1", "s": 0, "d": length_ms, "src": source}
        return {"t": [{"tt": 0, "sg": [segment]}], "d": length_ms}


def media(name: str) -> bytes:
    """A file whose bytes are the same everywhere: those that the harness brings along."""
    from nemolocal_conformance.samples import read_sample

    return read_sample(name)
