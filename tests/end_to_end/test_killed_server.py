"""A server killed without warning: what was saved is there when it starts again."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nemolocal_client import Attribution, Client, PollPolicy
from nemolocal_contract.clock import WallClock

SKILL = Attribution("ai-rtk-compressor", "1.0.0")
# A tenth of a second of real time at the speed of the clock below.
QUICK = PollPolicy(seconds=100, times=600)
_LOOK_AGAIN = 0.02


@contextlib.contextmanager
def serving(data: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """`nemolocal serve` in a process of its own, and its base URL."""
    command = [sys.executable, "-m", "nemolocal", "serve", "--port", "0", "--data", str(data)]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = re.search(r"http://\S+", process.stdout.readline())
        assert address is not None
        try:
            yield address[0], process
        finally:
            process.kill()


def client_of(base_url: str, token: str) -> Client:
    clock = WallClock(1000)
    return Client(base_url, attribution=SKILL, token=token, clock=clock, polling=QUICK)


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.rule("SES-2")
def test_after_sigkill_session_uploads_draft_and_credits_are_there_and_export_works(
    tmp_path: Path, sample: Path
) -> None:
    data = tmp_path / "data"
    with serving(data) as (base_url, process):
        token = anonymous_token(base_url)
        with client_of(base_url, token) as client:
            client.upload(sample)
            client.say("trim to the first 1 second")
            session = str(client.session_id)
            before = (client.state().state.draft, client.balance())
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    with serving(data) as (base_url, _), client_of(base_url, token) as client:
        client.resume(session)
        assert (client.state().state.draft, client.balance()) == before
        export = client.export(tmp_path / "out.mp4")
    assert export.seconds == pytest.approx(1, abs=0.05)


@pytest.mark.slow
@pytest.mark.rule("CRD-2")
def test_a_turn_cut_short_by_sigkill_gives_its_credits_back(tmp_path: Path, sample: Path) -> None:
    data = tmp_path / "data"
    # At a speed of 0.01 the edit will not be done while this test lasts.
    with serving(data, "--speed", "0.01") as (base_url, process):
        http = skill(base_url)
        sid = begin_edit(http, sample)
        assert balance(http) == {"available": 50, "frozen": 50, "total": 100}
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    with serving(data) as (base_url, _):
        http.base_url = httpx.URL(base_url)
        assert balance(http) == {"available": 100, "frozen": 0, "total": 100}
        state = http.get(f"/api/state/nemo_agent/me/{sid}/latest").json()["data"]["state"]
        assert state["draft"]["t"] == []
        assert state["video_infos"][0]["filename"] == sample.name
    http.close()


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_ffmpeg_ends_with_a_killed_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as (base_url, process), skill(base_url) as http:
        sid = open_session(http)
        # Two hours of black with a title: it would go on for minutes.
        title = {"tt": 7, "sg": [{"s": 0, "d": 7_200_000, "txt": "long"}]}
        body = {"id": "render_1", "sessionId": sid, "draft": {"t": [title]}}
        assert http.post("/api/render/proxy/lambda", json=body).json()["status"] == "pending"
        while not (running := renderers(data)):
            time.sleep(_LOOK_AGAIN)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    while any(pid in renderers(data) for pid in running):
        time.sleep(_LOOK_AGAIN)


def renderers(data: Path) -> list[str]:
    """The processes whose working folder is a job folder of this data folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(data / "work"):
                found.append(process.name)
    return found


def anonymous_token(base_url: str) -> str:
    reply = httpx.post(
        f"{base_url}/api/auth/anonymous-token", headers={"X-Client-Id": "c"}, timeout=60
    )
    token: str = reply.json()["data"]["token"]
    return token


def skill(base_url: str) -> httpx.Client:
    headers = {**SKILL.headers(), "Authorization": f"Bearer {anonymous_token(base_url)}"}
    return httpx.Client(base_url=base_url, headers=headers, timeout=120)


def open_session(http: httpx.Client) -> str:
    reply = http.post("/api/tasks/me/with-session/nemo_agent", json={}).json()
    sid: str = reply["data"]["session_id"]
    return sid


def begin_edit(http: httpx.Client, sample: Path) -> str:
    """Upload, ask for an edit, and hang up as soon as it has begun."""
    sid = open_session(http)
    files = {"files": (sample.name, sample.read_bytes())}
    http.post(f"/api/upload-video/nemo_agent/me/{sid}", files=files).raise_for_status()
    turn = {"session_id": sid, "new_message": {"parts": [{"text": "compress it"}]}}
    with http.stream("POST", "/run_sse", json=turn) as response:
        response.raise_for_status()
    return sid


def balance(http: httpx.Client) -> dict[str, int]:
    data: dict[str, int] = http.get("/api/credits/balance/simple").json()["data"]
    return data
