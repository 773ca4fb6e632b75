//! The way to a server: DNS, TCP and TLS. Tests have another one.

use crate::{Error, Result, error::kind, wire};
use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
};

/// A connection, encrypted or not.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// How names become addresses and addresses connections.
pub(crate) trait Net: Send + Sync {
    /// The addresses of a name, best first.
    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Connects to exactly this address; with TLS for the name `secure`, if there is one.
    fn connect(
        &self,
        address: SocketAddr,
        secure: Option<&str>,
    ) -> impl Future<Output = Result<Box<dyn Connection>>> + Send;
}

/// The real network.
pub(crate) struct Internet;

impl Net for Internet {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((host, port)).await?.collect())
    }

    async fn connect(
        &self,
        address: SocketAddr,
        secure: Option<&str>,
    ) -> Result<Box<dyn Connection>> {
        let stream = TcpStream::connect(address).await.map_err(|e| {
            Error::new(
                kind::CONNECTION_FAILED,
                format!("The server can't be reached: {e}"),
            )
        })?;
        match secure {
            Some(name) => Ok(Box::new(wire::web_tls(stream, name, None).await?)),
            None => Ok(Box::new(stream)),
        }
    }
}
