-- The state of a server. Times are seconds since the epoch, JSON is text. Every change here is also a step in
-- migrations.py, but for a new index: this file runs at every start.

-- An id is never used twice, since clients may remember it. `draw_id` is the key of random draws; `chosen` is 1 if a
-- user chose the text of the token. `not_understood` is NULL if the server's setting applies.
CREATE TABLE IF NOT EXISTS tokens (
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
    chosen INTEGER NOT NULL,
    not_understood TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS tokens_of_client ON tokens (client_id, expires);

-- `used` is the real time of the last use, precise to the hour for reads; retention depends on it.
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    token_id INTEGER NOT NULL REFERENCES tokens (id),
    ordinal INTEGER NOT NULL,
    task_id TEXT NOT NULL,
    task_name TEXT NOT NULL,
    language TEXT NOT NULL,
    created REAL NOT NULL,
    used REAL NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS sessions_of_token ON sessions (token_id);

CREATE TABLE IF NOT EXISTS claims (
    fingerprint TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    expires REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS assets (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    origin TEXT NOT NULL CHECK (origin IN ('upload', 'generated')),
    filename TEXT NOT NULL,
    hash TEXT NOT NULL,
    info TEXT NOT NULL,
    created REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS assets_of_session ON assets (session_id);
CREATE INDEX IF NOT EXISTS assets_by_content ON assets (hash);

-- `undo_to` and `redo_to` are the versions that undo and redo go to.
CREATE TABLE IF NOT EXISTS drafts (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    version INTEGER NOT NULL,
    draft TEXT NOT NULL,
    turn INTEGER,
    created REAL NOT NULL,
    undo_to INTEGER,
    redo_to INTEGER,
    PRIMARY KEY (session_id, version)
) STRICT;

-- Append-only. A balance is a sum; a `settle` or `release` row ends a hold.
CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER PRIMARY KEY,
    token_id INTEGER NOT NULL REFERENCES tokens (id),
    kind TEXT NOT NULL CHECK (kind IN ('grant', 'hold', 'settle', 'release')),
    available INTEGER NOT NULL,
    frozen INTEGER NOT NULL,
    hold_id INTEGER REFERENCES ledger (id),
    reason TEXT NOT NULL,
    created REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS ledger_of_token ON ledger (token_id);
CREATE UNIQUE INDEX IF NOT EXISTS ledger_answer ON ledger (hold_id) WHERE hold_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS turns (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    number INTEGER NOT NULL,
    message TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed')),
    silent INTEGER NOT NULL,
    hold_id INTEGER REFERENCES ledger (id),
    started REAL NOT NULL,
    ended REAL,
    PRIMARY KEY (session_id, number)
) STRICT;

-- How a silent edit ends. `truth` is NULL if the edit is not silent; `late` is in seconds; a `waiting` edit is applied
-- after its stream has closed. `scripted` is the change of a scripted reply as JSON, NULL if the message says it.
CREATE TABLE IF NOT EXISTS edits (
    session_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    truth TEXT CHECK (truth IN ('applied', 'not_applied', 'late')),
    late REAL NOT NULL,
    drawn INTEGER NOT NULL,
    waiting INTEGER NOT NULL DEFAULT 0,
    scripted TEXT,
    PRIMARY KEY (session_id, number),
    FOREIGN KEY (session_id, number) REFERENCES turns (session_id, number)
) STRICT;

CREATE TABLE IF NOT EXISTS renders (
    token_id INTEGER NOT NULL REFERENCES tokens (id),
    id TEXT NOT NULL,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    progress INTEGER NOT NULL DEFAULT 0,
    draft TEXT NOT NULL,
    output TEXT NOT NULL,
    file_id TEXT NOT NULL UNIQUE,
    result TEXT,
    error TEXT,
    created REAL NOT NULL,
    completed REAL,
    PRIMARY KEY (token_id, id)
) STRICT;
CREATE INDEX IF NOT EXISTS renders_of_session ON renders (session_id);

-- The scripted replies at the time of a snapshot, with their use counts; `reply` is JSON. Unused otherwise.
CREATE TABLE IF NOT EXISTS replies (
    position INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    reply TEXT NOT NULL,
    uses INTEGER NOT NULL
) STRICT;

-- Faults of a render; `args` is JSON.
CREATE TABLE IF NOT EXISTS render_faults (
    token_id INTEGER NOT NULL,
    render_id TEXT NOT NULL,
    name TEXT NOT NULL,
    args TEXT NOT NULL,
    FOREIGN KEY (token_id, render_id) REFERENCES renders (token_id, id)
) STRICT;
CREATE INDEX IF NOT EXISTS faults_of_render ON render_faults (token_id, render_id);

-- `entry` is the whole exchange as JSON, `size` its bytes; the other columns serve queries and limits. `kind` is 2 for
-- a turn, 1 for another request that changes something, 0 for one that only reads.
CREATE TABLE IF NOT EXISTS journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token_id INTEGER,
    user_id TEXT,
    endpoint TEXT,
    session_id TEXT,
    code INTEGER,
    turn INTEGER,
    entry TEXT NOT NULL,
    kind INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,
    ended REAL NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS journal_kinds ON journal (kind, id, size, ended);
CREATE INDEX IF NOT EXISTS journal_of_session ON journal (session_id) WHERE session_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS journal_dropped (
    count INTEGER NOT NULL
) STRICT;
