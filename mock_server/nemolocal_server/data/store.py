"""The store: one SQLite database in WAL mode, in a file or in memory, and folders of files.

Statements run on the thread of the event loop: each takes microseconds, and with a single writer
the ledger stays consistent. The database stays locked while it is open: only one server may use a
data folder, since running turns and queued renders are known to its process alone. The operating
system releases the lock when the process ends, however it ends.
"""

import contextlib
import functools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from nemolocal_contract.clock import Clock, WallClock
from nemolocal_contract.endpoints import ANONYMOUS_TOKEN_PREFIX, CLAIM_TOKEN_PREFIX
from nemolocal_render.temporary_folder import TemporaryFolder

from . import data_folder
from .change_log import ChangeLog
from .data_folder import FolderInUse as FolderInUse, StoreError as StoreError
from .migrations import migrate, set_application_id
from .token_redaction import KnownTokens, redact_prefixed

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class Store:
    """A database and its data folder, or a temporary folder if `data_dir` is None.

    `known_tokens` must be removed from user text before it is stored. With `preview` the store is
    read-only: nothing in the folder is changed, but it is locked all the same.
    """

    def __init__(self, data_dir: Path | None, *, preview: bool = False) -> None:
        self._temporary = TemporaryFolder("memory") if data_dir is None else None
        if self._temporary is None:
            check = data_folder.require_data_folder if preview else data_folder.open_data_folder
            self.folder = check(data_dir or Path())
            database = str(self.folder / data_folder.DATABASE_NAME)
        else:
            self.folder, database = self._temporary.path, ":memory:"
            data_folder.make_subfolders(self.folder)
        # Uploads and generated media by asset id, and exports by file id.
        self.media, self.renders = self.folder / "media", self.folder / "renders"
        # A cache of generated media, and files that are being received or rendered.
        self.generated_media, self.work = self.folder / "footage", self.folder / "work"
        try:
            self._original = _open_read_only(database) if preview else None
            self._db = _open(database) if self._original is None else _copy(self._original)
        except sqlite3.DatabaseError as error:
            raise data_folder.store_error_for(self.folder, error) from error
        self.known_tokens = KnownTokens()
        self._expect_chosen_tokens()
        if not preview:
            # Only under the lock: before, the files may be those of another server.
            data_folder.clear_work_folder(self.work)
        # The age of data is measured in real time, whatever the clock of the server.
        self.wall_clock: Clock = WallClock()
        self.changes = ChangeLog()
        # Called with the size of every file that is added.
        self.on_growth: Callable[[int], None] = lambda _: None
        # A cached method would make a reference cycle, which only the garbage collector frees.
        self._cache = functools.cache(functools.partial(_first_row, self._db))
        self._cache_version = -1
        # How often the content was replaced: what was read before means nothing afterwards.
        self.restores = 0

    def media_path(self, name: str) -> Path:
        """The path of a file in `media`; raises `StoreError` for a name that is not ours."""
        return _checked_path(self.media, name)

    def render_path(self, file_id: str) -> Path:
        """The path of an export; raises `StoreError` for an id that is not ours."""
        return _checked_path(self.renders, f"{file_id}.mp4")

    def close(self) -> None:
        self._db.close()
        if self._original is not None:
            self._original.close()
        if self._temporary is not None:
            self._temporary.remove()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction; inside another one it is part of that."""
        if self._db.in_transaction:
            yield
            return
        if self._temporary is None:
            # If the file was deleted, SQLite would go on writing to it, and all would be lost.
            (self.folder / data_folder.DATABASE_NAME).stat()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # On a full disk SQLite has rolled back already, or the commit has failed.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def back_up(self, path: Path) -> None:
        """Copy the database into a new file."""
        with contextlib.closing(sqlite3.connect(path)) as copy:
            self._db.backup(copy)
            # Nothing is created beside the copy when it is opened.
            copy.execute("PRAGMA journal_mode=DELETE").fetchall()

    def restore(self, path: Path) -> None:
        """Replace the content of the database by that of a copy."""
        newest = self._last_token_id()
        # Before anything changes, since a copy that fails may have been made in part.
        self.restores += 1
        with contextlib.closing(sqlite3.connect(path)) as copy:
            copy.backup(self._db)
        set_application_id(self._db)
        migrate(self._db)
        self._keep_token_sequence(newest)
        self._expect_chosen_tokens()
        self._cache.cache_clear()

    def vacuum(self) -> None:
        """Shrink the database file as far as possible."""
        self._db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        self._db.execute("VACUUM")
        self.incremental_vacuum()

    def incremental_vacuum(self) -> None:
        """Give unused pages of the database back to the disk."""
        # As a script: `execute` would stop after one page.
        self._db.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")

    def _expect_chosen_tokens(self) -> None:
        """Tell `known_tokens` about tokens of earlier processes: their texts are not stored."""
        self.known_tokens.expect_fingerprints(
            self.fetch_column("SELECT fingerprint FROM tokens WHERE chosen")
        )

    def _last_token_id(self) -> int:
        """The highest id that a token has ever had."""
        return self.fetch_value("SELECT seq FROM sqlite_sequence WHERE name = 'tokens'") or 0

    def _keep_token_sequence(self, newest: int) -> None:
        """No id up to this one may be given again, whatever the copy says."""
        if newest > self._last_token_id():
            self.execute("DELETE FROM sqlite_sequence WHERE name = 'tokens'")
            self.execute("INSERT INTO sqlite_sequence VALUES ('tokens', :newest)", newest=newest)

    def execute(self, sql: str, **values: Any) -> int:
        """Run a statement; return the id of the row that it inserted.

        As a safety net, tokens with our prefix are removed from the values.
        """
        for name, value in values.items():
            if isinstance(value, str) and (
                ANONYMOUS_TOKEN_PREFIX in value or CLAIM_TOKEN_PREFIX in value
            ):
                values[name] = redact_prefixed(value)
        return self._db.execute(sql, values).lastrowid or 0

    def fetch_one(self, kind: type[T], sql: str, **values: Any) -> T | None:
        """The first row as a `kind`; None if there is none."""
        return _first_row(self._db, kind, sql, **values)

    def fetch_one_cached(self, kind: type[S], sql: str, **values: Any) -> S | None:
        """`fetch_one` for what every request reads: cached until anything is written.

        Nobody else writes to this database. A value read inside a transaction, which may be rolled
        back, is not cached.
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
        """The first column of the first row; None if there is none."""
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else row[0]


def _checked_path(folder: Path, name: str) -> Path:
    # A database may come from anywhere; its content must not lead out of the folder.
    if not data_folder.FILE_NAME_PATTERN.fullmatch(name):
        raise StoreError(f"the database has an invalid file name: {name[:100]!r}")
    return folder / name


def _first_row(db: sqlite3.Connection, kind: type[T], sql: str, **values: Any) -> T | None:
    row = db.execute(sql, values).fetchone()
    return None if row is None else _convert(row, kind)


def _convert(row: sqlite3.Row, kind: type[T]) -> T:
    # Not strict: SQLite has no booleans, 0 and 1 stand for them.
    return msgspec.convert(dict(row), kind, strict=False)


def _open_read_only(database: str) -> sqlite3.Connection:
    """A connection that changes nothing but locks the database."""
    log = Path(f"{database}-wal")
    # A killed server leaves a log; a writable connection would move it into the database.
    mode = "ro" if log.exists() and log.stat().st_size else "rw"
    address = f"{Path(database).as_uri()}?mode={mode}"
    db = sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)
    if mode == "rw":
        # SQLite creates no files then, which a full disk has no room for.
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
    return db


def _copy(original: sqlite3.Connection) -> sqlite3.Connection:
    """A copy of a database in memory, with the current schema."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    copy.row_factory = sqlite3.Row
    try:
        original.backup(copy)
        migrate(copy)
    except sqlite3.DatabaseError:
        copy.close()
        original.close()
        raise
    return copy


def _open(database: str) -> sqlite3.Connection:
    # The app is built in one thread and may be served in another, never in two at once. Another
    # server keeps its lock until it ends, so waiting (`timeout`) is useless.
    db = sqlite3.connect(database, timeout=0, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    # WAL with NORMAL survives a killed process; only a power cut can lose the last commits.
    # EXCLUSIVE must come first, since the switch to WAL takes the lock.
    pragmas = (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        # A checkpoint waits for the disk, and all streams wait with it: do it rarely.
        "wal_autocheckpoint=4000",
        "foreign_keys=ON",
    )
    try:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        # Works in a new database only: unused pages can be given back to the disk.
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        # First and without a log, so that the file says that it is ours from the beginning.
        set_application_id(db)
        for pragma in pragmas:
            db.execute(f"PRAGMA {pragma}")
        migrate(db)
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db
