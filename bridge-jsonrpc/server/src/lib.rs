//! The door for frontends: JSON-RPC 2.0 over WebSocket and HTTP POST.
//!
//! On a Unix socket for the backend's own user, and on loopback TCP when configured. The core
//! methods are in `core/table.rs`; everything else is what plugins offer at the moment of a call.

mod core;
mod events;
mod fault;
mod gate;
mod http;
mod limits;
mod listen;
mod openrpc;
mod params;
mod rpc;
mod server;
mod session;
mod tokens;

pub use server::Server;

use sat_host::{Backend, Result};
use std::{net::SocketAddr, path::PathBuf};
use tokio_util::sync::CancellationToken;

/// Where to listen.
#[derive(Debug, Clone)]
pub struct Options {
    /// The Unix socket. Its folder is made, if need be, for the user alone.
    pub socket: PathBuf,
    /// Loopback TCP besides.
    pub listen: Option<SocketAddr>,
    /// Where the token for TCP is written, anew at each start.
    pub token_file: PathBuf,
}

/// Binds and serves until `shutdown`: [`Server::bind`] and [`Server::run`] in one.
pub async fn serve(backend: Backend, options: Options, shutdown: CancellationToken) -> Result<()> {
    Server::bind(&options)?.run(backend, shutdown).await
}
