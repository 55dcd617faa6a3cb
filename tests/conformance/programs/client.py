"""A client of the standard library with one job: upload a clip, edit it, export it.

`python client.py TRANSPORT CLIP OUTPUT` works with `urllib`, `http.client` (keep-alive), `curl` or
`socket` (header names in capitals). It imports nothing of this project, so that the scenarios are
played by a program that shares no code with the server. `BUG` names one rule to break.
"""

import contextlib
import json
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transports import TRANSPORTS, Cut, Reply  # type: ignore[import-not-found]

MESSAGE = "trim to the first second"
SPEED = float(os.environ.get("NEMO_SPEED") or 1)
BUG = os.environ.get("BUG", "")
TOKEN, SESSION = "/api/auth/anonymous-token", "/api/tasks/me/with-session/nemo_agent"
CHAT, RENDER = "/run_sse", "/api/render/proxy/lambda"
BY_STATUS = {401: 1001, 404: 1002, 402: 402, 415: 4001, 413: 4002, 429: 429, 400: 400}


class Failed(Exception):
    """The job cannot be done; the code says why."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


def wait(seconds: float) -> None:
    time.sleep(seconds / SPEED)


class Client:
    """One job against one server."""

    def __init__(self, transport: str, clip: Path) -> None:
        self.send = TRANSPORTS[transport](os.environ["NEMO_API_URL"])
        self.clip = clip
        self.token = os.environ.get("NEMO_TOKEN", "")
        self.manual = bool(self.token)
        self.client_id = str(uuid.uuid4())
        self.session = self.task = ""

    # Requests

    def headers(self, token: bool = True) -> dict[str, str]:
        found = {
            "X-Skill-Source": "a-script",
            "X-Skill-Version": "1.0",
            "X-Skill-Platform": "unknown",
        }
        if BUG == "unattributed":
            del found["X-Skill-Version"]
        return {**found, "Authorization": f"Bearer {self.token}"} if token else found

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send a request and return its JSON; 1001 and 429 are repeated once (CLI-7)."""
        tries = {1001: 0, 429: 0}
        while True:
            at = f"{path}?t={self.token}" if BUG == "token-in-url" and "balance" in path else path
            try:
                return result(self.send(method, at, self.headers(), body, **more).read())
            except Failed as failure:
                self.react(failure, tries)

    def react(self, failure: Failed, tries: dict[int, int]) -> None:
        """Prepare the request for a repetition, or raise what cannot be repeated."""
        code = failure.code
        most = {"renews-for-ever": {1001: 3}, "asks-on": {429: 3}}.get(BUG, {})
        if code not in tries or tries[code] >= most.get(code, 1):
            raise failure
        tries[code] += 1
        if code == 429:
            wait(0 if BUG == "breathless" else 30)
        elif (self.manual and BUG != "replaces-token") or BUG == "stays-refused":
            raise failure
        else:
            self.request_token(renewal=True)

    def request_token(self, renewal: bool = False) -> None:
        if renewal and BUG == "renames-itself":
            self.client_id = str(uuid.uuid4())
        for attempt in range(2):
            fields = {**self.headers(token=False), "X-Client-Id": self.client_id}
            try:
                self.token = result(self.send("POST", TOKEN, fields, None).read())["token"]
                return
            except Failed as failure:
                if attempt or failure.code not in (400, 429):
                    raise
                if failure.code == 400:
                    self.client_id = str(uuid.uuid4())
                else:
                    wait(30)

    def open_session(self) -> None:
        data = self.call("POST", SESSION, {"task_name": "project", "language": "en"})
        self.session, self.task = data["session_id"], data["task_id"]
        self.upload()

    def upload(self) -> None:
        path = f"/api/upload-video/nemo_agent/me/{self.session}"
        try:
            self.call("POST", path, file=self.clip)
        except Failed as failure:
            if failure.code in (4001, 4002) and BUG == "sends-any-file":
                self.call("POST", path, file=self.clip)
            raise

    def draft(self) -> Any:
        path = f"/api/state/nemo_agent/me/{self.session}/latest"
        return self.call("GET", path)["state"]["draft"]

    # The turn

    def edit(self) -> None:
        """Say the message; in a new session if this one is lost (CLI-7)."""
        before = self.draft()
        tries = {1001: 0, 429: 0, 2001: 0, 1002: 0}
        while True:
            try:
                self.settle(before, *self.say())
                return
            except Failed as failure:
                code = failure.code
                if code == 2001 and BUG == "spends-on" and not tries[2001]:
                    tries[2001] += 1
                elif code == 1002 and not tries[1002] and BUG != "gives-up-at-1002":
                    tries[1002] += 1
                    if BUG != "keeps-lost-session":
                        self.open_session()
                        before = self.draft()
                elif code in (1001, 429):
                    self.react(failure, tries)
                else:
                    raise

    def say(self) -> tuple[str, bool]:
        """Send the message; how its stream ended, and whether it had text."""
        parts = [{"text": MESSAGE}]
        body = {
            "app_name": "nemo_agent",
            "user_id": "me",
            "session_id": self.session,
            "new_message": {"parts": parts},
        }
        accept = "*/*" if BUG == "accepts-all" else "text/event-stream"
        text = False
        began = news = time.monotonic()
        patience = 60 if BUG == "deaf-to-heartbeats" else 600
        try:
            reply = self.send("POST", CHAT, {**self.headers(), "Accept": accept}, body)
            if not reply.headers.get("content-type", "").startswith("text/event-stream"):
                result(reply.read())
            for data in events(reply.chunks):
                now = time.monotonic()
                if data.strip() and '"heartbeat"' not in data:
                    news = now
                    text = has_text(data) or text
                if (now - news) * SPEED > patience or (now - began) * SPEED > 900:
                    reply.close()
                    return "timeout", text
        except Cut:
            return "cut", text
        return "end", text

    def settle(self, before: Any, ending: str, text: bool) -> None:
        """Find out what became of a turn without text, by the state alone (CLI-3, CLI-4)."""
        if BUG == "sees-no-typed-text":
            text = False
        if (ending == "end" and text) or BUG == "takes-silence-for-success":
            return
        if f"resends-{ending}-at-once" == BUG:
            self.say()
        changed = self.has_changed(before, ending)
        self.resend(ending, changed)
        if not changed:
            raise Failed(0, "nothing has changed")

    def has_changed(self, before: Any, ending: str) -> bool:
        pauses = [0.0, 30, 60, 60, 60] if ending == "end" else [30.0, 60, 60, 60, 60]
        if ending == "cut" and BUG == "hasty":
            pauses[0] = 1
        for pause in pauses:
            wait(pause)
            if self.draft() != before:
                return True
        return False

    def resend(self, ending: str, changed: bool) -> None:
        """Break the rule that forbids it, in the way that `BUG` names."""
        if f"resends-{ending}{'' if changed else '-unchanged'}" == BUG:
            self.say()
        if BUG == "sees-no-typed-text":
            self.say()
        if f"resends-{ending}-late" == BUG:
            wait(60)
            self.say()
        if f"resends-{ending}-elsewhere" == BUG:
            self.open_session()
            self.say()

    # The export

    def export(self, output: Path) -> None:
        draft = None if BUG == "exports-blindly" else self.draft()
        if not any(track.get("sg") for track in (draft or {"t": [{"sg": [1]}]})["t"]):
            raise Failed(0, "nothing to export")
        fails = {"fails-once-for-all": 1, "tries-three-times": 3}.get(BUG, 2)
        name = self.render_id()
        for number in range(1, fails + 1):
            try:
                self.download(name, self.render(name, draft), output)
                return
            except Failed as failure:
                if failure.code or number == fails:
                    raise
                name = name if BUG == "keeps-the-id" else self.render_id()

    def render_id(self) -> str:
        return f"render_{time.time_ns() // 1000}"

    def render(self, name: str, draft: Any) -> Any:
        """Export, and wait for the end: a poll every 30 s, ten at most (CLI-8)."""
        body = {"id": name, "sessionId": self.session, "draft": draft or self.known_draft()}
        try:
            self.call("POST", RENDER, body)
        except Cut:
            pass  # it may have begun: its id is known
        except Failed as failure:
            if failure.code == 402 and BUG == "exports-blocked":
                self.call("POST", RENDER, body)
            if "duplicate" in str(failure):
                raise Failed(0, str(failure)) from None
            raise
        for _ in range(12 if BUG == "polls-twelve-times" else 10):
            wait(2 if BUG == "polls-too-often" else 30)
            with contextlib.suppress(Cut, ValueError):
                status = self.call("GET", f"{RENDER}/{name}")
                if status["status"] == "failed":
                    raise Failed(0, status.get("error") or "failed")
                if status["status"] == "completed":
                    return status
        raise Failed(-1, "the export has not ended")

    def known_draft(self) -> Any:
        segment = {"id": "s", "s": 0, "d": 1000, "src": "a"}
        return {"t": [{"tt": 0, "id": "v", "sg": [segment]}], "d": 1000}

    def download(self, name: str, status: Any, output: Path) -> None:
        url = (status.get("output") or {}).get("url") or status["outputUrl"]
        size = (status.get("output") or {}).get("size")
        fallback = f"/api/render/proxy/{name}/download"
        ways: list[tuple[str, dict[str, str]]] = [(url, {}), (fallback, self.headers())]
        if BUG == "shows-its-token":
            ways[0] = (url, self.headers())
        elif BUG == "knows-one-way":
            del ways[1]
        elif BUG == "detour":
            del ways[0]
        for at, fields in ways:
            with contextlib.suppress(Cut):
                reply = self.send("GET", at, fields, None)
                data = reply.read().body
                if reply.status == 200 and size in (None, len(data)):
                    output.write_bytes(data)
                    return
        raise Failed(-1, "the file is not to be had")

    def run(self, output: Path) -> None:
        if not self.token:
            self.request_token()
        self.open_session()
        self.call("GET", "/api/credits/balance/simple")
        self.edit()
        self.export(output)
        self.call(
            "POST",
            "/api/auth/claim-token",
            {"task_id": self.task, "session_id": self.session},
        )


def result(reply: Reply) -> Any:
    """The data of a JSON reply in either dialect; `Failed` with its code."""
    try:
        body = json.loads(reply.body)
    except ValueError:
        if reply.status >= 500:
            raise
        raise Failed(BY_STATUS.get(reply.status, 500), "not JSON") from None
    code = body.get("code", 0) or (0 if reply.status < 400 else BY_STATUS.get(reply.status, 500))
    if code:
        raise Failed(code, str(body.get("message") or body.get("error") or body))
    return body.get("data") or body


def events(chunks: Iterator[bytes]) -> Iterator[str]:
    """The data of each event; a bare heartbeat is an empty one."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        *lines, rest = rest.split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].decode("utf-8").strip(" \r")


def has_text(data: str) -> bool:
    """Whether an event has text for the user; raises `Failed` for an error in the stream."""
    try:
        event = json.loads(data)
    except ValueError:
        return False
    if event.get("code"):
        raise Failed(event["code"], str(event.get("message")))
    parts = (event.get("content") or {}).get("parts") if event.get("type") is None else []
    texts = [part.get("text", "") for part in parts or []]
    if event.get("type") == "text":
        texts.append(event["content"])
    return any(text.strip() and "temporary issue" not in text for text in texts)


def main(transport: str, clip: str, output: str) -> int:
    try:
        Client(transport, Path(clip)).run(Path(output))
    except (Failed, Cut, ValueError) as failure:
        print(f"{type(failure).__name__} {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
