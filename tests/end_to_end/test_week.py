"""A week of a developer: edits, kills and thousands of sessions, and the data folder has an end."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nemolocal_server.retention.retention_policy import measure_disk_usage
from tests.support.http_caller import HttpCaller

MEGABYTE = 10**6
LIMIT = 40 * MEGABYTE
# What comes between two measurements, and what the log of the database takes before it is moved.
SLACK = 24 * MEGABYTE
DAYS = 7
_CONFIG = f"""
[retention]
max_age = 2592000
max_bytes = {LIMIT}
[tariff]
editing = 0
"""
# Seconds of the processor until requests would be answered, everything being imported.
_START = """
import asyncio, sys, time
from pathlib import Path
import nemolocal_server.serving
from nemolocal_server.settings_loader import load_settings
from nemolocal_server.services import Services
settings = load_settings(Path("week.toml"), {"data_dir": Path(".nemolocal")})
async def start():
    began = time.process_time()
    server = Services(settings)
    server.start()
    print(time.process_time() - began)
    await server.close()
asyncio.run(start())
"""


class Week(msgspec.Struct, frozen=True):
    """How much is done in it."""

    edits: int
    kills: int
    sessions: int
    renders: int


class Developer:
    """Works with the command in a folder, and kills what it runs."""

    def __init__(self, harness: Path, clip: Path) -> None:
        self.harness = harness
        self.clip = clip
        self.temporary = harness / "temporary"
        self.temporary.mkdir()
        (harness / "week.toml").write_text(_CONFIG, encoding="utf-8")
        self.random = random.Random(1)
        self.largest = 0
        self._server: subprocess.Popen[str] | None = None
        self._callers: list[HttpCaller] = []

    def start(self, *arguments: str) -> HttpCaller:
        """A server, and a client of it."""
        command = ["serve", "--port", "0", "--speed", "1e6", "--silent-rate", "0", *arguments]
        self._server = self._run(*command)
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        url = re.search(r"http://\S+", line)
        assert url, line
        self._callers.append(HttpCaller(url[0], f"client-{len(self._callers)}"))
        return self._callers[-1].connect()

    def work_here(self) -> HttpCaller:
        return self.start("--config", "week.toml")

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End the server that runs, if one does."""
        for caller in self._callers:
            caller.http.close()
        if self._server is not None:
            self._server.send_signal(how)
            self._server.communicate()

    def _run(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "TMPDIR": str(self.temporary),
            "NEMOLOCAL_CONFIG_DIR": str(self.harness / "config"),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "nemolocal", *arguments],
            cwd=self.harness,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def film(self, size: int = 0) -> Path:
        """The clip, or one that is as good and not the same."""
        if not size:
            return self.clip
        path = self.harness / "other.mp4"
        # What comes after the last box is nobody's.
        path.write_bytes(self.clip.read_bytes() + self.random.randbytes(size))
        return path

    def edit(self, caller: HttpCaller, size: int) -> None:
        caller.open_session()
        assert caller.upload(self.film(size))["code"] == 0
        caller.say("trim to the first second")

    def render(self, caller: HttpCaller, name: str) -> str:
        """The URL of an export in 1080p."""
        body = {"id": name, "sessionId": caller.session, "draft": caller.draft()}
        caller.post("/api/render/proxy/lambda", json={**body, "output": {"resolution": "1080p"}})
        status = caller.finished(name)
        assert status["status"] == "completed", status
        url: str = status["output"]["url"]
        return url

    def kill_a_server_at_work(self, caller: HttpCaller) -> None:
        """It dies in the middle of a turn, with an upload behind it."""
        caller.open_session()
        caller.upload(self.film(200_000))
        with caller.http.stream("POST", "/run_sse", json=caller.turn("add calm music")):
            assert self._server is not None
            self._server.kill()
        self.stop(signal.SIGKILL)

    def kill_an_edit(self) -> None:
        """It dies with its upload in the temporary folder."""
        edit = self._run("edit", str(self.clip), "-m", "trim to the first second", "-o", "x.mp4")
        while edit.poll() is None and not list(self.temporary.glob("nemolocal-memory-*/media/*")):
            time.sleep(0.01)
        edit.send_signal(self.random.choice((signal.SIGKILL, signal.SIGTERM)))
        edit.communicate()

    def edit_to_the_end(self) -> None:
        edit = self._run("edit", str(self.clip), "-m", "trim to the first second", "-o", "y.mp4")
        _, reported = edit.communicate()
        assert edit.returncode == 0, reported

    def look_at_the_disk(self) -> None:
        self.largest = max(self.largest, measure_disk_usage(self.harness / ".nemolocal").total)
        assert self.largest <= LIMIT + SLACK

    def seconds_to_start(self) -> float:
        done = subprocess.run(
            [sys.executable, "-c", _START],
            cwd=self.harness,
            check=True,
            capture_output=True,
            text=True,
        )
        return float(done.stdout)


@pytest.fixture
def developer(tmp_path: Path, sample: Path) -> Iterator[Developer]:
    created = Developer(tmp_path, sample)
    yield created
    created.stop(signal.SIGKILL)


def save(developer: Developer) -> dict[str, Any]:
    """A project in a folder of a name: what it is."""
    caller = developer.start("--data", "saved")
    developer.edit(caller, 100_000)
    url = developer.render(caller, "render_1")
    kept = {
        "authorization": caller.http.headers["authorization"],
        "session": caller.session,
        "draft": caller.draft(),
        "film": caller.http.get(url).content,
        "path": url.partition("/cdn")[2],
    }
    developer.stop()
    return kept


def check_saved(caller: HttpCaller, kept: dict[str, Any]) -> None:
    caller.http.headers["authorization"] = kept["authorization"]
    caller.session = kept["session"]
    assert caller.draft() == kept["draft"]
    assert caller.http.get(f"/cdn{kept['path']}").content == kept["film"]


def spend_a_day(developer: Developer, day: int, week: Week) -> None:
    """Work, kill, work on; each figure is a week's."""
    caller = developer.work_here()
    for _ in range(week.edits // DAYS):
        developer.edit(caller, MEGABYTE)
        developer.look_at_the_disk()
    for number in range(max(week.renders // DAYS, 1)):
        developer.render(caller, f"render_{day}_{number}")
    for _ in range(week.sessions // DAYS):
        caller.open_session()
        assert caller.upload(developer.clip)["code"] == 0
    for number in range(max(week.kills // DAYS, 1)):
        if number % 2:
            developer.kill_an_edit()
        else:
            developer.kill_a_server_at_work(caller)
            developer.look_at_the_disk()
            caller = developer.work_here()
    developer.stop()


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    "week",
    [
        pytest.param(Week(49, 14, 70, 1), id="short"),
        pytest.param(Week(203, 56, 2002, 14), marks=pytest.mark.nightly, id="whole"),
    ],
)
def test_a_week_of_work_stays_within_its_limit_and_loses_nothing_of_a_name(
    developer: Developer, week: Week
) -> None:
    kept = save(developer)
    caller = developer.work_here()
    developer.edit(caller, 100_000)
    session, draft = caller.session, caller.draft()
    owner = caller.http.headers["authorization"]
    snapshot = caller.post("/__nemolocal__/snapshot", json={})["id"]
    developer.stop()
    for day in range(DAYS):
        spend_a_day(developer, day, week)
    start = developer.seconds_to_start()
    assert start < 0.5
    # A server that starts looks after the folder, and sweeps what killed ones have left.
    caller = developer.work_here()
    while measure_disk_usage(developer.harness / ".nemolocal").total > LIMIT:
        assert caller.get("/__nemolocal__/health")["status"] == "ok"
    caller.post("/__nemolocal__/restore", json={"id": snapshot})
    caller.http.headers["authorization"] = owner
    caller.session = session
    assert caller.draft() == draft
    developer.stop()
    check_saved(developer.start("--data", "saved"), kept)
    developer.stop()
    developer.edit_to_the_end()
    assert list(developer.temporary.glob("nemolocal-memory-*")) == []
    print(json.dumps({"largest": developer.largest, "start": start}))
