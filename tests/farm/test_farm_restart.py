"""A server that is killed in the middle of a render goes on with the finished parts."""

import asyncio
import contextlib
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nemolocal_client import Attribution
from nemolocal_farm.farm_key import write_farm_key
from nemolocal_render.media import MediaSource
from nemolocal_render.probing.packet_sizes import read_packets
from tests.farm.conftest import EngineProcess, WorkerProcess, wait_until
from tests.support.frames import DecodedVideo

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]

_RETURNED = re.compile(r"part ([0-9a-f]{32}) is returned")


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """`nemolocal serve`, ready."""
    command = [sys.executable, "-m", "nemolocal", "serve", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready, _, _ = select.select([process.stdout], [], [], 120)
            assert ready, "the server does not start"
            assert "serves http://" in process.stdout.readline()
            yield process
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def submit(http: httpx.Client, footage: MediaSource) -> str:
    """Upload the footage, turn it black and white, and start an export."""
    reply = http.post("/api/tasks/me/with-session/nemo_agent", json={}).json()
    session: str = reply["data"]["session_id"]
    files = {"files": (footage.path.name, footage.path.read_bytes())}
    http.post(f"/api/upload-video/nemo_agent/me/{session}", files=files).raise_for_status()
    turn = {
        "session_id": session,
        "new_message": {"parts": [{"text": "make it black and white"}]},
    }
    http.post("/run_sse", json=turn).raise_for_status()
    state = http.get(f"/api/state/nemo_agent/me/{session}/latest").json()["data"]["state"]
    body = {"id": "render_1", "sessionId": session, "draft": state["draft"]}
    assert http.post("/api/render/proxy/lambda", json=body).json()["status"] == "pending"
    return "/api/render/proxy/lambda/render_1"


def test_a_killed_server_goes_on_with_the_finished_parts(
    engine: EngineProcess, footage: MediaSource, tmp_path: Path
) -> None:
    key = tmp_path / "farm.key"
    write_farm_key(key)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    url, farm = f"http://127.0.0.1:{port}", ["--farm", engine.address, "--farm-key", str(key)]
    serve = ["--port", port, "--data", str(tmp_path / "data"), "--silent-rate", "0", *farm]
    worker = WorkerProcess([*farm, "--server", url, "--places", "1"], tmp_path / "worker.log")
    headers = Attribution("ai-rtk-compressor", "1.0.0").headers()
    with contextlib.ExitStack() as stack:
        stack.callback(worker.end)
        with serving(*serve) as process:
            worker.wait_ready()
            token = httpx.post(
                f"{url}/api/auth/anonymous-token", headers={"X-Client-Id": "c"}, timeout=60
            ).json()["data"]["token"]
            signed_in = {**headers, "Authorization": f"Bearer {token}"}
            http = stack.enter_context(httpx.Client(base_url=url, headers=signed_in, timeout=120))
            status = submit(http, footage)
            wait_until(lambda: len(_RETURNED.findall(worker.log.read_text())) > 1, "two parts")
            process.kill()
            process.wait(60)
        finished = _RETURNED.findall(worker.log.read_text())
        with serving(*serve):
            wait_until(
                lambda: http.get(status).json()["status"] not in ("pending", "processing"),
                "the export ends",
            )
            now = http.get(status).json()
            assert now["status"] == "completed", now
            (tmp_path / "out.mp4").write_bytes(http.get(now["output"]["url"]).content)
            assert list((tmp_path / "data" / "work" / "parts").iterdir()) == []
    log = worker.log.read_text()
    assert len(set(_RETURNED.findall(log))) == 5
    # None of those that were finished is rendered a second time.
    assert [log.count(f"part {part} begins") for part in finished] == [1] * len(finished)
    packets = asyncio.run(read_packets(tmp_path, "out.mp4"))
    assert len(packets.sizes) == 1200
    seen = DecodedVideo(tmp_path / "out.mp4")
    assert [seen.counter(n) for n in range(1200)] == [n % 120 for n in range(1200)]
