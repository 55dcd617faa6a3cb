"""`nemolocal serve` in a process of its own, which may be killed and started again; and exports."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from nemolocal_contract.endpoints import Attribution
from tests.farm.conftest import LOOPBACK, free_port, wait_until

_CLIENT = Attribution("ai-rtk-compressor", "1.0.0").headers()
_ENDED = ("completed", "failed")
_KILLED = 60.0


class ServerProcess:
    """A server with a farm, always at the same address and with the same data."""

    def __init__(self, folder: Path, farm: list[str], host: str = LOOPBACK) -> None:
        port = str(free_port())
        self.url = f"http://{host}:{port}"
        self.data = folder / "data"
        self.log = folder / "server.log"
        self._arguments = ["--host", host, "--port", port, "--data", str(self.data)]
        self._arguments += ["--silent-rate", "0", "--free", *farm]
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; `wait_ready` says when it serves."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "nemolocal", "serve", *self._arguments]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._starts += 1

    def wait_ready(self) -> None:
        process = self._process
        assert process is not None
        wait_until(lambda: self._has_started() or process.poll() is not None, "the server serves")
        assert process.poll() is None, self.log.read_text()

    def _has_started(self) -> bool:
        return self.log.read_text(errors="replace").count("serves http://") == self._starts

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(_KILLED)

    def end(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(_KILLED)
        except subprocess.TimeoutExpired:
            self.kill()

    def files_of_work(self) -> list[str]:
        """What renders have left in the server's folders, as paths within them."""
        work = self.data / "work"
        found = (path for path in work.rglob("*") if path != work / "parts")
        return sorted(str(path.relative_to(work)) for path in found)

    def rendered(self) -> set[str]:
        """The names of the files that exports have made."""
        return set(os.listdir(self.data / "renders"))


class Exporter:
    """A client whose clip is black and white, and which has it rendered."""

    def __init__(self, server: ServerProcess, footage: Path) -> None:
        self._http = httpx.Client(base_url=server.url, headers=_CLIENT, timeout=60, trust_env=False)
        fresh = self._http.post("/api/auth/anonymous-token", headers={"X-Client-Id": "c"})
        self._http.headers["Authorization"] = f"Bearer {fresh.json()['data']['token']}"
        reply = self._http.post("/api/tasks/me/with-session/nemo_agent", json={}).json()
        session = self._session = reply["data"]["session_id"]
        files = {"files": (footage.name, footage.read_bytes())}
        upload = self._http.post(f"/api/upload-video/nemo_agent/me/{session}", files=files)
        upload.raise_for_status()
        message = {"parts": [{"text": "make it black and white"}]}
        turn = {"session_id": session, "new_message": message}
        self._http.post("/run_sse", json=turn).raise_for_status()
        latest = self._http.get(f"/api/state/nemo_agent/me/{session}/latest").json()
        self._draft = latest["data"]["state"]["draft"]

    def close(self) -> None:
        self._http.close()

    def export(self, name: str) -> None:
        """Start an export under a new id."""
        body = {"id": name, "sessionId": self._session, "draft": self._draft}
        reply = self._http.post(_path(""), json=body)
        assert reply.json()["status"] == "pending", reply.text

    def status(self, name: str) -> dict[str, Any]:
        """The status of an export, as soon as the server says it."""
        return self._ask(lambda: self._http.get(_path(name)))

    def cancel(self, name: str) -> None:
        """Cancel an export, as soon as the server takes it."""
        self._ask(lambda: self._http.post(f"{_path(name)}/cancel"))

    def wait_progress(self, name: str, percent: int) -> None:
        """Wait until an export is so far, or has ended."""

        def is_there() -> bool:
            status = self.status(name)
            return status["status"] in _ENDED or status["progress"] >= percent

        wait_until(is_there, f"the export {name} gets on")

    def wait_end(self, name: str) -> dict[str, Any]:
        """Wait until an export has ended; return its status."""
        wait_until(lambda: self.status(name)["status"] in _ENDED, f"the export {name} ends")
        return self.status(name)

    def download(self, status: dict[str, Any]) -> bytes:
        """The file of a completed export."""
        return self._http.get(status["output"]["url"]).raise_for_status().content

    def _ask(self, request: Callable[[], httpx.Response]) -> dict[str, Any]:
        replies: list[dict[str, Any]] = []

        def ask() -> bool:
            try:
                replies.append(request().raise_for_status().json())
            except httpx.TransportError:
                return False
            return True

        wait_until(ask, "the server answers")
        return replies[-1]


def _path(name: str) -> str:
    return "/api/render/proxy/lambda" + (f"/{name}" if name else "")
