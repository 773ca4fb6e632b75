CREATE TABLE profile (
    name       TEXT    NOT NULL PRIMARY KEY,
    folder     TEXT    NOT NULL UNIQUE,              -- below <local_dir>/profiles
    created_at TEXT    NOT NULL,                     -- RFC 3339
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX profile_default ON profile (is_default) WHERE is_default = 1;

CREATE TABLE disabled_plugin (
    plugin  TEXT NOT NULL,
    profile TEXT NOT NULL,                           -- '': for all profiles
    PRIMARY KEY (plugin, profile)
) STRICT, WITHOUT ROWID;

CREATE TABLE host_key (
    name TEXT NOT NULL PRIMARY KEY,
    key  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    at     TEXT NOT NULL,                            -- RFC 3339
    topic  TEXT NOT NULL,
    data   TEXT NOT NULL                             -- JSON
) STRICT;
