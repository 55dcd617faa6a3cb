"""A data folder has one server: a second is refused at once, a killed one is in nobody's way."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nemolocal_server import ids
from nemolocal_server.app import build_app
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
