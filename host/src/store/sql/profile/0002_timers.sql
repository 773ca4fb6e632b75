-- Plugins' durable timers. A timer that replaces another one of its name has another id.
CREATE TABLE timer (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    plugin       TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    payload      TEXT    NOT NULL,
    at_ms        INTEGER NOT NULL,                   -- since 1970
    due_ms       INTEGER NOT NULL,                   -- at_ms, later after a failure
    failures     INTEGER NOT NULL,
    failed_at_ms INTEGER,                            -- the first failure
    UNIQUE (plugin, name)
) STRICT;
CREATE INDEX timer_due ON timer (plugin, due_ms, id);
CREATE INDEX timer_at ON timer (plugin, at_ms, name);
