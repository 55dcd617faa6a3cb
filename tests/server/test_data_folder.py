"""A data folder has one server: a second is refused at once, a killed one is in nobody's way."""

import asyncio
import contextlib
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_server import ids
from nemolocal_server.app import build_app
from nemolocal_server.data import data_folder
from nemolocal_server.data.migrations import SCHEMA_VERSION, migrate
from nemolocal_server.data.snapshots import SnapshotNotFound, SnapshotRepository
from nemolocal_server.data.storage_errors import explain_storage_error
from nemolocal_server.data.store import Store, StoreError
from nemolocal_server.retention.cleanup import plan_cleanup, run_cleanup
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings

_HOLD = """
import sys
from pathlib import Path
from nemolocal_server.data.store import Store
store = Store(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_a_second_server_on_a_folder_is_refused_at_once_and_touches_nothing(tmp_path: Path) -> None:
    first = Store(tmp_path)
    (first.work / "half an upload").write_bytes(b"still coming")
    with pytest.raises(StoreError, match=rf"{tmp_path} is in use by another server.*--data"):
        build_app(Settings(data_dir=tmp_path))
    assert (first.work / "half an upload").exists()
    first.close()
    Store(tmp_path).close()


@pytest.mark.slow
def test_a_folder_is_free_again_when_its_server_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match="in use"):
            Store(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        Store(tmp_path).close()


def test_a_folder_with_somebody_elses_work_in_it_is_left_alone(tmp_path: Path) -> None:
    film = tmp_path / "work" / "my film.mp4"
    film.parent.mkdir()
    film.write_bytes(b"precious")
    for _ in range(2):
        with pytest.raises(StoreError, match=r"not a data folder: its `work` is not ours"):
            Store(tmp_path)
    assert film.read_bytes() == b"precious"


async def _start_and_close(settings: Settings) -> None:
    server = Services(settings)
    server.start()
    await server.close()


@pytest.mark.slow
def test_what_a_killed_server_was_receiving_is_swept_at_the_next_start(tmp_path: Path) -> None:
    asyncio.run(_start_and_close(Settings(data_dir=tmp_path)))
    for half in ("work", "media"):  # the second was moved, and never committed
        (tmp_path / half / f"{ids.new_file_id()}.mp4").write_bytes(b"x")
    asyncio.run(_start_and_close(Settings(data_dir=tmp_path)))
    assert list(tmp_path.rglob("*.mp4")) == []


def test_parts_of_a_farm_are_deleted_by_a_server_without_one(tmp_path: Path) -> None:
    Store(tmp_path).close()
    parts = tmp_path / "work" / "parts"
    parts.mkdir()
    part, other = parts / f"{ids.new_file_id()}.mp4", parts / "my film.mp4"
    for path in (part, other):
        path.write_bytes(b"x")

    async def start(has_farm: bool) -> None:
        services = Services(Settings(data_dir=tmp_path))
        services.has_farm = has_farm
        services.start()
        await services.close()

    asyncio.run(start(has_farm=True))
    assert part.exists()
    asyncio.run(start(has_farm=False))
    assert not part.exists()
    assert other.read_bytes() == b"x"
    other.unlink()
    asyncio.run(start(has_farm=False))
    assert not parts.exists()


def test_cleaning_deletes_the_parts_of_a_killed_farm(tmp_path: Path) -> None:
    Store(tmp_path).close()
    part = tmp_path / "work" / "parts" / f"{ids.new_file_id()}.mp4"
    part.parent.mkdir()
    part.write_bytes(b"x" * 10_000)
    plan = plan_cleanup(tmp_path, None)
    assert plan.unfinished == (f"work/parts/{part.name}",)
    assert part.exists()
    assert run_cleanup(plan) >= 10_000
    assert not part.exists()
    assert not plan_cleanup(tmp_path, None).unfinished


def test_a_folder_that_cannot_be_read_or_written_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path).close()

    def unreadable(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(data_folder, "identify_database", unreadable)
        with pytest.raises(StoreError, match=rf"^cannot read {tmp_path}: .*Permission denied"):
            data_folder.require_data_folder(tmp_path)
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert str(data_folder.store_error_for(tmp_path, full)) == (
        f"the disk of data folder {tmp_path} is full: free some space, or choose another --data"
    )


def test_an_error_of_the_database_is_a_full_disk_only_where_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    usage = shutil.disk_usage(tmp_path)
    for free, said in ((0, "the disk is full"), (10**9, "check its disk")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage._replace(free=free))
        assert said in str(explain_storage_error(error, tmp_path))
    for code, said in (
        (sqlite3.SQLITE_READONLY, "the data folder is read-only"),
        (sqlite3.SQLITE_BUSY, "another program has the database locked"),
        (sqlite3.SQLITE_FULL, "the disk is full"),
    ):
        error.sqlite_errorcode = code
        assert said in str(explain_storage_error(error, tmp_path))
    error.sqlite_errorcode = sqlite3.SQLITE_ERROR
    assert explain_storage_error(error, tmp_path) is None


def test_folders_that_are_missing_have_no_files_of_ours(tmp_path: Path) -> None:
    assert list(data_folder.find_files(tmp_path / "media")) == []
    assert data_folder.find_work_files(tmp_path / "work") == []


def test_a_database_that_is_not_ours_after_all_stays_as_it_is() -> None:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE TABLE journal (other TEXT)")
        with pytest.raises(sqlite3.OperationalError):
            migrate(db)
        assert not db.in_transaction
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master")]
        assert names == ["journal"]


def test_a_snapshot_whose_database_is_another_one_is_not_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    with contextlib.closing(store):
        snapshots = SnapshotRepository(store, ManualClock())
        taken = snapshots.create()
        (database,) = (tmp_path / "snapshots" / taken).glob("*.sqlite*")

        def locked(_: Path) -> str:
            raise sqlite3.OperationalError("database is locked")

        with monkeypatch.context() as patch:
            patch.setattr(data_folder, "identify_database", locked)
            # It may be ours.
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                snapshots.restore(taken)
        snapshots.restore(taken)
        original = database.read_bytes()
        for content in (b"no database" * 100, b""):
            database.write_bytes(content)
            with pytest.raises(SnapshotNotFound):
                snapshots.restore(taken)
        database.write_bytes(original)
        moved = database.rename(tmp_path / "elsewhere.sqlite3")
        database.symlink_to(moved)
        with pytest.raises(SnapshotNotFound):
            snapshots.restore(taken)


def test_a_look_into_a_folder_of_a_later_release_says_so_and_keeps_nothing_open(
    tmp_path: Path,
) -> None:
    Store(tmp_path).close()
    database = tmp_path / "nemolocal.sqlite3"

    def set_version(version: int) -> None:
        with contextlib.closing(sqlite3.connect(database, timeout=0)) as db:
            db.execute(f"PRAGMA user_version = {version}")

    set_version(9999)
    with pytest.raises(StoreError, match="schema 9999"):
        Store(tmp_path, preview=True)
    set_version(SCHEMA_VERSION)  # it is not locked
    Store(tmp_path, preview=True).close()


def test_a_look_into_the_folder_of_a_killed_server_leaves_its_log_as_it_is(tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    store = Store(tmp_path / "running")
    store.execute("PRAGMA wal_autocheckpoint = 0")
    store.execute("CREATE TABLE mark (value TEXT)")
    store.execute("INSERT INTO mark VALUES ('only in the log')")
    shutil.copytree(tmp_path / "running", killed)  # as it is when the process ends
    store.close()
    log = killed / "nemolocal.sqlite3-wal"
    before = log.read_bytes()
    assert before
    with contextlib.closing(Store(killed, preview=True)) as preview:
        assert preview.fetch_value("SELECT value FROM mark") == "only in the log"
    assert log.read_bytes() == before


def test_a_file_with_the_name_of_a_snapshot_is_no_snapshot_and_stays(tmp_path: Path) -> None:
    Store(tmp_path).close()
    file = tmp_path / "snapshots" / ids.new_file_id()
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"mine")
    with contextlib.closing(Store(tmp_path)) as store:
        assert SnapshotRepository(store, ManualClock()).list_all() == ()
    assert file.read_bytes() == b"mine"
