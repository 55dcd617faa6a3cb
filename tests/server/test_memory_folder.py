"""What a killed server in memory leaves in the temporary folder goes at the next start."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

import nemolocal
from nemolocal_server.memory_folder import MemoryFolder, sweep_killed, temporary_folder
from nemolocal_server.migrations import sign
from nemolocal_server.server import Server
from nemolocal_server.settings import Settings

OWNER = "owner.sqlite3"
_HOLD = """
import sys
from nemolocal_server.store import Store
store = Store(None)
print(store.folder / "media", flush=True)
sys.stdin.read()
"""
_HOLD_FILES = """
import sys
from nemolocal_server.memory_folder import temporary_folder
with temporary_folder() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder, for this process and its children."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("held", [_HOLD, _HOLD_FILES], ids=["server", "files of a command"])
def test_the_folder_of_what_was_killed_goes_and_those_in_use_stay(
    temporary: Path, held: str
) -> None:
    here = MemoryFolder()
    command = [sys.executable, "-c", held]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        theirs = Path(holder.stdout.readline().strip())
        (theirs / "upload.mp4").write_bytes(b"a film")
        sweep_killed(temporary)
        assert theirs.exists()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    sweep_killed(temporary)
    assert not theirs.parent.exists()
    assert (here.path / "media").is_dir()
    here.remove()
    assert list(temporary.iterdir()) == []


def test_files_of_a_command_are_kept_while_it_runs_and_gone_afterwards(temporary: Path) -> None:
    with temporary_folder() as folder:
        (folder / "clip.mp4").write_bytes(b"a film")
        sweep_killed(temporary)
        assert (folder / "clip.mp4").exists()
    assert list(temporary.iterdir()) == []


def test_no_command_leaves_files_where_nobody_finds_them() -> None:
    here = Path(nemolocal.__file__ or "").parent
    for source in sorted(here.rglob("*.py")):
        assert "TemporaryDirectory" not in source.read_text(encoding="utf-8"), source


def test_a_server_with_a_folder_of_its_own_sweeps_too(temporary: Path) -> None:
    killed = temporary / "nemolocal-memory-killed"
    killed.mkdir()
    with closing(sqlite3.connect(killed / OWNER)) as db:
        sign(db)

    async def start_and_close() -> None:
        server = Server(Settings(data_dir=temporary / "data"))
        server.start()
        await server.close()

    asyncio.run(start_and_close())
    assert [path.name for path in temporary.iterdir()] == ["data"]


def test_only_what_says_that_it_is_ours_goes(temporary: Path) -> None:
    def make(name: str) -> Path:
        folder = temporary / f"nemolocal-memory-{name}"
        folder.mkdir()
        (folder / "film.mp4").write_bytes(b"precious")
        return folder

    make("bare")
    (make("no-database") / OWNER).write_bytes(b"this is no database, " * 99)
    (make("empty") / OWNER).touch()
    with closing(sqlite3.connect(make("foreign") / OWNER)) as db:
        db.execute("CREATE TABLE notes (text)")
    killed = make("killed")
    with closing(sqlite3.connect(killed / OWNER)) as db:
        sign(db)
    (temporary / "nemolocal-memory-link").symlink_to(killed)
    linked = make("linked")
    (linked / OWNER).symlink_to(killed / OWNER)
    (temporary / "nemolocal-memory-file").touch()
    (temporary / "nemolocal-other").mkdir()
    sweep_killed(temporary)
    left = {path.name.removeprefix("nemolocal-") for path in temporary.iterdir()}
    kept = {"bare", "no-database", "empty", "foreign", "linked", "link", "file"}
    assert left == {f"memory-{name}" for name in kept} | {"other"}
    assert (linked / "film.mp4").read_bytes() == b"precious"


def test_what_belongs_to_another_user_stays(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = MemoryFolder()
    folder._lock.close()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    sweep_killed(temporary)
    assert folder.path.exists()
    monkeypatch.undo()
    sweep_killed(temporary)
    assert not folder.path.exists()
