"""A bare HTTP caller: sends what it is told to, as a skill would, and returns what came."""

import json
from pathlib import Path
from typing import Any, Protocol, Self

import httpx

from nemolocal_contract.endpoints import FAULT, Attribution, bearer_header
from nemolocal_contract.turn_events import ReceivedEvent, SseParser, decode_turn_events
from tests.support import patient_http

ATTRIBUTION = Attribution("ai-rtk-compressor", "1.0.0").headers()


class HttpCaller:
    """One client id with its token and its latest session; it believes nothing about replies."""

    def __init__(self, base_url: str, client_id: str = "client-1") -> None:
        self.http = httpx.Client(
            base_url=base_url, timeout=patient_http.SECONDS, headers=ATTRIBUTION
        )
        self.client_id = client_id
        self.user_id = ""
        self.session = ""

    def connect(self) -> Self:
        """Take a token and open a session."""
        headers = {"X-Client-Id": self.client_id}
        data = self.post("/api/auth/anonymous-token", headers=headers)["data"]
        self.http.headers.update(bearer_header(data["token"]))
        self.user_id = data["user_id"]
        return self.open_session()

    def open_session(self, **body: object) -> Self:
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
        """The body of a chat request."""
        return {"session_id": self.session, "new_message": {"parts": [{"text": message}]}}

    def say(self, message: str) -> list[ReceivedEvent]:
        """The events of a turn, read to its end."""
        response = self.chat(message)
        assert response.headers["content-type"].startswith("text/event-stream"), response.text
        frames = SseParser().feed(response.content)
        return [event for frame in frames for event in decode_turn_events(frame)]

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


class NewCaller(Protocol):
    """Makes callers of a server."""

    def __call__(self, base_url: str, client_id: str = "client-1") -> HttpCaller:
        """A caller that has neither a token nor a session yet."""
