-- An AUTOINCREMENT table of the host comes first: it creates sqlite_sequence, on which plugins
-- then need no right. No name may contain '__': those are the plugins' tables.
CREATE TABLE event (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    at     TEXT NOT NULL,                            -- RFC 3339
    topic  TEXT NOT NULL,
    data   TEXT NOT NULL                             -- JSON
) STRICT;

-- How far a plugin has received the events of an interface.
CREATE TABLE event_cursor (
    plugin    TEXT    NOT NULL,
    interface TEXT    NOT NULL,
    cursor    INTEGER NOT NULL,
    PRIMARY KEY (plugin, interface)
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    id              INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    jid             TEXT    NOT NULL,
    host            TEXT,                            -- NULL: by SRV records
    port            INTEGER,
    security        TEXT    NOT NULL,
    ca_file         TEXT,
    sealed_password BLOB,
    resource        TEXT    NOT NULL
) STRICT;

CREATE TABLE slot (
    id         TEXT    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,                     -- 'password', 'file'
    label      TEXT    NOT NULL,
    m_kib      INTEGER NOT NULL,                     -- argon2id; 0 where it isn't used
    t          INTEGER NOT NULL,
    p          INTEGER NOT NULL,
    salt       BLOB    NOT NULL,
    nonce      BLOB    NOT NULL,
    wrapped    BLOB    NOT NULL,                     -- the data key
    created_at TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    owner TEXT NOT NULL,                             -- 'host' or a plugin's id
    key   TEXT NOT NULL,
    value TEXT NOT NULL,                             -- JSON
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
    plugin TEXT NOT NULL,
    key    TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (plugin, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE kv (
    plugin TEXT NOT NULL,
    key    TEXT NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (plugin, key)
) STRICT, WITHOUT ROWID;

-- What a plugin's keys and values amount to, kept by the triggers: counting would read them all.
CREATE TABLE kv_use (
    plugin TEXT    NOT NULL PRIMARY KEY,
    keys   INTEGER NOT NULL,
    bytes  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER kv_inserted AFTER INSERT ON kv BEGIN
    INSERT INTO kv_use (plugin, keys, bytes)
    VALUES (new.plugin, 1, octet_length(new.key) + octet_length(new.value))
    ON CONFLICT (plugin) DO UPDATE SET keys = keys + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER kv_updated AFTER UPDATE ON kv BEGIN
    UPDATE kv_use SET bytes = bytes + octet_length(new.value) - octet_length(old.value)
    WHERE plugin = new.plugin;
END;
CREATE TRIGGER kv_deleted AFTER DELETE ON kv BEGIN
    UPDATE kv_use
    SET keys = keys - 1, bytes = bytes - octet_length(old.key) - octet_length(old.value)
    WHERE plugin = old.plugin;
END;

-- Pages that a plugin's own tables took, counted as the file grows and shrinks.
CREATE TABLE plugin_use (
    plugin TEXT    NOT NULL PRIMARY KEY,
    pages  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    plugin        TEXT    NOT NULL,
    to_bare       TEXT    NOT NULL,
    stanza_id     TEXT    NOT NULL,
    xml           TEXT    NOT NULL,                  -- as composed
    sealed_xml    TEXT,                              -- as sealed: what goes out, once it is there
    state         TEXT    NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
    attempts      INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,                  -- since 1970
    expires_at_ms INTEGER,
    error         TEXT                               -- '<kind> <sentence>' of a failed one
) STRICT;
CREATE INDEX outbox_state ON outbox (state, id);
CREATE INDEX outbox_stanza ON outbox (stanza_id);
CREATE INDEX outbox_expiry ON outbox (expires_at_ms) WHERE state = 'queued' AND expires_at_ms NOT NULL;

CREATE TABLE outbox_use (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    rows  INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO outbox_use (id, rows, bytes) VALUES (1, 0, 0);
CREATE TRIGGER outbox_inserted AFTER INSERT ON outbox BEGIN
    UPDATE outbox_use SET rows = rows + 1, bytes = bytes + octet_length(new.xml);
END;
CREATE TRIGGER outbox_sealed AFTER UPDATE OF sealed_xml ON outbox BEGIN
    UPDATE outbox_use SET bytes = bytes + coalesce(octet_length(new.sealed_xml), 0)
                                        - coalesce(octet_length(old.sealed_xml), 0);
END;
CREATE TRIGGER outbox_deleted AFTER DELETE ON outbox BEGIN
    UPDATE outbox_use SET rows = rows - 1, bytes = bytes - octet_length(old.xml)
                                                         - coalesce(octet_length(old.sealed_xml), 0);
END;
