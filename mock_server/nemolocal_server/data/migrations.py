"""The schema of the database and its migrations: data folders of older releases keep working.

`PRAGMA user_version` is the number of migrations below that a database has been through.
"""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from importlib.resources import files

from .data_folder import APPLICATION_ID
from .token_redaction import redact_prefixed

_SCHEMA = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
TABLES = tuple(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", _SCHEMA))
"""The names of our tables."""

# Each step changes one version of the schema to the next. Never edit them, only add some.
_STEPS: tuple[tuple[str, ...], ...] = (
    (
        "ALTER TABLE drafts ADD COLUMN undo_to INTEGER",
        "ALTER TABLE drafts ADD COLUMN redo_to INTEGER",
        # A turn was one step before, too.
        """UPDATE drafts SET undo_to = (
               SELECT max(version) FROM drafts AS before
               WHERE before.session_id = drafts.session_id AND before.version < drafts.version
                   AND before.turn IS NOT drafts.turn)""",
    ),
    (
        # AUTOINCREMENT needs a new table.
        """CREATE TABLE new_tokens (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            fingerprint TEXT NOT NULL UNIQUE,
            user_id TEXT NOT NULL UNIQUE,
            client_id TEXT NOT NULL,
            address TEXT NOT NULL,
            created REAL NOT NULL,
            expires REAL NOT NULL,
            revoked REAL,
            anonymous INTEGER NOT NULL,
            plan TEXT NOT NULL CHECK (plan IN ('free', 'paid', 'blocked')),
            scopes TEXT NOT NULL,
            dialect_json TEXT,
            draw_id TEXT NOT NULL,
            chosen INTEGER NOT NULL
        ) STRICT""",
        # Random draws stay keyed by the client id. Manual tokens may have a chosen text.
        """INSERT INTO new_tokens SELECT id, fingerprint, user_id, client_id, address, created,
               expires, revoked, anonymous, plan, scopes, dialect_json, client_id, NOT anonymous
           FROM tokens""",
        "DROP TABLE tokens",
        "ALTER TABLE new_tokens RENAME TO tokens",
        # Earlier releases stored user text without removing tokens.
        *(
            f"""UPDATE {table} SET {column} = without_tokens({column})
                WHERE {column} <> without_tokens({column})"""
            for table, column in (
                ("sessions", "task_name"),
                ("sessions", "language"),
                ("assets", "filename"),
                ("turns", "message"),
                ("drafts", "draft"),
                ("renders", "draft"),
                ("journal", "entry"),
            )
        ),
    ),
    (
        "ALTER TABLE sessions ADD COLUMN used REAL NOT NULL DEFAULT 0",
        # The last use is unknown, so it is now. Other times may be those of a virtual clock.
        "UPDATE sessions SET used = CAST(strftime('%s', 'now') AS REAL)",
        "ALTER TABLE journal ADD COLUMN kind INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE journal ADD COLUMN size INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE journal ADD COLUMN ended REAL NOT NULL DEFAULT 0",
        """UPDATE journal SET size = length(CAST(entry AS BLOB)),
               ended = coalesce(json_extract(entry, '$.ended'), 0),
               kind = CASE WHEN turn IS NOT NULL THEN 2 WHEN endpoint IN ('token', 'claim_token',
                   'session', 'upload', 'chat', 'render', 'render_cancel') THEN 1 ELSE 0 END
           WHERE json_valid(entry)""",
    ),
    (
        "ALTER TABLE edits ADD COLUMN scripted TEXT",
        "ALTER TABLE tokens ADD COLUMN not_understood TEXT",
    ),
)
SCHEMA_VERSION = len(_STEPS)


class SchemaTooNew(sqlite3.DatabaseError):
    """The database was written by a later release."""


def migrate(db: sqlite3.Connection) -> None:
    """Create the tables of a new database, or migrate those of an older one; all or nothing.

    Raises `SchemaTooNew`, or another `sqlite3.DatabaseError` if the database is not ours.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise SchemaTooNew(f"its database has schema {version}, and this release {SCHEMA_VERSION}")
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'drafts'").fetchone():
        # Overwritten text, which may have tokens, must not stay in the file.
        db.execute("PRAGMA secure_delete = ON")
        db.create_function("without_tokens", 1, redact_prefixed, deterministic=True)
        with _no_foreign_keys(db):
            for step in range(version, SCHEMA_VERSION):
                _apply_step(db, step)
    try:
        # One transaction: a killed server leaves no half of the tables, and there is one commit.
        mark = "" if version == SCHEMA_VERSION else f"PRAGMA user_version = {SCHEMA_VERSION};"
        db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA}; {mark} COMMIT")
    except sqlite3.DatabaseError:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _no_foreign_keys(db: sqlite3.Connection) -> Iterator[None]:
    """A table that others refer to can be replaced only while foreign keys are not checked."""
    (before,) = db.execute("PRAGMA foreign_keys").fetchone()
    db.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        db.execute(f"PRAGMA foreign_keys = {before}")


def set_application_id(db: sqlite3.Connection) -> None:
    """Mark a database as ours; the caller has checked that it is."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _apply_step(db: sqlite3.Connection, step: int) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in _STEPS[step]:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {step + 1}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
