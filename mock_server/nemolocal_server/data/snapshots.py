"""Snapshots: copies of the database, with hard links to its files.

Taking and restoring one runs on the event loop without a pause, so no request sees half of it.
Media and renders never change, so a link is as good as a copy. Files are copied if the file system
has no hard links.
"""

import os
import shutil
import sqlite3
from pathlib import Path

from nemolocal_contract.clock import Clock
from nemolocal_contract.control_api import Snapshot

from .. import ids
from . import data_folder
from .store import Store

# The oldest is not deleted to make room: it is often the state that a test begins with.
MAX_SNAPSHOTS = 50
_DATABASE = "database.sqlite3"


class SnapshotNotFound(Exception):
    """There is no snapshot with this id."""


class TooManySnapshots(Exception):
    """There are `MAX_SNAPSHOTS` already."""


class SnapshotRepository:
    """The snapshots of a store, in its data folder."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._folder = store.folder / data_folder.SNAPSHOT_FOLDER

    def create(self) -> str:
        """Take a snapshot; return its id. Raises `TooManySnapshots`."""
        if len(self.list_all()) >= MAX_SNAPSHOTS:
            raise TooManySnapshots
        snapshot_id = ids.new_file_id()
        # Created in the folder that every start empties, and moved when it is complete.
        temporary = self._store.work / f"snapshot-{snapshot_id}"
        try:
            temporary.mkdir(mode=0o700)
            self._store.back_up(temporary / _DATABASE)
            for folder in self._folders():
                _link_files(folder, temporary / folder.name)
            # The time of the folder is the time of the snapshot, by the server's clock.
            now = self._clock.time()
            os.utime(temporary, (now, now))
            self._folder.mkdir(mode=0o700, exist_ok=True)
            temporary.rename(self._folder / snapshot_id)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return snapshot_id

    def list_all(self) -> tuple[Snapshot, ...]:
        """All snapshots, oldest first."""
        names = os.listdir(self._folder) if self._folder.is_dir() else ()
        folders = [self._folder / name for name in names if self._exists(name)]
        found = [Snapshot(folder.name, folder.stat().st_mtime) for folder in folders]
        return tuple(sorted(found, key=lambda snapshot: (snapshot.taken, snapshot.id)))

    def delete(self, snapshot_id: str) -> None:
        """Delete a snapshot. Raises `SnapshotNotFound`."""
        # Moved first to the folder that every start empties: a kill leaves no half of it.
        rest = self.find_folder(snapshot_id).rename(self._store.work / f"snapshot-{snapshot_id}")
        shutil.rmtree(rest, ignore_errors=True)

    def find_folder(self, snapshot_id: str) -> Path:
        """The folder of a snapshot; raises `SnapshotNotFound`."""
        if not self._exists(snapshot_id):
            raise SnapshotNotFound(snapshot_id)
        return self._folder / snapshot_id

    def _exists(self, name: str) -> bool:
        """Whether this is a snapshot, not a file or folder of somebody else."""
        folder = self._folder / name
        named = bool(data_folder.SNAPSHOT_NAME_PATTERN.fullmatch(name))
        return named and folder.is_dir() and not folder.is_symlink()

    def restore(self, snapshot_id: str) -> None:
        """Go back to a snapshot, which stays. Raises `SnapshotNotFound`."""
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
        return not database.is_symlink() and data_folder.identify_database(database) == "ours"
    except sqlite3.OperationalError:
        raise  # it cannot be read now, whatever it is
    except sqlite3.DatabaseError:
        return False


def _link_files(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, exist_ok=True)
    for path in data_folder.find_files(source):
        try:
            os.link(path, target / path.name)
        except OSError:  # no hard links here
            shutil.copy2(path, target / path.name)
