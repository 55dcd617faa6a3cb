"""Temporary folders go with their owner, and with the next one where it was killed."""

import os
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from nemolocal_render import temporary_folder
from nemolocal_render.temporary_folder import (
    APPLICATION_ID,
    TemporaryFolder,
    delete_abandoned,
    find_abandoned,
    remove_tree,
)

OWNER = "owner.sqlite3"
ROOT = Path(__file__).parents[2]
_HOLD = """
import sys
from nemolocal_render.temporary_folder import TemporaryFolder
with TemporaryFolder("demo") as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""
_END = """
import os, sys
from nemolocal_render.temporary_folder import TemporaryFolder
made = TemporaryFolder("demo")
(made.path / "sample.mp4").write_bytes(b"a film")
if not os.fork():
    sys.exit()
os.wait()
print(made.path.exists())
raise SystemExit(143)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder, for this process and its children."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def sign(database: Path) -> None:
    with closing(sqlite3.connect(database)) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def left_behind(temporary: Path, kind: str) -> Path:
    """The folder of a process that was killed."""
    folder = temporary / f"nemolocal-{kind}-abc"
    (folder / "media").mkdir(parents=True)
    (folder / "media" / "film.mp4").write_bytes(b"a film")
    sign(folder / OWNER)
    return folder


def test_folder_is_its_owners_alone_and_goes_with_all_that_is_in_it(temporary: Path) -> None:
    with TemporaryFolder("demo") as folder:
        assert folder.parent == temporary
        assert folder.name.startswith("nemolocal-demo-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "deep").mkdir()
        (folder / "deep" / "film.mp4").write_bytes(b"a film")
        (temporary / "mine.mp4").write_bytes(b"mine")
        (folder / "link").symlink_to(temporary)
    assert [path.name for path in temporary.iterdir()] == ["mine.mp4"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["demo", "exec", "bench", "conform-client", "memory"])
def test_the_first_folder_of_a_process_sweeps_what_killed_ones_have_left(
    temporary: Path, kind: str
) -> None:
    left = left_behind(temporary, kind)
    with TemporaryFolder("other") as folder:
        assert not left.exists()
        again = left_behind(temporary, kind)
        with TemporaryFolder("another"):
            assert again.exists()
        assert folder.exists()


def test_folder_goes_where_an_exception_left_nobody_to_remove_it(temporary: Path) -> None:
    def fail() -> None:
        created = TemporaryFolder("demo")
        assert created.path.exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(temporary.iterdir()) == []


def test_interrupted_removal_is_gone_through_with(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = TemporaryFolder("demo")
    empty = temporary_folder._empty

    def interrupted(_: Path) -> None:
        monkeypatch.setattr(temporary_folder, "_empty", empty)
        raise KeyboardInterrupt

    monkeypatch.setattr(temporary_folder, "_empty", interrupted)
    with pytest.raises(KeyboardInterrupt):
        created.remove()
    assert list(temporary.iterdir()) == []


def test_folder_that_cannot_be_locked_is_not_left(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> sqlite3.Connection:
        path.touch()
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(temporary_folder, "_lock", full)
    with pytest.raises(sqlite3.OperationalError):
        TemporaryFolder("demo")
    assert list(temporary.iterdir()) == []


def test_folder_of_the_same_name_is_another_ones_and_stays(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0" * 16)
    with TemporaryFolder("demo") as folder:
        with pytest.raises(FileExistsError):
            TemporaryFolder("demo")
        assert list(temporary.iterdir()) == [folder]
        assert (folder / OWNER).is_file()


@pytest.mark.slow
def test_signal_as_soon_as_the_folder_exists_leaves_nothing(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Path.mkdir

    def create_and_interrupt(path: Path, mode: int = 0o777) -> None:
        create(path, mode)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "mkdir", create_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        TemporaryFolder("test")
    assert list(temporary.iterdir()) == []


def test_exit_removes_the_folder_and_a_forked_child_does_not(temporary: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _END], stdout=subprocess.PIPE, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (143, "True\n")
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_the_folder_of_a_killed_process_goes_and_those_in_use_stay(temporary: Path) -> None:
    here = TemporaryFolder("exec")
    command = [sys.executable, "-c", _HOLD]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        theirs = Path(holder.stdout.readline().strip())
        (theirs / "sample.mp4").write_bytes(b"a film")
        delete_abandoned(temporary)
        assert theirs.exists()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    delete_abandoned(temporary)
    assert not theirs.exists()
    assert here.path.is_dir()
    here.remove()
    assert list(temporary.iterdir()) == []


def test_removal_that_is_killed_half_way_is_taken_up_by_the_next_one(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = left_behind(temporary, "bench")
    (folder / "report.html").write_bytes(b"a report")
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    remove_tree(folder)
    assert {path.name for path in folder.iterdir()} == {OWNER, "media"}
    monkeypatch.undo()
    assert list(find_abandoned(temporary)) == [folder]


def test_only_what_says_that_it_is_ours_goes(temporary: Path) -> None:
    def make(name: str) -> Path:
        folder = temporary / f"nemolocal-{name}"
        folder.mkdir()
        (folder / "film.mp4").write_bytes(b"precious")
        return folder

    make("bare")
    (make("no-database") / OWNER).write_bytes(b"this is no database, " * 99)
    (make("empty") / OWNER).touch()
    with closing(sqlite3.connect(make("foreign") / OWNER)) as db:
        db.execute("CREATE TABLE notes (text)")
    sign(make("data-of-a-server") / "nemolocal.sqlite3")
    ended = make("killed")
    sign(ended / OWNER)
    (temporary / "nemolocal-link").symlink_to(ended)
    linked = make("linked")
    (linked / OWNER).symlink_to(ended / OWNER)
    (temporary / "nemolocal-file").touch()
    (temporary / "nemolocal").mkdir()
    sign(temporary / "nemolocal" / OWNER)
    delete_abandoned(temporary)
    left = {path.name.removeprefix("nemolocal-") for path in temporary.iterdir()}
    kept = {"bare", "no-database", "empty", "foreign", "data-of-a-server", "linked", "link", "file"}
    assert left == kept | {"nemolocal"}
    assert (linked / "film.mp4").read_bytes() == b"precious"


def test_what_belongs_to_another_user_stays(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = left_behind(temporary, "demo")
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    delete_abandoned(temporary)
    assert folder.exists()
    monkeypatch.undo()
    delete_abandoned(temporary)
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.sources
def test_there_is_one_way_to_make_a_temporary_folder() -> None:
    folders = ("contract", "mock_server", "client", "cli", "conformance", "bench")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    # Below a folder that is named it is swept with that one.
    other = re.compile(r"TemporaryDirectory|mkdtemp\((?!.*\bdir=)|NamedTemporaryFile|mkstemp")
    found = [path.name for path in sources if other.search(path.read_text(encoding="utf-8"))]
    assert found == []
