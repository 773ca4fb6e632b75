//! Every limit of the bridge, with its reason.

use std::time::Duration;

/// A request, in bytes: bulk data goes by blobs.
pub(crate) const REQUEST: u32 = 1 << 20;
/// An answer, in bytes: lists are paged.
pub(crate) const ANSWER: usize = 4 << 20;
/// A notification, in bytes; a bigger event comes without its data.
pub(crate) const NOTIFICATION: usize = 256 << 10;
/// Connections at once.
pub(crate) const CONNECTIONS: usize = 64;
/// Calls that run at once for one connection.
pub(crate) const IN_FLIGHT: usize = 64;
/// Entries of a batch.
pub(crate) const BATCH: usize = 32;
/// Subscriptions of one connection.
pub(crate) const SUBSCRIPTIONS: u32 = 32;
/// Messages that wait to be written to one connection, answers and events together.
pub(crate) const BUFFER: u32 = 256;
/// Topics of one subscription.
pub(crate) const TOPICS: usize = 32;
/// Events of one `events.poll`.
pub(crate) const POLL: usize = 500;
/// The longest wait of `events.poll`.
pub(crate) const WAIT: Duration = Duration::from_secs(60);
/// How long a client may take to read what was written to it.
pub(crate) const WRITE: Duration = Duration::from_secs(30);
/// How long a connection may be silent: longer than `WAIT` and than two missed pongs.
pub(crate) const IDLE: Duration = Duration::from_secs(120);
/// Between two pings of a WebSocket.
pub(crate) const PING: Duration = Duration::from_secs(30);
/// Tokens that live at once; the oldest gives way.
pub(crate) const TOKENS: usize = 512;
