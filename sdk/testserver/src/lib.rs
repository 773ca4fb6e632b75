//! A scripted XMPP server for tests.
//!
//! It speaks XMPP (RFC 6120, RFC 6121 and the XEPs that [`XEPS`] lists) to any client, over
//! memory or loopback TCP, keeps everything in memory, and does the same thing each time: time
//! comes from a clock of the test's, ids and nonces from a seed. A [`Server`] also takes orders
//! from a script: it sends whatever text it is told, answers IQs wrongly or not at all, cuts
//! connections, and tells what came.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use sat_testserver::{Options, Peer, Server};
//!
//! let server = Server::new(Options::new("localhost").account("juliet", "r0m30"));
//! let mut juliet = Peer::online(&server, "juliet", "balcony").await;
//! server.inject(juliet.jid(), "<message from='romeo@verona.lit'><body>Hush</body></message>");
//! let hush = juliet.take("the message", |e| e.name() == "message").await;
//! assert_eq!(hush.attr("from"), Some("romeo@verona.lit"));
//! # });
//! ```

mod account;
mod link;
/// Namespaces, by the name that their specification gives them.
pub mod ns;
mod options;
mod peer;
mod play;
mod roster;
mod route;
mod script;
mod server;
mod session;
mod stanza;
mod state;
mod stream;
mod xep;
/// XML as the stream carries it: reading, writing and building trees.
pub mod xml;

pub use minidom::Element;
pub use options::{Clock, Options};
pub use peer::Peer;
pub use script::{Answer, Filter, condition};
pub use server::Server;
pub use xep::XEPS;
