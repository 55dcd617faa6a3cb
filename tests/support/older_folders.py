"""Data folders as earlier releases left them: a database without the id of ours, and some work."""

import sqlite3
from contextlib import closing
from pathlib import Path

DATABASE = "nemolocal.sqlite3"
SCHEMAS = Path(__file__).parents[1] / "server" / "schemas"
SESSION, ASSET, RENDER = "1" * 19, "a" * 32, "b" * 32
_TOKENS = (
    "(3, 'f3', 'anon_3', 'client-3', '127.0.0.1', 0, 9e12, NULL, 1, 'free', 'read write', NULL",
    "(5, 'f5', 'user-5', 'manual', '', 0, 9e12, NULL, 0, 'paid', '*', NULL",
)
# Schemas from this one on know by what a token is drawn, and whether its text was chosen.
_DRAWN_SINCE, _DRAWN = 3, ", 'drawn', 0"
_WORK = f"""
INSERT INTO ledger (id, token_id, kind, available, frozen, reason, created) VALUES
    (1, 3, 'grant', 100, 0, 'anonymous token', 0), (2, 5, 'grant', 100, 0, 'made by hand', 0);
INSERT INTO sessions (id, token_id, ordinal, task_id, task_name, language, created) VALUES
    ('{SESSION}', 3, 1, 'task', 'project', 'en', 0);
INSERT INTO assets VALUES ('{ASSET}', '{SESSION}', 'upload', 'a.mp4', 'h',
    '{{"kind":"video","extension":"mp4","duration":1.0,"width":64,"height":64,"fps":30.0}}', 0);
INSERT INTO drafts (session_id, version, draft, turn, created) VALUES
    ('{SESSION}', 1, '{{"t":[],"d":0}}', NULL, 0), ('{SESSION}', 2, '{{"t":[],"d":7}}', 1, 0);
INSERT INTO renders (token_id, id, session_id, status, draft, output, file_id, created) VALUES
    (3, 'render_1', '{SESSION}', 'completed', '{{}}', '{{}}', '{RENDER}', 0);
"""


def make_older_folder(folder: Path, schema: int) -> Path:
    """A data folder whose database has this version of the schema, and two files."""
    for name in ("media", "renders", "footage", "work"):
        (folder / name).mkdir(parents=True)
    (folder / "media" / f"{ASSET}.mp4").write_bytes(b"an upload")
    (folder / "renders" / f"{RENDER}.mp4").write_bytes(b"a render")
    make_older_database(folder / DATABASE, schema)
    return folder


def make_older_database(path: Path, schema: int) -> None:
    """A database with this version of the schema, and some work in it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript((SCHEMAS / f"{schema}.sql").read_text(encoding="utf-8"))
        rest = f"{_DRAWN})" if schema >= _DRAWN_SINCE else ")"
        db.execute(f"INSERT INTO tokens VALUES {', '.join(one + rest for one in _TOKENS)}")
        db.executescript(_WORK)
        db.execute(f"PRAGMA user_version = {schema}")
