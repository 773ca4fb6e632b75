//! How servers are reached instead of by DNS and TCP: tests connect profiles in memory.

use std::{fmt, future::Future, io, sync::Arc};

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use super::resolve::Target;

/// A connection in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Makes the connections of all streams. Clones are handles of the same.
#[derive(Clone)]
pub struct Dialer(Arc<Dial>);

type Dial = dyn Fn(Target) -> BoxFuture<'static, io::Result<Box<dyn Duplex>>> + Send + Sync;

impl Dialer {
    /// Connects by this function, whose error counts as a server that can't be reached.
    pub fn new<F, R, D>(dial: F) -> Self
    where
        F: Fn(Target) -> R + Send + Sync + 'static,
        R: Future<Output = io::Result<D>> + Send + 'static,
        D: Duplex + 'static,
    {
        Self(Arc::new(move |target| {
            let connecting = dial(target);
            Box::pin(async move { Ok(Box::new(connecting.await?) as Box<dyn Duplex>) })
        }))
    }

    pub(super) async fn connect(&self, target: &Target) -> io::Result<Box<dyn Duplex>> {
        (self.0)(target.clone()).await
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}
