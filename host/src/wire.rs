//! The wire: an account's XMPP stream, from DNS to stanzas, and back again after each loss.
//!
//! [`connect`] starts one task per stream. Stanzas go in through [`Stream`], and what happens
//! comes out as [`Event`]s: read them in a task that never waits for [`Stream::send`], since a
//! stream whose events aren't read stops reading from its server.

pub mod clip;
pub mod stanza;

mod backoff;
mod dial;
mod fault;
mod liveness;
mod login;
mod negotiate;
mod ns;
mod report;
mod resolve;
mod session;
mod sm;
mod task;
mod tls;
mod transport;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use minidom::Element;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use xmpp_parsers::jid::{BareJid, FullJid};
use zeroize::Zeroizing;

pub(crate) use self::tls::web as web_tls;
pub use self::{
    dial::{Dialer, Duplex},
    resolve::Target,
    sm::Handled,
};
use self::{
    report::Reporter,
    sm::Outgoing,
    task::{Live, Task},
};
use crate::{
    clock::Clock,
    error::{Error, Result, kind},
    random::Random,
};

/// Stanzas that wait to be written.
const QUEUE: usize = 256;
/// Events that wait to be read.
const EVENTS: usize = 256;
/// Connections being set up at the same time, over all profiles.
const HANDSHAKES: usize = 4;

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Security {
    /// TLS on a connection that begins without; with direct TLS where DNS offers it (XEP-0368).
    #[default]
    StartTls,
    /// TLS from the first byte.
    DirectTls,
    /// None; only for servers on this machine.
    Plain,
}

/// Where and as whom to connect.
#[derive(Debug, Clone)]
pub struct Account {
    /// The account's address; its domain is the name that the certificate must have.
    pub jid: BareJid,
    /// The resource to ask for; the server chooses when there is none.
    pub resource: Option<String>,
    /// The server's name or address, instead of what DNS says.
    pub host: Option<String>,
    /// The server's port, instead of what DNS says.
    pub port: Option<u16>,
    /// How the connection is encrypted.
    pub security: Security,
    /// A PEM file with the only certificate authorities to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// Gives the account's password, for each attempt anew; an error ends the stream.
pub type PasswordSource = Arc<dyn Fn() -> Result<Zeroizing<String>> + Send + Sync>;

/// What the streams of all profiles share. Clones are handles of the same.
#[derive(Debug, Clone)]
pub struct Connector {
    /// Bounds how many connections are set up at the same time.
    handshakes: Arc<Semaphore>,
    clock: Clock,
    random: Random,
    dial: Option<Dialer>,
}

impl Connector {
    /// Connects by `dial`, or else by DNS and TCP.
    #[must_use]
    pub fn new(clock: Clock, random: Random, dial: Option<Dialer>) -> Self {
        Self {
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
            clock,
            random,
            dial,
        }
    }
}

impl Default for Connector {
    fn default() -> Self {
        Self::new(Clock::system(), Random::system(), None)
    }
}

/// What happens on a stream.
#[derive(Debug)]
pub enum Event {
    /// The stream carries stanzas now.
    Bound {
        /// The address of this stream.
        jid: FullJid,
        /// What the server offers on it.
        features: Element,
        /// It goes on where it was lost: nothing was missed and presence still holds.
        resumed: bool,
    },
    /// A stanza came in.
    Stanza(Incoming),
    /// This tracked stanza was written to the connection; not repeated after a resumption.
    Sent(u64),
    /// The server has this tracked stanza; may come without a `Sent`.
    Acknowledged(u64),
    /// Nobody knows whether this tracked stanza arrived; the stream won't send it again.
    Dropped(u64),
    /// The connection was lost and is tried again.
    Lost {
        /// Why.
        error: Error,
        /// When the next try is made.
        retry_in: Duration,
    },
    /// The stream is over; no event follows.
    Ended {
        /// Why; `None` when it was closed from here.
        error: Option<Error>,
    },
}

/// A received stanza.
#[derive(Debug)]
pub struct Incoming {
    /// The message, presence or IQ.
    pub stanza: Element,
    /// To be dropped when the stanza needs no repetition any more.
    pub handled: Handled,
}

/// Starts a stream; the first failure to connect ends it, later ones are retried.
///
/// Has to be called within a Tokio runtime. Dropping all clones of the [`Stream`], or the
/// receiver, closes it.
pub fn connect(
    account: Account,
    password: PasswordSource,
    connector: Connector,
) -> (Stream, mpsc::Receiver<Event>) {
    let (queue, outgoing) = mpsc::channel(QUEUE);
    let (events, received) = mpsc::channel(EVENTS);
    let (live, state) = watch::channel(Live::default());
    let close = CancellationToken::new();
    let task = Task {
        account,
        password,
        connector,
        queue: outgoing,
        reporter: Reporter::new(events),
        live,
        close: close.clone(),
        previous: None,
    };
    tokio::spawn(task.run());
    (
        Stream {
            queue,
            state,
            close,
        },
        received,
    )
}

/// The sending end of a stream.
#[derive(Clone)]
pub struct Stream {
    queue: mpsc::Sender<Outgoing>,
    state: watch::Receiver<Live>,
    close: CancellationToken,
}

impl Stream {
    /// Hands over a stanza for the live stream; waits for room in the queue.
    pub async fn send(&self, stanza: Element) -> Result<()> {
        stanza::check(&stanza)?;
        let mut state = self.state.clone();
        let session = state.borrow().session;
        tokio::select! {
            biased;
            _ = state.wait_for(|live| !live.is_up || live.session != session) => {
                Err(not_connected())
            }
            permit = self.queue.reserve() => {
                permit.map_err(|_| not_connected())?.send(Outgoing { stanza, id: None, session });
                Ok(())
            }
        }
    }

    /// Hands over a stanza whose progress is reported under `id`; waits for room in the queue,
    /// where it stays until there is a live stream.
    pub async fn send_tracked(&self, stanza: Element, id: u64) -> Result<()> {
        stanza::check(&stanza)?;
        let permit = self.queue.reserve().await.map_err(|_| not_connected())?;
        permit.send(Outgoing {
            stanza,
            id: Some(id),
            session: 0,
        });
        Ok(())
    }

    /// Closes the stream in an orderly way; [`Event::Ended`] follows within seconds.
    pub fn close(&self) {
        self.close.cancel();
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("live", &*self.state.borrow())
            .finish_non_exhaustive()
    }
}

fn not_connected() -> Error {
    Error::new(kind::NOT_CONNECTED, "The profile isn't connected.")
}
