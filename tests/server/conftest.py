"""A real server on a socket, its waits on a clock that jumps, and a bare caller to question it."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal_contract.clock import Clock, ManualClock
from nemolocal_contract.events import ReceivedEvent, decode_events
from nemolocal_contract.headers import FAULT, Attribution, bearer
from nemolocal_contract.sse import FrameParser
from nemolocal_render.job import RenderFailed, RenderResult
from nemolocal_render.plan import RenderPlan
from nemolocal_server.dialect import Dialect
from nemolocal_server.executor import RenderExecutor
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.silence import Silence

ATTRIBUTION = Attribution("ai-rtk-compressor", "1.0.0").headers()


class PlannedExecutor:
    """Renders without FFmpeg: reports some progress, then writes a file or fails, as told."""

    def __init__(self) -> None:
        self.plans: list[RenderPlan] = []
        self.running = 0
        self.most_at_once = 0
        self.gate: asyncio.Event | None = None
        self.failure: Exception | None = None

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        self.plans.append(plan)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            for percent in (0, 40, 100):
                on_progress(percent)
                await asyncio.sleep(0)
            if self.gate is not None:
                await self.gate.wait()
            if self.failure is not None:
                raise self.failure
            destination.write_bytes(b"a render")
            return RenderResult(
                duration=2.0, size=8, frames=60, width=1280, height=720,
                encoder="none", encoder_reason="planned", warnings=("a warning",),
            )  # fmt: skip
        finally:
            self.running -= 1


class Caller:
    """Sends what it is told to, as a skill would, and returns what came."""

    def __init__(self, base_url: str, client_id: str = "client-1") -> None:
        self.http = httpx.Client(base_url=base_url, timeout=30, headers=ATTRIBUTION)
        self.client_id = client_id
        self.user_id = ""
        self.session = ""

    def connect(self) -> "Caller":
        headers = {"X-Client-Id": self.client_id}
        data = self.post("/api/auth/anonymous-token", headers=headers)["data"]
        self.http.headers.update(bearer(data["token"]))
        self.user_id = data["user_id"]
        return self.open_session()

    def open_session(self, **body: Any) -> "Caller":
        path = "/api/tasks/me/with-session/nemo_agent"
        reply = self.post(path, json={"task_name": "project", **body})
        self.session = reply["data"]["session_id"]
        return self

    def get(self, path: str) -> dict[str, Any]:
        return self._body(self.http.get(path))

    def post(self, path: str, **rest: Any) -> dict[str, Any]:
        return self._body(self.http.post(path, **rest))

    def _body(self, response: httpx.Response) -> dict[str, Any]:
        body = json.loads(response.content)
        assert isinstance(body, dict)
        return body

    def upload(self, *paths: Path) -> dict[str, Any]:
        files = [("files", (path.name, path.read_bytes())) for path in paths]
        return self.post(f"/api/upload-video/nemo_agent/me/{self.session}", files=files)

    def chat(self, message: str, fault: str = "") -> httpx.Response:
        return self.http.post("/run_sse", json=self.turn(message), headers={FAULT: fault})

    def turn(self, message: str) -> dict[str, Any]:
        return {"session_id": self.session, "new_message": {"parts": [{"text": message}]}}

    def say(self, message: str) -> list[ReceivedEvent]:
        response = self.chat(message)
        assert response.headers["content-type"].startswith("text/event-stream"), response.text
        frames = FrameParser().feed(response.content)
        return [event for frame in frames for event in decode_events(frame)]

    def state(self) -> dict[str, Any]:
        data: dict[str, Any] = self.get(f"/api/state/nemo_agent/me/{self.session}/latest")["data"]
        return data

    def draft(self) -> dict[str, Any]:
        draft: dict[str, Any] = self.state()["state"]["draft"]
        return draft

    def balance(self) -> dict[str, int]:
        data: dict[str, int] = self.get("/api/credits/balance/simple")["data"]
        return data

    def submit(
        self, render_id: str, draft: dict[str, Any] | None = None, fault: str = ""
    ) -> dict[str, Any]:
        body = {"id": render_id, "sessionId": self.session, "draft": draft or self.draft()}
        return self.post("/api/render/proxy/lambda", json=body, headers={FAULT: fault})

    def status(self, render_id: str) -> dict[str, Any]:
        return self.get(f"/api/render/proxy/lambda/{render_id}")

    def finished(self, render_id: str) -> dict[str, Any]:
        """The status once the render has ended."""
        while (status := self.status(render_id))["status"] in ("pending", "processing"):
            pass
        return status


class Servers:
    """Starts servers for one test and stops them after it."""

    def __init__(self) -> None:
        self._open: list[LocalServer] = []

    def start(
        self,
        execute: RenderExecutor | None = None,
        clock: Clock | None = None,
        **settings: Any,
    ) -> str:
        settings.setdefault("silence", Silence(rate=settings.pop("silent_rate", 0.0)))
        spoken = {k: settings.pop(k) for k in Dialect.__struct_fields__ if k in settings}
        settings.setdefault("dialect", Dialect(**spoken))
        server = LocalServer(
            Settings(port=0, **settings), clock or ManualClock(autojump=True), execute
        )
        self._open.append(server.__enter__())
        return server.base_url

    def stop(self) -> None:
        while self._open:
            self._open.pop().__exit__(None, None, None)


@pytest.fixture
def servers() -> Iterator[Servers]:
    started = Servers()
    yield started
    started.stop()


@pytest.fixture
def executor() -> PlannedExecutor:
    return PlannedExecutor()


@pytest.fixture
def base_url(servers: Servers, executor: PlannedExecutor) -> str:
    """A server whose renders are planned, and none of whose edits is silent."""
    return servers.start(executor)


@pytest.fixture
def new_caller(servers: Servers) -> Iterator[Callable[..., Caller]]:
    """Makes callers, and hangs up for them before the servers stop."""
    assert servers
    callers: list[Caller] = []

    def make(base_url: str, client_id: str = "client-1") -> Caller:
        callers.append(Caller(base_url, client_id))
        return callers[-1]

    yield make
    for caller in callers:
        caller.http.close()


@pytest.fixture
def caller(base_url: str, new_caller: Callable[..., Caller]) -> Caller:
    """A caller with a token and a session."""
    return new_caller(base_url).connect()


@pytest.fixture
def edited(caller: Caller, sample: Path) -> Caller:
    """A caller with an upload on its timeline."""
    caller.upload(sample)
    caller.say("edit my raw video footage")
    return caller


@pytest.fixture
def render_failure() -> Exception:
    return RenderFailed("the disk is full")
