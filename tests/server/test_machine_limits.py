"""A full disk, too few files, a folder that goes: one clear error, and nothing lost in silence."""

import asyncio
import contextlib
import errno
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_to_wire
from nemolocal_contract.endpoints import RenderRequest
from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_server.data.storage_errors import explain_storage_error
from nemolocal_server.data.store import Store, StoreError
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from tests.support.clips import open_session
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

JOURNAL = "/__nemolocal__/journal"
RESULT = RenderResult(1.0, 8, 30, 64, 64, "none", "planned")


def full(store: Store) -> None:
    """From now on the database may not grow."""
    store.execute("PRAGMA max_page_count = 1")


def free(store: Store) -> None:
    store.execute("PRAGMA max_page_count = 1000000")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "x"), "the disk is full: free some space"),
        (OSError(errno.EDQUOT, "x"), "the disk is full"),
        (OSError(errno.EMFILE, "x"), "too many files are open: raise the limit (ulimit -n)"),
        (OSError(errno.ENFILE, "x"), "too many files are open"),
        (OSError(errno.EROFS, "x"), "read-only: make it writable"),
        (OSError(errno.EIO, "x"), "input/output error"),
        (OSError(errno.EFBIG, "x"), "raise the limit (ulimit -f)"),
        (FileNotFoundError(errno.ENOENT, "x", "/a/nemolocal.sqlite3"), "the database of the data"),
        (FileNotFoundError(errno.ENOENT, "x"), None),
        (ValueError("x"), None),
    ],
)
def test_what_the_machine_refuses_is_told_with_the_way_out(
    tmp_path: Path, error: Exception, said: str | None
) -> None:
    wrapped = RuntimeError("while doing something else")
    wrapped.__cause__ = error
    for raised in (error, wrapped):
        reported = explain_storage_error(raised, tmp_path)
        assert (reported is None) if said is None else (reported is not None and said in reported)
    if isinstance(error, OSError):
        assert "deleted or moved" in str(explain_storage_error(error, tmp_path / "gone"))


class Opened:
    """A server without a socket, and the loop that it lives in."""

    def __init__(self, folder: Path, execute: Any = None) -> None:
        self.loop = asyncio.new_event_loop()
        self.server: Services = self.run(self._open(folder, execute))
        self.store = self.server.context.store

    async def _open(self, folder: Path, execute: Any) -> Services:
        server = Services(Settings(data_dir=folder, clock="manual"), None, execute)
        server.start()
        return server

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        self.run(self.server.close())
        self.loop.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    servers: list[Opened] = []

    def make(execute: Any = None) -> Opened:
        servers.append(Opened(tmp_path, execute))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def test_a_transaction_that_cannot_be_committed_is_rolled_back_and_the_next_one_works(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    full(store)
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match="full"), store.transaction():
            store.execute("INSERT INTO journal (entry) VALUES (:text)", text="x" * 10**6)
    free(store)
    with store.transaction():
        store.execute("INSERT INTO journal (entry) VALUES ('y')")
    store.close()
    again = Store(tmp_path)
    assert again.fetch_column("SELECT entry FROM journal") == ["y"]
    again.close()


@pytest.mark.slow
def test_a_render_outlives_a_disk_that_is_full_for_a_while(
    opened: Callable[..., Opened], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nemolocal_server.background_tasks._RETRY_SECONDS", 0)
    at: list[str] = []

    async def render(
        _plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        full(harness.store)
        on_progress(50)
        at.append("half way")
        destination.write_bytes(b"a film")
        return RESULT

    harness = opened(render)
    _, token = harness.server.create_token(NewToken())
    session = open_session(harness.server.context, token)

    async def play() -> None:
        harness.server.turns.start(token, session, "edit my raw video footage")
        await harness.server.context.clock.advance(2000)  # type: ignore[attr-defined]
        draft = draft_to_wire(harness.server.context.sessions.newest_draft(session.id))
        await harness.server.exports.submit(
            token, session, RenderRequest("render_1", session.id, draft), "1080p"
        )
        while not at:
            await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0)
        # Whatever is written down by then, the render has not failed.
        assert harness.server.exports.find(token, "render_1").status in ("processing", "completed")
        free(harness.store)
        while harness.server.exports.tasks.running_count:
            await asyncio.sleep(0)

    harness.run(play())
    assert harness.server.exports.find(token, "render_1").status == "completed"


def test_an_edit_that_cannot_be_written_gives_its_credits_back_when_it_can(
    opened: Callable[..., Opened], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nemolocal_server.background_tasks._RETRY_SECONDS", 0)
    harness = opened()
    _, token = harness.server.create_token(NewToken(credits=100))
    session = open_session(harness.server.context, token)

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async def play() -> None:
        harness.server.turns.start(token, session, "compress this video")
        with monkeypatch.context() as patched:
            patched.setattr(harness.server.context.sessions, "add_version", fail)
            patched.setattr(harness.server.context.ledger, "release", fail)
            await harness.server.context.clock.advance(2000)  # type: ignore[attr-defined]
            for _ in range(20):
                await asyncio.sleep(0)
            assert harness.server.context.ledger.balance(token.id).frozen == 50
        while harness.server.turns.tasks.running_count:
            await asyncio.sleep(0)

    harness.run(play())
    assert harness.server.context.ledger.balance(token.id).available == 100
    assert harness.store.fetch_value("SELECT status FROM turns") == "failed"


def core_of(servers: ServerFactory) -> Any:
    """What the server that was started last stands on."""
    return servers._open[-1]._server.config.app.state.services.context  # type: ignore[union-attr]


def test_every_writing_call_names_the_full_disk_and_works_when_there_is_room(
    servers: ServerFactory, new_caller: NewCaller, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    url = servers.start(data_dir=tmp_path)
    caller = new_caller(url).connect()
    caller.get(JOURNAL)  # written down
    store = core_of(servers).store
    full(store)
    paths = {
        "/api/tasks/me/with-session/nemo_agent": {"task_name": "x" * 5000},
        "/run_sse": caller.turn("hello " * 900),
    }  # fmt: skip
    for path, body in paths.items():
        with subtests.test(path):
            reply = caller.http.post(path, json=body)
            reported = reply.json()
            assert (reply.status_code, reported["code"]) == (500, 500)
            assert "the disk is full: free some space" in reported["message"]
    assert "the disk is full" in caller.http.get(JOURNAL).json()["message"]
    assert caller.balance()["available"] == 100
    free(store)
    for path, body in paths.items():
        with subtests.test(f"again {path}"):
            assert caller.http.post(path, json=body).status_code < 500
    record = caller.get(JOURNAL)
    assert record["dropped"] == 0
    assert [e["url"] for e in record["entries"]].count("/run_sse") == 2


def test_what_a_full_disk_kept_out_of_the_journal_is_counted_at_the_end(
    opened: Callable[..., Opened], caplog: pytest.LogCaptureFixture
) -> None:
    harness = opened()
    journal = harness.server.journal

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    journal._queue._write = fail

    class Waiting:
        memory_size = 0

        def estimate_memory_size(self) -> int:
            return 10

    async def fill() -> None:
        for _ in range(3):
            journal._queue.add(Waiting())  # type: ignore[arg-type]

    harness.run(fill())
    harness.close()
    assert harness.server.summary is not None
    assert harness.server.summary.dropped == 3
    assert "3 entries of the journal could not be written" in caplog.text
    harness.run = lambda work: work.close()  # type: ignore[method-assign]


@pytest.fixture
def rendered(edited: HttpCaller) -> tuple[HttpCaller, dict[str, Any]]:
    """A caller with a finished render, and its status."""
    edited.submit("render_1")
    return edited, edited.finished("render_1")


def test_a_file_that_is_gone_is_not_found(
    rendered: tuple[HttpCaller, dict[str, Any]], servers: ServerFactory
) -> None:
    caller, status = rendered
    url = status["output"]["url"]
    assert caller.http.get(url).status_code == 200
    folder = core_of(servers).store.folder
    for gone in ("the file", "the folder"):
        if gone == "the file":
            next((folder / "renders").iterdir()).unlink()
        else:
            shutil.rmtree(folder / "renders")
            shutil.rmtree(folder / "media")
        download = caller.http.get("/api/render/proxy/render_1/download")
        assert (download.status_code, download.json()["code"]) == (404, 404)
        assert "is gone: export again" in download.json()["message"]
        for path in (url, "/cdn/media/x", "/cdn/renders/x.mp4"):
            reply = caller.http.get(path)
            assert (reply.status_code, reply.json()["code"]) == (404, 404)


def test_a_data_folder_that_was_deleted_is_said_plainly(
    servers: ServerFactory, new_caller: NewCaller, tmp_path: Path, sample: Path
) -> None:
    folder = tmp_path / "data"
    caller = new_caller(servers.start(data_dir=folder)).connect()
    shutil.rmtree(folder)
    for reply in (
        caller.upload(sample),
        caller.post("/api/tasks/me/with-session/nemo_agent", json={}),
        caller.post("/run_sse", json=caller.turn("hello")),
        caller.get(JOURNAL),
        caller.post("/__nemolocal__/snapshot", json={}),
        caller.get("/cdn/fixtures/sample.mp4"),
    ):
        assert reply["code"] in (404, 500), reply
        assert "the data folder is gone" in reply["message"]
    servers.stop()
    assert not folder.exists()


def test_a_database_that_was_deleted_is_said_plainly_and_nothing_else_goes_with_it(
    servers: ServerFactory,
    new_caller: NewCaller,
    tmp_path: Path,
    sample: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "data"
    caller = new_caller(servers.start(data_dir=folder)).connect()
    caller.upload(sample)
    (folder / "nemolocal.sqlite3").unlink()
    for reply in (
        caller.upload(sample),
        caller.post("/api/tasks/me/with-session/nemo_agent", json={}),
        caller.post("/run_sse", json=caller.turn("hello")),
    ):
        assert (reply["code"], reply["data"]) == (500, None)
        assert "the database of the data folder is gone" in reply["message"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    servers.stop()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"has lost its database.*Restore it from a copy"):
            Store(folder)
    assert len(list((folder / "media").iterdir())) == 1


_FEW_FILES = """
import json, resource, sys, threading, urllib.request
from pathlib import Path
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
sys.path.insert(0, sys.argv[1])
from tests.support.http_caller import HttpCaller
with LocalServer(Settings(port=0, data_dir=Path(sys.argv[2]), speed=1e6)) as server:
    caller = HttpCaller(server.base_url).connect()
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(open("/dev/null"))
    except OSError:
        pass
    for _ in range(3):
        held.pop()
    files = [("files", (f"{n}.mp4", b"x" * 10)) for n in range(40)]
    path = f"/api/upload-video/nemo_agent/me/{caller.session}"
    tight = caller.post(path, files=files)
    held.clear()
    well = caller.get("/api/credits/balance/simple")
    print(json.dumps([tight, well, caller.upload(Path(sys.argv[3]))]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX's")
def test_too_few_files_are_said_plainly_and_the_server_goes_on(
    tmp_path: Path, sample: Path
) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", _FEW_FILES, root, tmp_path, sample]
    done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    tight, well, upload = json.loads(done.stdout)
    assert tight["code"] in (500, 4001), tight
    assert tight["code"] == 4001 or "too many files are open" in tight["message"]
    assert (well["code"], upload["code"]) == (0, 0)


@pytest.mark.slow
def test_a_full_disk_loses_no_credit_no_entry_and_no_render(
    small_disk: Path, servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    folder = small_disk / "data"
    url = servers.start(data_dir=folder)
    caller = new_caller(url).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    asked = len(caller.get(JOURNAL)["entries"])
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    for _ in range(300):
        reply = caller.http.post("/api/tasks/me/with-session/nemo_agent", json={})
        asked += 1
        if reply.status_code == 500:
            assert "the disk is full" in reply.json()["message"]
    reply = caller.http.post(
        f"/api/upload-video/nemo_agent/me/{caller.session}",
        files=[("files", ("a.mp4", sample.read_bytes()))],
    )
    asked += 1
    assert "the disk is full" in reply.json()["message"], reply.text
    filler.unlink()
    assert caller.balance() == {"available": 50, "frozen": 0, "total": 50}
    caller.upload(sample)
    asked += 2
    record = caller.get(JOURNAL)
    assert (len(record["entries"]), record["dropped"]) == (asked, 0)
    servers.stop()
    assert list((folder / "work").iterdir()) == []


@pytest.mark.slow
def test_a_read_only_disk_is_said_at_the_start(small_disk: Path) -> None:
    Store(small_disk / "data").close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError, match="it cannot be written to; make it writable"):
        Store(small_disk / "data")
