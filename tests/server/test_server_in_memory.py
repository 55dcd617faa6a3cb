"""A server in memory has a folder that goes with it; each server sweeps those of killed ones."""

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from nemolocal_render.temporary_folder import APPLICATION_ID
from nemolocal_server.data.store import Store
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_its_folder_goes_with_the_store(temporary: Path) -> None:
    store = Store(None)
    assert store.folder.parent == temporary
    assert store.media.is_dir()
    store.close()
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_a_server_with_a_folder_of_its_own_sweeps_too(temporary: Path) -> None:
    left = temporary / "nemolocal-demo-killed"
    left.mkdir()
    with closing(sqlite3.connect(left / "owner.sqlite3")) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    async def start_and_close() -> None:
        server = Services(Settings(data_dir=temporary / "data"))
        server.start()
        await server.close()

    asyncio.run(start_and_close())
    assert [path.name for path in temporary.iterdir()] == ["data"]
