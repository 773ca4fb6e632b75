//! The way to a server: DNS, TCP and TLS. Tests have another one.

use crate::{Error, Result, error::kind, wire};
use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};
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

/// The web of a test instead of the real one: what answers under a name, in memory, without DNS
/// and without TLS. Which hosts a plugin may ask is checked all the same.
#[derive(Clone)]
pub struct PlayedWeb(Arc<Play>);

type Play = dyn Fn(&str) -> Option<Box<dyn Connection>> + Send + Sync;

/// Addresses of played hosts count up from here: public ones, which nobody connects to.
const FIRST: Ipv4Addr = Ipv4Addr::new(9, 0, 0, 0);

impl PlayedWeb {
    /// A web in which this function connects to the host of a name, if there is one.
    pub fn new<F, C>(connect: F) -> Self
    where
        F: Fn(&str) -> Option<C> + Send + Sync + 'static,
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self(Arc::new(move |host| {
            connect(host).map(|c| Box::new(c) as Box<dyn Connection>)
        }))
    }
}

impl fmt::Debug for PlayedWeb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlayedWeb")
    }
}

/// The way to the hosts of one request: of the real web, or of a played one.
pub(crate) struct Way<'a> {
    played: Option<&'a PlayedWeb>,
    /// Names that have an address, by its distance from [`FIRST`].
    names: Mutex<Vec<String>>,
}

impl<'a> Way<'a> {
    /// To a played web, if there is one.
    pub(crate) fn new(played: Option<&'a PlayedWeb>) -> Self {
        let names = Mutex::default();
        Self { played, names }
    }

    fn name(&self, address: SocketAddr) -> Option<String> {
        let SocketAddr::V4(address) = address else {
            return None;
        };
        let distance = address.ip().to_bits().checked_sub(FIRST.to_bits())?;
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(usize::try_from(distance).ok()?).cloned()
    }
}

impl Net for Way<'_> {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if self.played.is_none() {
            return Internet.resolve(host, port).await;
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let distance = u32::try_from(names.len()).map_err(io::Error::other)?;
        names.push(host.to_owned());
        let address = Ipv4Addr::from_bits(FIRST.to_bits() + distance);
        Ok(vec![SocketAddr::from((address, port))])
    }

    async fn connect(
        &self,
        address: SocketAddr,
        secure: Option<&str>,
    ) -> Result<Box<dyn Connection>> {
        let Some(PlayedWeb(play)) = self.played else {
            return Internet.connect(address, secure).await;
        };
        let name = self.name(address);
        name.as_deref().and_then(|name| play(name)).ok_or_else(|| {
            Error::new(
                kind::HOST_NOT_FOUND,
                format!(
                    "The web of this test has no host {}",
                    name.as_deref().unwrap_or("of that address")
                ),
            )
        })
    }
}
