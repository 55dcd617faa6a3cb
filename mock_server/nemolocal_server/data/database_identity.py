"""Whose a database is: believed by what it says of itself, never by its name.

It is asked read-only, and by SQLite alone: a file that another part of this process has open must
not be opened besides, since closing it again would drop the locks of the whole process.
"""

import contextlib
import sqlite3
from pathlib import Path
from typing import Literal

from nemolocal_render.temporary_folder import APPLICATION_ID as APPLICATION_ID

DatabaseOwner = Literal["ours", "nobody's", "foreign"]

_NO_ROOM = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
# What databases of releases without the id have, each column under its table.
_EARLIER = {
    "tokens": {"id", "fingerprint", "user_id", "client_id", "address", "scopes", "dialect_json"},
    "sessions": {"id", "token_id", "ordinal", "task_id", "task_name", "language"},
    "assets": {"id", "session_id", "origin", "filename", "hash", "info"},
    "drafts": {"session_id", "version", "draft", "turn"},
    "ledger": {"id", "token_id", "kind", "available", "frozen", "hold_id", "reason"},
    "renders": {"token_id", "id", "session_id", "status", "file_id"},
}


def identify_database(path: Path) -> DatabaseOwner:
    """Whose this database is; "nobody's" where there is nothing in it, or no file.

    Raises `sqlite3.DatabaseError` where it cannot be read: it is no database, or locked.
    """
    if not path.exists() or not path.stat().st_size:
        return "nobody's"
    # A plain connection would move the log of a foreign database into it.
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        return _identify(address)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _NO_ROOM:
            raise
        # On a full disk SQLite can be read only if it makes nothing beside the database.
        return _identify(f"{address}&immutable=1")


def _identify(address: str) -> DatabaseOwner:
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=0)) as db:
        return identify_connection(db)


def identify_connection(db: sqlite3.Connection) -> DatabaseOwner:
    """Whose the database is that this connection has open."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if application == APPLICATION_ID:
        return "ours"
    names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if application or (names and not _is_earlier(db)):
        return "foreign"
    return "ours" if names else "nobody's"


def _is_earlier(db: sqlite3.Connection) -> bool:
    """Whether it has the tables of a release that did not write the id yet."""
    for table, columns in _EARLIER.items():
        found = db.execute("SELECT name FROM pragma_table_info(?)", (table,))
        if not columns <= {name for (name,) in found}:
            return False
    return True
