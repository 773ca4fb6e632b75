//! Where the backend listens.

use std::{env, net::SocketAddr, path::PathBuf};

/// Where a backend is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Its Unix socket; must belong to the user who asks.
    Unix(PathBuf),
    /// Loopback TCP.
    Tcp(SocketAddr),
}

/// The socket of a backend that runs with default options.
///
/// `$XDG_RUNTIME_DIR/sat/bridge.sock`; without that folder, `run/bridge.sock` in the data folder.
/// A backend whose `sat.conf` says something else has to be named.
pub fn default_socket() -> Option<PathBuf> {
    let folder = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    if let Some(runtime) = folder("XDG_RUNTIME_DIR") {
        return Some(runtime.join("sat/bridge.sock"));
    }
    let data = folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")))?;
    Some(data.join("sat/run/bridge.sock"))
}
