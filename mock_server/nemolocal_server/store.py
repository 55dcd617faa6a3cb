"""The one store: SQLite in WAL mode, in a file or in memory, and the folders beside it.

Statements run on the event loop's thread: each takes microseconds, and one writer at a time is what
keeps a ledger true.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class StoreError(Exception):
    """The data folder cannot be used; the message says why and what to do."""


class Store:
    """A database and a folder of media; closed with `close`."""

    def __init__(self, data_dir: Path | None) -> None:
        self._temporary = data_dir is None
        self.folder = _folder(data_dir)
        database = ":memory:" if data_dir is None else str(self.folder / "nemolocal.sqlite3")
        try:
            self._db = _open(database)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"cannot use {database}: {error}; choose another --data") from error

    @property
    def media(self) -> Path:
        """Uploads and generated media, each file under its asset id."""
        return self.folder / "media"

    @property
    def renders(self) -> Path:
        """Finished exports, each under its file id."""
        return self.folder / "renders"

    @property
    def work(self) -> Path:
        """What is being received or rendered; emptied at every start."""
        return self.folder / "work"

    def close(self) -> None:
        self._db.close()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another transaction it is part of that one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def execute(self, sql: str, **values: Any) -> int:
        """Run one statement; the id of the row that it inserted."""
        return self._db.execute(sql, values).lastrowid or 0

    def one(self, kind: type[T], sql: str, **values: Any) -> T | None:
        """The first row as a `kind`, or None."""
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else msgspec.convert(dict(row), kind)

    def all(self, kind: type[T], sql: str, **values: Any) -> list[T]:
        """Every row as a `kind`."""
        return [msgspec.convert(dict(row), kind) for row in self._db.execute(sql, values)]

    def value(self, sql: str, **values: Any) -> Any:
        """The first column of the first row, or None."""
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else row[0]


def _folder(data_dir: Path | None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="nemolocal-")) if data_dir is None else data_dir
    try:
        shutil.rmtree(folder / "work", ignore_errors=True)
        for name in ("media", "renders", "work"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(f"cannot use data folder {folder}: {reason}; choose another") from error
    return folder.resolve()


def _open(database: str) -> sqlite3.Connection:
    # The app is built in one thread and may be served in another, never in two at once.
    db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    # WAL with NORMAL survives a killed process; only a power cut can lose the last commits.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=5000",
    ):
        db.execute(f"PRAGMA {pragma}")
    db.executescript(files(__package__).joinpath("schema.sql").read_text(encoding="utf-8"))
    return db
