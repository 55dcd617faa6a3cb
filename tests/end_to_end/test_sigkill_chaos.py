"""Kills at seeded moments of a busy server: what it had said is still true afterwards."""

import contextlib
import hashlib
import itertools
import random
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from nemolocal_contract.endpoints import Attribution, bearer_header

WORKERS = 2
# A kill comes after so many requests that were sent, replies that began and events of streams.
MOST_SIGNS = 40
# Turns of 50 to 150 ms: long enough to be killed in.
OPTIONS = ("--port", "0", "--speed", "200", "--silent-rate", "0.3")
SKILL = Attribution("ai-rtk-compressor", "1.0.0").headers()
TITLE = {"t": [{"tt": 7, "sg": [{"s": 0, "d": 200, "txt": "x"}]}], "m": {"width": 64, "height": 64}}
ENDED = ("completed", "failed")


class Told(msgspec.Struct):
    """What the server has told one client, which it must stand by."""

    token: str
    sid: str = ""
    uploads: list[str] = []
    edits_begun: int = 0
    edits_done: int = 0
    renders: dict[str, int] = {}


class Chaos:
    """Clients that work until the server dies under them."""

    def __init__(self, renders: int) -> None:
        self.clients: list[Told] = []
        self.signs = threading.Semaphore(0)
        self._numbers = itertools.count(1)
        self._busy: dict[int, Told] = {}
        self._renders = itertools.count()
        self._most_renders = renders

    def work(self, base_url: str, worker: int) -> None:
        with (
            httpx.Client(
                base_url=base_url,
                headers=SKILL,
                timeout=120,
                event_hooks={"request": [self.count], "response": [self.count]},
            ) as http,
            contextlib.suppress(httpx.TransportError),
        ):
            while True:
                reported = self._busy.get(worker) or self.new_client(http, worker)
                http.headers.update(bearer_header(reported.token))
                self.go_on(http, reported)
                del self._busy[worker]

    def count(self, _: object) -> None:
        """Something was asked or said."""
        self.signs.release()

    def wait_for(self, signs: int) -> None:
        for _ in range(signs):
            assert self.signs.acquire(timeout=120), "the server hangs"

    def has_done_enough(self) -> bool:
        return sum(reported.edits_done for reported in self.clients) > WORKERS

    def new_client(self, http: httpx.Client, worker: int) -> Told:
        client_id = f"{worker}-{next(self._numbers)}"
        fresh = http.post("/api/auth/anonymous-token", headers={"X-Client-Id": client_id})
        reported = Told(fresh.json()["data"]["token"])
        self.clients.append(reported)
        self._busy[worker] = reported
        return reported

    def go_on(self, http: httpx.Client, reported: Told) -> None:
        """From wherever the last server died."""
        if not reported.sid:
            session = http.post("/api/tasks/me/with-session/nemo_agent", json={}).json()
            reported.sid = session["data"]["session_id"]
        if not reported.uploads:
            self.upload(http, reported)
        if self.renders_left():
            body = {"id": "render_1", "sessionId": reported.sid, "draft": TITLE}
            status = http.post("/api/render/proxy/lambda", json=body).json()
            reported.renders["render_1"] = status.get("progress", 0)  # or it is a duplicate
        for message in ("compress this video", "add a title 'Still here'"):
            reported.edits_begun += 1
            turn = {"session_id": reported.sid, "new_message": {"parts": [{"text": message}]}}
            with http.stream("POST", "/run_sse", json=turn) as reply:
                events = ""
                for line in reply.iter_lines():
                    events += line
                    self.count(line)
            assert "functionResponse" in events
            reported.edits_done += 1

    def upload(self, http: httpx.Client, reported: Told) -> None:
        picture = png(next(self._numbers))
        files = [("files", (f"{n}.png", picture)) for n in range(2)]
        reply = http.post(f"/api/upload-video/nemo_agent/me/{reported.sid}", files=files).json()
        reported.uploads = [file["hash"] for file in reply["data"]["files"]]
        assert reported.uploads == [hashlib.sha256(picture).hexdigest()] * 2

    def renders_left(self) -> bool:
        return next(self._renders) < self._most_renders


@contextlib.contextmanager
def serving(data: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    command = [sys.executable, "-m", "nemolocal", "serve", "--data", str(data), *OPTIONS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = re.search(r"http://\S+", process.stdout.readline())
            assert address is not None
            yield address[0], process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kills", "renders"), [(1, 0), pytest.param(12, 6, marks=pytest.mark.nightly)]
)
def test_whatever_was_said_before_a_kill_is_true_after_it(
    tmp_path: Path, kills: int, renders: int
) -> None:
    data = tmp_path / "data"
    chance = random.Random(1)
    chaos = Chaos(renders)
    for kill in range(kills):
        stored = rows_of(data)
        with serving(data) as (base_url, process):
            nothing_is_half_there(data, stored)
            for reported in chaos.clients[-2 * WORKERS :]:
                still_true(base_url, reported)
            chaos.signs = threading.Semaphore(0)
            workers = [
                threading.Thread(target=chaos.work, args=(base_url, n)) for n in range(WORKERS)
            ]
            for worker in workers:
                worker.start()
            # At a place in the work, not at a time: so the machine may be busy with other things.
            chaos.wait_for(chance.randint(1, MOST_SIGNS))
            while kill == kills - 1 and not chaos.has_done_enough():
                chaos.wait_for(1)
            process.send_signal(signal.SIGKILL)
            for worker in workers:
                worker.join()
    assert chaos.has_done_enough()
    with serving(data) as (base_url, _):
        for reported in chaos.clients:
            still_true(base_url, reported)
            renders_end(base_url, reported)


def rows_of(data: Path) -> dict[str, str]:
    """The stored media (file stem → hash) of a data folder whose server is dead."""
    if not data.exists():
        return {}
    with contextlib.closing(sqlite3.connect(data / "nemolocal.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        sums = "SELECT sum(available), sum(frozen) FROM ledger GROUP BY token_id"
        assert all(free >= 0 and frozen >= 0 for free, frozen in database.execute(sums))
        return dict(database.execute("SELECT id, hash FROM assets").fetchall())


def nothing_is_half_there(data: Path, stored: dict[str, str]) -> None:
    """Each row has its file, whole; no file is without a row; nothing is left of the work."""
    files = {path.stem: path for path in (data / "media").iterdir()}
    assert files.keys() == stored.keys()
    for stem, path in files.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == stored[stem]


def still_true(base_url: str, reported: Told) -> None:
    with httpx.Client(
        base_url=base_url, headers={**SKILL, **bearer_header(reported.token)}, timeout=60
    ) as http:
        balance = http.get("/api/credits/balance/simple").json()["data"]
        assert balance["frozen"] == 0
        assert balance["available"] == balance["total"]
        assert balance["total"] in ((50,) if reported.edits_done else (50, 100))
        assert reported.edits_begun or balance["total"] == 100
        if reported.sid:
            reply = http.get(f"/api/state/nemo_agent/me/{reported.sid}/latest").json()
            state: dict[str, Any] = reply["data"]["state"]
            # Charged for if it was done, done if it was charged for.
            assert bool(state["draft"]["t"]) == (balance["total"] == 50)
            # A kill may come between the last row and its reply: then there is more, never less.
            found = [info["hash"] for info in state["video_infos"]]
            assert found == reported.uploads or (reported.uploads == [] and len(found) == 2)
            reported.uploads = found
        for render_id, progress in reported.renders.items():
            status = http.get(f"/api/render/proxy/lambda/{render_id}").json()
            assert status["progress"] >= progress
            reported.renders[render_id] = status["progress"]


def renders_end(base_url: str, reported: Told) -> None:
    with httpx.Client(
        base_url=base_url, headers={**SKILL, **bearer_header(reported.token)}, timeout=60
    ) as http:
        for render_id in reported.renders:
            path = f"/api/render/proxy/lambda/{render_id}"
            while (status := http.get(path).json())["status"] not in ENDED:
                time.sleep(0.02)
            assert status["status"] == "completed" or status["error"]


def png(shade: int) -> bytes:
    """A small picture that no other shade gives."""
    size = 16
    rows = b"".join(b"\0" + shade.to_bytes(3, "big") * size for _ in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
