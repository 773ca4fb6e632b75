//! Client of the backend's bridge: what every frontend in Rust starts from.
//!
//! One WebSocket over the backend's Unix socket (or loopback TCP) carries calls and events.
//! This crate knows nothing of the host and of any feature; what exists is asked with
//! `rpc.discover`.

mod client;
pub mod errors;
mod events;
mod link;
mod socket;

pub use client::Client;
pub use errors::RpcError;
pub use events::{Event, Events, Since};
pub use socket::{Address, default_socket};
