"""A disk that is really full: one clear error each, nothing half written, and a way out."""

import contextlib
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal.main import main
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

JOURNAL = "/__nemolocal__/journal"
FULL = "This server cannot go on: the disk is full: free some space, then send the request again"

pytestmark = pytest.mark.slow


def fill(disk: Path) -> Path:
    """Take what room there is; delete the file to give it back."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return filler


def files_of(folder: Path) -> set[str]:
    parts = ("media", "renders", "work", "footage", "snapshots")
    paths = (path for part in parts for path in (folder / part).rglob("*"))
    return {path.relative_to(folder).as_posix() for path in paths if path.is_file()}


def calls(caller: HttpCaller, large: Path, snapshot: str) -> dict[str, Callable[[], Any]]:
    """What cannot be done without room; each gives the reply."""
    return {
        "token": lambda: caller.post("/api/auth/anonymous-token", headers={"X-Client-Id": "b"}),
        "session": lambda: caller.post("/api/tasks/me/with-session/nemo_agent", json={}),
        "upload": lambda: caller.upload(large),
        "chat": lambda: caller.chat("make it vertical").json(),
        "render": lambda: caller.submit("render_2"),
        "snapshot": lambda: caller.post("/__nemolocal__/snapshot", json={}),
        "restore": lambda: caller.post("/__nemolocal__/restore", json={"id": snapshot}),
        "reset": lambda: caller.post("/__nemolocal__/reset", json={}),
        "fixture": lambda: caller.get("/cdn/fixtures/music.m4a"),
        "journal": lambda: caller.get(JOURNAL),
        "summary": lambda: caller.get(f"{JOURNAL}/summary"),
    }


@pytest.mark.ffmpeg
def test_each_call_says_so_and_leaves_nothing_half_done(
    small_disk: Path,
    servers: ServerFactory,
    new_caller: NewCaller,
    sample: Path,
    caplog: pytest.LogCaptureFixture,
    subtests: pytest.Subtests,
) -> None:
    folder = small_disk / "data"
    caller = new_caller(servers.start(data_dir=folder)).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    snapshot = caller.post("/__nemolocal__/snapshot", json={})["id"]
    draft = caller.draft()
    asked = len(caller.get(JOURNAL)["entries"])
    large = small_disk.parent / "large.mp4"
    large.write_bytes(sample.read_bytes() + bytes(8_000_000))
    filler = fill(small_disk)
    # What there is of the log of the database is used up first.
    while caller.post("/api/tasks/me/with-session/nemo_agent", json={})["code"] == 0:
        asked += 1
    before = files_of(folder)
    for name, call in calls(caller, large, snapshot).items():
        with subtests.test(name):
            reply = call()
            assert (reply["code"], reply["message"], reply["data"]) == (500, FULL, None)
            assert files_of(folder) == before
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "Traceback" not in caplog.text
    filler.unlink()
    assert caller.draft() == draft
    assert caller.balance() == {"available": 50, "frozen": 0, "total": 50}
    record = caller.get(JOURNAL)
    # The session that found no room; token, session, upload, chat, render and its look at the
    # draft, fixture; the draft and the balance.
    assert len(record["entries"]) + record["dropped"] == asked + 1 + 7 + 2
    assert record["dropped"] == 0
    assert caller.http.get("/cdn/fixtures/music.m4a").status_code == 200


def test_what_a_server_could_not_write_to_its_end_is_counted(
    small_disk: Path,
    servers: ServerFactory,
    new_caller: NewCaller,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = small_disk / "data"
    caller = new_caller(servers.start(data_dir=folder)).connect()
    caller.get(JOURNAL)
    fill(small_disk)
    while caller.post("/api/tasks/me/with-session/nemo_agent", json={})["code"] == 0:
        pass
    for _ in range(30):
        caller.post("/api/tasks/me/with-session/nemo_agent", json={})
    servers.stop()
    lost = re.search(r"(\d+) entries of the journal could not be written", caplog.text)
    assert lost is not None
    assert int(lost[1]) >= 30
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_folder_can_be_cleaned_and_used_again(
    small_disk: Path,
    servers: ServerFactory,
    new_caller: NewCaller,
    sample: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = small_disk / "data"
    caller = new_caller(servers.start(data_dir=folder)).connect()
    for number in range(4):
        film = small_disk.parent / f"{number}.mp4"
        film.write_bytes(sample.read_bytes() + bytes([number]) * 500_000)
        caller.open_session()
        assert caller.upload(film)["code"] == 0
    servers.stop()
    fill(small_disk)
    arguments = ["clean", "--data", str(folder), "--older-than", "0s"]
    assert main([*arguments, "--dry-run"]) == 0
    assert "Would remove 2.2 MB" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "Removed 2." in capsys.readouterr().out
    caller = new_caller(servers.start(data_dir=folder), "another").connect()
    assert caller.upload(sample)["code"] == 0
