//! Storage: everything that outlives the process, in SQLite files. Nothing else of the host
//! knows `rusqlite` or SQL; plugins' SQL is run here too, confined to their own tables.
//!
//! [`HostDb`] is the daemon's own file, [`ProfileDb`] one profile's. Both stand on [`Db`], which
//! groups the commits of many writers.

mod accounting;
mod authorizer;
mod batch;
mod confined;
mod db;
mod events;
mod fault;
mod host_db;
mod kv;
mod open;
mod outbox;
mod profile_db;
mod secrets;
mod settings;
mod slots;
mod timers;

pub use confined::{
    Commit, CommitResult, Limits, PLUGIN_BYTES_LIMIT, Rows, SQL_BYTES_LIMIT, SQL_READ_LIMIT,
    SQL_ROWS_LIMIT, SQL_STATEMENTS_LIMIT, SQL_TEXT_LIMIT, SQL_VALUE_LIMIT, SQL_WRITE_LIMIT,
    Statement, StatementResult, Value, is_plugin_id,
};
pub use db::Db;
pub use events::{Cursor, EventLog, EventRow, NewEvent};
pub use host_db::{DisabledPlugin, HostDb, ProfileRow};
pub use kv::{KV_BYTES_LIMIT, KV_KEY_LIMIT, KV_KEYS_LIMIT, KV_PAGE_LIMIT, KV_VALUE_LIMIT};
pub use outbox::{
    NewOutbox, OUTBOX_BYTES_LIMIT, OUTBOX_FULL, OUTBOX_ROWS_LIMIT, OutboxId, OutboxRow, OutboxState,
};
pub use profile_db::{Account, ProfileDb};
pub use secrets::SECRET_VALUE_LIMIT;
pub use slots::{SLOTS_LIMIT, Slot};
pub use timers::{
    DueTimer, TIMER_NAME_LIMIT, TIMER_PAYLOAD_LIMIT, TIMERS_LIMIT, TIMERS_PAGE_LIMIT, Timer,
};
