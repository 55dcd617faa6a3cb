"""Snapshots: a copy of the database and hard links to its files, taken and put back in one go.

Both run on the event loop's thread from beginning to end, so that no request sees half of it.
Media and renders never change once they lie in their folders, so a link is as good as a copy; where
the file system has no links, files are copied.
"""

import os
import shutil
import sqlite3
from pathlib import Path

from nemolocal_contract.clock import Clock
from nemolocal_contract.control_api import Snapshot

from .. import ids
from . import data_folder
from .database_identity import identify_database
from .store import Store

# Each has the whole database. None makes room by itself: the oldest is what a test begins with.
MAX_SNAPSHOTS = 50
_DATABASE = "database.sqlite3"


class SnapshotNotFound(Exception):
    """There is no snapshot with this id."""


class TooManySnapshots(Exception):
    """There are `MAX_SNAPSHOTS` of them already."""


class SnapshotRepository:
    """The snapshots of a store, kept beside it for as long as its folder is."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._folder = store.folder / data_folder.SNAPSHOT_FOLDER

    def create(self) -> str:
        """Keep how things are now; the id to `restore` it by. Raises `TooManySnapshots`."""
        if len(self.list_all()) >= MAX_SNAPSHOTS:
            raise TooManySnapshots
        snapshot_id = ids.new_file_id()
        # Made where every start cleans up, and moved when it is whole.
        draft = self._store.work / f"snapshot-{snapshot_id}"
        try:
            draft.mkdir(mode=0o700)
            self._store.back_up(draft / _DATABASE)
            for folder in self._folders():
                _link_files(folder, draft / folder.name)
            # Where a folder keeps a time, this one keeps the server's.
            now = self._clock.time()
            os.utime(draft, (now, now))
            self._folder.mkdir(mode=0o700, exist_ok=True)
            draft.rename(self._folder / snapshot_id)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return snapshot_id

    def list_all(self) -> tuple[Snapshot, ...]:
        """Those that are kept, oldest first."""
        names = os.listdir(self._folder) if self._folder.is_dir() else ()
        folders = [self._folder / name for name in names if self._is_there(name)]
        found = [Snapshot(folder.name, folder.stat().st_mtime) for folder in folders]
        return tuple(sorted(found, key=lambda snapshot: (snapshot.taken, snapshot.id)))

    def delete(self, snapshot_id: str) -> None:
        """Throw a snapshot away. Raises `SnapshotNotFound`."""
        # Moved to where every start cleans up: a kill leaves all of it or nothing.
        rest = self.find_folder(snapshot_id).rename(self._store.work / f"snapshot-{snapshot_id}")
        shutil.rmtree(rest, ignore_errors=True)

    def find_folder(self, snapshot_id: str) -> Path:
        """Where a snapshot lies; raises `SnapshotNotFound`."""
        if not self._is_there(snapshot_id):
            raise SnapshotNotFound(snapshot_id)
        return self._folder / snapshot_id

    def _is_there(self, name: str) -> bool:
        """Whether this is a snapshot, and nothing that somebody else put beside them."""
        folder = self._folder / name
        named = bool(data_folder.SNAPSHOT_NAME_PATTERN.fullmatch(name))
        return named and folder.is_dir() and not folder.is_symlink()

    def restore(self, snapshot_id: str) -> None:
        """Make everything as it was; the snapshot stays. Raises `SnapshotNotFound`."""
        snapshot = self.find_folder(snapshot_id)
        if not _is_ours(snapshot / _DATABASE):
            raise SnapshotNotFound(snapshot_id)
        self._store.restore(snapshot / _DATABASE)
        for folder in self._folders():
            data_folder.delete_orphans(folder, ())
            _link_files(snapshot / folder.name, folder)

    def _folders(self) -> tuple[Path, ...]:
        return self._store.media, self._store.renders


def _is_ours(database: Path) -> bool:
    try:
        return not database.is_symlink() and identify_database(database) == "ours"
    except sqlite3.OperationalError:
        raise  # nobody can tell: the machine does not let us
    except sqlite3.DatabaseError:
        return False


def _link_files(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, exist_ok=True)
    for path in data_folder.find_files(source):
        try:
            os.link(path, target / path.name)
        except OSError:  # no hard links here
            shutil.copy2(path, target / path.name)
