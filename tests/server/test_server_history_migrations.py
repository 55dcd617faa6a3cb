"""An older data folder opens with its drafts, and undo works on them; a newer one is refused."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_server.data.migrations import SCHEMA_VERSION
from nemolocal_server.data.sessions import SessionRepository
from nemolocal_server.data.store import Store, StoreError
from tests.support.older_folders import DATABASE, make_older_folder

# Three turns, the second of which had two stages.
OLD = """
INSERT INTO tokens VALUES (1, 'f', 'u', 'c', 'a', 0, 9, NULL, 1, 'free', '*', NULL);
INSERT INTO sessions VALUES ('s', 1, 1, 't', 'project', 'en', 0), ('s2', 1, 2, 't', 'p', 'en', 0);
INSERT INTO drafts VALUES
    ('s', 1, '{"t":[],"d":0}', NULL, 0),
    ('s', 2, '{"t":[],"d":2,"theirs":1}', 1, 0),
    ('s', 3, '{"t":[],"d":3}', 2, 0),
    ('s', 4, '{"t":[],"d":4}', 2, 0),
    ('s', 5, '{"t":[],"d":5}', 3, 0),
    ('s2', 1, '{"t":[],"d":0}', NULL, 0);
"""


@pytest.fixture
def old_folder(tmp_path: Path) -> Path:
    """A data folder of the first release."""
    make_older_folder(tmp_path, 0)
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as db:
        db.executescript(OLD)
    return tmp_path


def pointers(store: Store) -> list[int | None]:
    sessions = SessionRepository(store, ManualClock())
    return [sessions.get_version("s", number).undo_to for number in range(1, 6)]


@pytest.mark.slow
def test_drafts_of_an_older_folder_can_be_undone_turn_by_turn(old_folder: Path) -> None:
    with closing(Store(old_folder)) as store:
        assert pointers(store) == [None, 1, 2, 2, 4]
        sessions = SessionRepository(store, ManualClock())
        assert sessions.newest_draft_json("s") == '{"t":[],"d":5}'
        assert sessions.get_version("s", 2).draft.extra == {"theirs": 1}
        assert sessions.newest_and_stamp("s2")[0].undo_to is None
        assert store.fetch_value("PRAGMA user_version") == SCHEMA_VERSION
    with closing(Store(old_folder)) as store:
        assert pointers(store) == [None, 1, 2, 2, 4]


def test_a_fresh_folder_has_the_schema_of_today(tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store:
        assert store.fetch_value("PRAGMA user_version") == SCHEMA_VERSION


@pytest.mark.slow
def test_a_copy_that_was_taken_by_an_older_release_is_brought_up_to_date(
    old_folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.sqlite3"
    (old_folder / DATABASE).rename(copy)
    with closing(Store(None)) as store:
        store.restore(copy)
        assert pointers(store) == [None, 1, 2, 2, 4]


def test_a_folder_of_a_later_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
        db.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreError, match=f"schema 999, and this release {SCHEMA_VERSION}"):
        Store(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (999,)


def test_a_step_that_fails_leaves_everything_as_it_was(
    old_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (("ALTER TABLE drafts ADD COLUMN undo_to INTEGER", "SELECT nonsense"),)
    monkeypatch.setattr("nemolocal_server.data.migrations._STEPS", broken)
    with pytest.raises(StoreError, match="nonsense"):
        Store(old_folder)
    monkeypatch.undo()
    with closing(Store(old_folder)) as store:
        assert pointers(store) == [None, 1, 2, 2, 4]
