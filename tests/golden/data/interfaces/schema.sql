PRAGMA user_version = 4;

CREATE TABLE assets (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    origin TEXT NOT NULL CHECK (origin IN ('upload', 'generated')),
    filename TEXT NOT NULL,
    hash TEXT NOT NULL,
    info TEXT NOT NULL,
    created REAL NOT NULL
) STRICT;

CREATE INDEX assets_by_content ON assets (hash);

CREATE INDEX assets_of_session ON assets (session_id);

CREATE TABLE claims (
    fingerprint TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    expires REAL NOT NULL
) STRICT;

CREATE TABLE drafts (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    version INTEGER NOT NULL,
    draft TEXT NOT NULL,
    turn INTEGER,
    created REAL NOT NULL,
    undo_to INTEGER,
    redo_to INTEGER,
    PRIMARY KEY (session_id, version)
) STRICT;

CREATE TABLE edits (
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

CREATE INDEX faults_of_render ON render_faults (token_id, render_id);

CREATE TABLE journal (
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

CREATE TABLE journal_dropped (
    count INTEGER NOT NULL
) STRICT;

CREATE INDEX journal_kinds ON journal (kind, id, size, ended);

CREATE INDEX journal_of_session ON journal (session_id) WHERE session_id IS NOT NULL;

CREATE TABLE ledger (
    id INTEGER PRIMARY KEY,
    token_id INTEGER NOT NULL REFERENCES tokens (id),
    kind TEXT NOT NULL CHECK (kind IN ('grant', 'hold', 'settle', 'release')),
    available INTEGER NOT NULL,
    frozen INTEGER NOT NULL,
    hold_id INTEGER REFERENCES ledger (id),
    reason TEXT NOT NULL,
    created REAL NOT NULL
) STRICT;

CREATE UNIQUE INDEX ledger_answer ON ledger (hold_id) WHERE hold_id IS NOT NULL;

CREATE INDEX ledger_of_token ON ledger (token_id);

CREATE TABLE render_faults (
    token_id INTEGER NOT NULL,
    render_id TEXT NOT NULL,
    name TEXT NOT NULL,
    args TEXT NOT NULL,
    FOREIGN KEY (token_id, render_id) REFERENCES renders (token_id, id)
) STRICT;

CREATE TABLE renders (
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

CREATE INDEX renders_of_session ON renders (session_id);

CREATE TABLE replies (
    position INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    reply TEXT NOT NULL,
    uses INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    token_id INTEGER NOT NULL REFERENCES tokens (id),
    ordinal INTEGER NOT NULL,
    task_id TEXT NOT NULL,
    task_name TEXT NOT NULL,
    language TEXT NOT NULL,
    created REAL NOT NULL,
    used REAL NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX sessions_of_token ON sessions (token_id);

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE tokens (
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

CREATE INDEX tokens_of_client ON tokens (client_id, expires);

CREATE TABLE turns (
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

