"""The one store: SQLite in WAL mode, in a file or in memory, and the folders beside it.

Statements run on the event loop's thread: each takes microseconds, and one writer at a time is what
keeps a ledger true. The database is locked for as long as it is open: a data folder has one server,
since what runs (turns, the queue of renders) is known to its process alone. The operating system
gives the lock back when the process ends, however it ends.
"""

import contextlib
import functools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from nemolocal_contract.clock import Clock, WallClock
from nemolocal_render.temporary_folder import TemporaryFolder

from . import data_folder
from .data_folder import FolderInUse as FolderInUse, StoreError as StoreError
from .migrations import TABLES, migrate, set_application_id
from .token_redaction import KnownTokens, redact_values

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class Store:
    """A database and a folder of media; closed with `close`.

    `known` are the tokens that nothing may be stored of: whoever stores what others wrote asks it.
    A `preview` is for looking only: nothing in the folder is changed, made or taken away. Until it
    is closed nobody else has the folder.
    """

    def __init__(self, data_dir: Path | None, *, preview: bool = False) -> None:
        self._temporary = TemporaryFolder("memory") if data_dir is None else None
        if self._temporary is None:
            look = data_folder.require_data_folder if preview else data_folder.open_data_folder
            self.folder = look(data_dir or Path())
            database = str(self.folder / data_folder.DATABASE_NAME)
        else:
            self.folder, database = self._temporary.path, ":memory:"
            data_folder.make_subfolders(self.folder)
        try:
            self._source = _open_read_only(database) if preview else None
            self._db = _open(database) if self._source is None else _copy_to_memory(self._source)
        except sqlite3.DatabaseError as error:
            raise data_folder.store_error_for(self.folder, error) from error
        self.known_tokens = KnownTokens()
        self._expect_chosen_tokens()
        if not preview:
            # Only under the lock: until then the files may be another server's.
            data_folder.clear_work_folder(self.work)
        # How long something has lain here is a matter of the disk, whatever clock the server has.
        self.wall_clock: Clock = WallClock()
        # Told of the bytes of every file that comes to stay.
        self.on_growth: Callable[[int], None] = lambda _: None
        # Not of a method of its own: what refers to itself waits for the garbage collector.
        self._cache = functools.cache(functools.partial(_first_row, self._db))
        self._cache_version = -1

    @property
    def media(self) -> Path:
        """Uploads and generated media, each file under its asset id."""
        return self.folder / "media"

    @property
    def renders(self) -> Path:
        """Finished exports, each under its file id."""
        return self.folder / "renders"

    @property
    def generated_media(self) -> Path:
        """What was generated, kept to be used again."""
        return self.folder / "footage"

    @property
    def work(self) -> Path:
        """What is being received or rendered; emptied at every start."""
        return self.folder / "work"

    def close(self) -> None:
        self._db.close()
        if self._source is not None:
            self._source.close()
        if self._temporary is not None:
            self._temporary.remove()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another transaction it is part of that one."""
        if self._db.in_transaction:
            yield
            return
        if self._temporary is None:
            # SQLite would go on in a file that has no name any more, and lose everything.
            (self.folder / data_folder.DATABASE_NAME).stat()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # Where the disk is full SQLite has rolled back already, or could not commit.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def back_up(self, path: Path) -> None:
        """Copy the database into a new file."""
        with contextlib.closing(sqlite3.connect(path)) as copy:
            self._db.backup(copy)
            # Whoever opens it makes nothing beside it then.
            copy.execute("PRAGMA journal_mode=DELETE").fetchall()

    def restore(self, path: Path) -> None:
        """Exchange everything in the database for what a copy has."""
        newest = self._last_token_id()
        with contextlib.closing(sqlite3.connect(path)) as copy:
            copy.backup(self._db)
        set_application_id(self._db)
        migrate(self._db)
        self._keep_token_sequence(newest)
        self._expect_chosen_tokens()
        self._cache.cache_clear()

    def vacuum(self) -> None:
        """Make the file of the database as small as it can be."""
        self._db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        self._db.execute("VACUUM")
        self.incremental_vacuum()

    def incremental_vacuum(self) -> None:
        """Give back to the disk what the database has no use for any more."""
        # As a script: `execute` would take a single page, and stop.
        self._db.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")

    def _expect_chosen_tokens(self) -> None:
        """Tokens of an earlier process, whose texts only their owners know."""
        self.known_tokens.expect_fingerprints(
            self.fetch_column("SELECT fingerprint FROM tokens WHERE chosen")
        )

    def _last_token_id(self) -> int:
        """The highest id that a token has ever had."""
        return self.fetch_value("SELECT seq FROM sqlite_sequence WHERE name = 'tokens'") or 0

    def _keep_token_sequence(self, newest: int) -> None:
        """Ids of tokens up to this one were given, whatever the copy says."""
        if newest > self._last_token_id():
            self.execute("DELETE FROM sqlite_sequence WHERE name = 'tokens'")
            self.execute("INSERT INTO sqlite_sequence VALUES ('tokens', :newest)", newest=newest)

    def tables(self) -> tuple[str, ...]:
        """The names of our tables, and of nobody else's who may have some in this database."""
        return TABLES

    def execute(self, sql: str, **values: Any) -> int:
        """Run one statement; the id of the row that it inserted.

        No token is stored, not even by whoever forgets to ask `known`: those that have the prefix
        are found in JSON as well as in words.
        """
        return self._db.execute(sql, redact_values(values)).lastrowid or 0

    def fetch_one(self, kind: type[T], sql: str, **values: Any) -> T | None:
        """The first row as a `kind`, or None."""
        return _first_row(self._db, kind, sql, **values)

    def fetch_one_cached(self, kind: type[S], sql: str, **values: Any) -> S | None:
        """`one`, for what every request asks: remembered until anything at all is written.

        Nobody else writes to this database, and a value seen inside a transaction, which may yet
        be rolled back, is not remembered.
        """
        if self._db.in_transaction:
            return self.fetch_one(kind, sql, **values)
        if self._db.total_changes != self._cache_version:
            self._cache.cache_clear()
            self._cache_version = self._db.total_changes
        found: S | None = self._cache(kind, sql, **values)
        return found

    def fetch_all(self, kind: type[T], sql: str, **values: Any) -> list[T]:
        """Every row as a `kind`."""
        return [_convert(row, kind) for row in self._db.execute(sql, values)]

    def fetch_column(self, sql: str, **values: Any) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self._db.execute(sql, values)]

    def fetch_value(self, sql: str, **values: Any) -> Any:
        """The first column of the first row, or None."""
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else row[0]


def _first_row(db: sqlite3.Connection, kind: type[T], sql: str, **values: Any) -> T | None:
    row = db.execute(sql, values).fetchone()
    return None if row is None else _convert(row, kind)


def _convert(row: sqlite3.Row, kind: type[T]) -> T:
    # Not strict: SQLite has no booleans, 0 and 1 stand for them.
    return msgspec.convert(dict(row), kind, strict=False)


def _open_read_only(database: str) -> sqlite3.Connection:
    """A connection that changes nothing, and keeps others out."""
    log = Path(f"{database}-wal")
    # Where a killed server has left a log, whoever may write would move it into the database.
    mode = "ro" if log.exists() and log.stat().st_size else "rw"
    address = f"{Path(database).as_uri()}?mode={mode}"
    db = sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)
    if mode == "rw":
        # Nothing is made beside the database then, which a full disk has no room for.
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
    return db


def _copy_to_memory(source: sqlite3.Connection) -> sqlite3.Connection:
    """What a database has, in memory and up to date."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    copy.row_factory = sqlite3.Row
    try:
        source.backup(copy)
        migrate(copy)
    except sqlite3.DatabaseError:
        source.close()
        raise
    return copy


def _open(database: str) -> sqlite3.Connection:
    # The app is built in one thread and may be served in another, never in two at once. Whoever
    # has the database locked keeps it until the end, so waiting (`timeout`) is of no use.
    db = sqlite3.connect(database, timeout=0, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    # WAL with NORMAL survives a killed process; only a power cut can lose the last commits.
    # EXCLUSIVE must come first: it is the switch to WAL that takes the lock.
    pragmas = (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        # Moving the log into the database waits for the disk, and every stream with it: rarely.
        "wal_autocheckpoint=4000",
        "foreign_keys=ON",
    )
    try:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        # Of a new database: what is deleted can be given back to the disk.
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        # First and without a log: from its first moment on the file says whose it is.
        set_application_id(db)
        for pragma in pragmas:
            db.execute(f"PRAGMA {pragma}")
        migrate(db)
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db
