//! What the tests that need more than one crate share: a real server, a backend, foreign peers.
//!
//! Everything here panics with a sentence when something is missing: it only serves tests.

pub mod backend;
pub mod build;
pub mod peer;
pub mod program;
pub mod prosody;
pub mod script;
pub mod server;
pub mod wait;

pub use backend::Kit;
pub use peer::Peer;
pub use server::Server;
