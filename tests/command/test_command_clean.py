"""`nemolocal clean`: old work goes, what is in use, saved or somebody else's stays."""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nemolocal.saved_chats import ChatProfile, create_chat_folder
from nemolocal_client import KeptSession
from nemolocal_contract.clock import ManualClock, WallClock
from nemolocal_render.media import MediaInfo
from nemolocal_server import ids
from nemolocal_server.data.sessions import Asset
from nemolocal_server.data.store import Store
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from tests.support.cli import CommandRunner

DAY = 86_400.0
CLIP = MediaInfo("video", "mp4", 1.0, 64, 64, 30.0)
_LEFT = """
import os
from nemolocal_server.data.store import Store
store = Store(None)
(store.media / "upload.mp4").write_bytes(b"x" * 100_000)
os._exit(9)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder, for this process and its children."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def work_in(folder: Path, days: float, size: int = 100_000, *, snapshot: bool = False) -> Path:
    """A session with a file in a data folder, last used so many days ago; the file."""

    async def work() -> Path:
        server = Services(Settings(data_dir=folder), ManualClock(WallClock().time()))
        context = server.context
        context.store.wall_clock = ManualClock(WallClock().time() - days * DAY)
        _, token = server.create_token(NewToken())
        session = context.sessions.create(token, f"{days:g} days", "en")
        asset = Asset(ids.new_file_id(), session.id, "upload", "a.mp4", "", CLIP)
        received = context.store.work / asset.stored_name
        received.write_bytes(os.urandom(size))
        context.assets.add([(asset, received)])
        if snapshot:
            server.snapshots.create()
        context.store.close()
        return context.assets.file_path(asset)

    return asyncio.run(work())


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        # Of SQLite's own, for as long as somebody looks.
        if path.is_file() and not path.name.endswith("-shm")
    }


def leave_behind() -> None:
    """A folder of a server in memory that was killed."""
    subprocess.run([sys.executable, "-c", _LEFT], check=False)


def test_without_anything_to_remove_nothing_is_made(run: CommandRunner, tmp_path: Path) -> None:
    outcome = run("clean")
    assert (outcome.status, outcome.out) == (0, "Nothing to remove\n")
    assert not (tmp_path / ".nemolocal").exists()


def test_a_dry_run_tells_everything_and_touches_nothing(
    run: CommandRunner, tmp_path: Path, temporary: Path
) -> None:
    folder = Path(".nemolocal")
    old, new = work_in(folder, 40), work_in(folder, 5)
    stray = folder / "media" / f"{ids.new_file_id()}.mp4"
    stray.write_bytes(b"x" * 5000)
    (folder / "work" / f"{ids.new_file_id()}.mp4").write_bytes(b"half")
    leave_behind()
    before = tree(tmp_path)
    reported = run("clean", "--dry-run").out
    assert tree(tmp_path) == before
    assert "(40 days), unused since" in reported
    assert "(5 days)" not in reported
    assert "1 file without a session" in reported
    assert "1 unfinished upload or render" in reported
    assert f"{temporary}/nemolocal-memory-" in reported
    assert "left by a killed command" in reported
    assert reported.splitlines()[-1].startswith("Would remove 2")
    outcome = run("clean")
    assert outcome.out.splitlines()[:-1] == reported.splitlines()[:-1]
    assert re.fullmatch(r"Removed [12]\d\d kB", outcome.out.splitlines()[-1])
    assert (old.exists(), new.exists(), stray.exists()) == (False, True, False)
    assert list(temporary.iterdir()) == list((folder / "work").iterdir()) == []
    assert run("clean").out == "Nothing to remove\n"


@pytest.mark.slow
def test_the_age_may_be_chosen(run: CommandRunner) -> None:
    folder = Path(".nemolocal")
    files = [work_in(folder, days) for days in (9, 6, 0)]
    run("clean", "--older-than", "1w")
    assert [file.exists() for file in files] == [False, True, True]
    run("clean", "--older-than", "12h")
    assert [file.exists() for file in files] == [False, False, True]


@pytest.mark.parametrize("age", ["7", "d", "-1d", "1y", "1e9d", "9999999w", "7 days", ""])
def test_an_age_that_makes_no_sense_is_refused(
    run: CommandRunner, age: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run("clean", f"--older-than={age}")
    assert ended.value.code == 2
    assert "a number with s, m, h, d or w, for example 7d" in capsys.readouterr().err


def test_sessions_of_a_folder_of_a_name_go_only_when_asked_for(run: CommandRunner) -> None:
    film = work_in(Path("mine"), 400)
    outcome = run("clean", "--data", "mine")
    assert outcome.lines == [
        "Sessions are kept: to remove old ones, add --older-than, for example 30d",
        "Nothing to remove",
    ]
    assert film.exists()
    run("clean", "--data", "mine", "--older-than", "30d")
    assert not film.exists()


def test_snapshots_stay(run: CommandRunner) -> None:
    film = work_in(Path(".nemolocal"), 40, snapshot=True)
    run("clean")
    assert not film.exists()
    (kept,) = Path(".nemolocal/snapshots").glob(f"*/media/{film.name}")
    assert kept.stat().st_size == 100_000


@pytest.mark.slow
def test_a_folder_in_use_is_left_alone_and_others_with_it(run: CommandRunner) -> None:
    work_in(Path("other"), 40)
    film = work_in(Path("used"), 40)
    store = Store(Path("used"))
    (store.work / f"{ids.new_file_id()}.mp4").write_bytes(b"still coming")
    before = tree(Path("other")), tree(Path("used") / "work")
    outcome = run("clean", "--data", "other", "--data", "used", "--older-than", "0s")
    assert outcome.status == 1
    assert "data folder used is in use by another server: stop it" in outcome.err
    assert (tree(Path("other")), tree(Path("used") / "work")) == before
    assert film.exists()
    store.close()


def _empty(folder: Path) -> None:
    folder.mkdir()


def _film(folder: Path) -> None:
    (folder / "media").mkdir(parents=True)
    (folder / "media" / f"{'a' * 32}.mp4").write_bytes(b"precious")


def _no_database(folder: Path) -> None:
    work_in(folder, 40)
    (folder / "nemolocal.sqlite3").unlink()


def _damaged(folder: Path) -> None:
    work_in(folder, 40)
    (folder / "nemolocal.sqlite3").write_bytes(b"this is no database, " * 99)


def _link(folder: Path) -> None:
    work_in(folder.with_name("real"), 40)
    folder.symlink_to(folder.with_name("real"))


def _nothing(folder: Path) -> None:
    assert not folder.exists()


def _file(folder: Path) -> None:
    folder.write_bytes(b"precious")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_empty, "is not a data folder: it has no `nemolocal.sqlite3`"),
        (_film, "is not a data folder: its `media` is not ours"),
        (_no_database, "has lost its database: `nemolocal.sqlite3` is missing or empty"),
        (_damaged, "is damaged or not a database (file is not a database); restore it"),
        (_link, "it is a link"),
        (_file, "data folder not found"),
        (_nothing, "data folder not found"),
    ],
)
def test_what_is_not_ours_is_never_touched(
    run: CommandRunner, tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    make(Path("theirs"))
    before = tree(tmp_path)
    for more in ([], ["--dry-run"]):
        outcome = run("clean", "--data", "theirs", "--older-than", "0s", *more)
        assert outcome.status == 1
        assert said in outcome.err
    assert tree(tmp_path) == before


@pytest.mark.slow
def test_files_beside_ours_stay(run: CommandRunner) -> None:
    folder = Path(".nemolocal")
    work_in(folder, 40)
    theirs = [folder / "notes.txt", folder / "media" / "film.mp4", folder / "work" / "a.mp4"]
    for path in theirs:
        path.write_bytes(b"precious")
    run("clean", "--older-than", "0s")
    assert all(path.read_bytes() == b"precious" for path in theirs)


def test_many_sessions_are_told_in_few_lines(run: CommandRunner) -> None:
    folder = Path(".nemolocal")
    for _ in range(22):
        work_in(folder, 40, 10)
    reported = run("clean", "--dry-run").lines
    assert len([line for line in reported if "session " in line]) == 20
    assert any(line.startswith("  2 more sessions, used more recently") for line in reported)


@pytest.mark.slow
def test_a_render_that_waits_for_its_server_keeps_its_session(run: CommandRunner) -> None:
    film = work_in(Path(".nemolocal"), 40)
    store = Store(Path(".nemolocal"))
    store.execute(
        """INSERT INTO renders (token_id, id, session_id, status, draft, output, file_id, created)
           SELECT token_id, 'render_1', id, 'pending', '{}', '{}', 'f', 0 FROM sessions"""
    )
    store.close()
    assert run("clean").out == "Nothing to remove\n"
    assert film.exists()


def test_the_default_folder_of_serve_is_not_for_ever_and_one_of_a_name_is(
    run: CommandRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[Settings] = []
    monkeypatch.setattr(
        "nemolocal_server.serving.serve", lambda settings, *_: seen.append(settings)
    )
    config = tmp_path / "c.toml"
    config.write_text('data_dir = "named"\n[journal]\nmax_entries = 5\n', encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text("[retention]\nmax_age = 60\n", encoding="utf-8")
    for arguments in ([], ["--data", "mine"], ["--data", ""], ["--config", config]):
        run("serve", *arguments)
    run("serve", "--config", own)
    limited = [
        bool(settings.effective_retention.max_age and settings.effective_retention.max_bytes)
        for settings in seen
    ]
    assert limited == [True, False, True, False, False]
    assert [settings.data_dir and settings.data_dir.name for settings in seen] == [
        ".nemolocal", "mine", None, "named", ".nemolocal",
    ]  # fmt: skip
    assert (seen[3].journal.max_entries, seen[4].effective_retention.max_age) == (5, 60)
    shutil.rmtree(".nemolocal", ignore_errors=True)


def test_old_chats_go_whole_unless_they_are_open_or_hold_what_is_not_ours(
    run: CommandRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEMOLOCAL_DATA_DIR", str(tmp_path / "own"))

    def chat_of(days: float) -> Path:
        chat = create_chat_folder()
        work_in(chat, days)
        used = WallClock().time() - days * DAY
        ChatProfile(chat).keep_session("", KeptSession("1" * 19, used_at=used, last_message="mute"))
        return chat

    old, other, taken, new = chat_of(40), chat_of(35), chat_of(50), chat_of(2)
    (other / "notes.txt").write_text("mine")
    with contextlib.closing(Store(taken)):
        assert "Nothing to remove" in run("clean").out
        reported = run("clean", "--older-than", "30d", "--dry-run").out
        assert old.exists()
        done = run("clean", "--older-than", "30d").out
    for said in (reported, done):
        assert f"{old}: chat unused since" in said
        assert not [chat for chat in (other, taken, new) if str(chat) in said]
    assert [chat.exists() for chat in (old, other, taken, new)] == [False, True, True, True]
