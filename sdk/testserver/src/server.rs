//! The handle by which tests hold the server.

use crate::{
    link::Link,
    ns,
    options::Options,
    script::{Answer, Filter, Rule, fail},
    stanza::jid_of,
    state::State,
    stream, xml,
};
use jid::FullJid;
use minidom::Element;
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

/// Bytes that an in-memory connection holds in each direction before its writer waits.
const PIPE: usize = 64 * 1024;

/// A running server. Clones are the same server.
///
/// Whatever waits here fails its test after [`Options::patience`], and says then what was said.
#[derive(Clone)]
pub struct Server {
    state: Arc<Mutex<State>>,
    stop: CancellationToken,
}

impl Server {
    /// A server without connections.
    pub fn new(options: Options) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::new(options))),
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A test that failed while it held the lock has already said why.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its domain.
    pub fn domain(&self) -> String {
        self.lock().domain().to_owned()
    }

    /// The password of an account.
    pub fn password(&self, account: &str) -> Option<String> {
        let state = self.lock();
        state.accounts.get(account).map(|a| a.password.clone())
    }

    /// A new connection of a client, in memory.
    pub fn connect(&self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(PIPE);
        self.serve(server);
        client
    }

    /// A new connection of a component (XEP-0114), in memory.
    pub fn component_connect(&self) -> DuplexStream {
        let (component, server) = tokio::io::duplex(PIPE);
        let this = self.clone();
        self.spawn(stream::component::serve(this, server));
        component
    }

    /// Serves a client on any connection.
    pub fn serve(&self, socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        self.spawn(stream::serve(self.clone(), socket));
    }

    /// Serves clients that connect to this listener, until [`Server::stop`].
    ///
    /// # Errors
    /// When the listener isn't on loopback: this server has accounts for anybody who asks.
    pub fn listen(&self, listener: TcpListener) -> io::Result<SocketAddr> {
        self.accept(listener, |server, socket| server.serve(socket))
    }

    /// Serves components that connect to this listener, until [`Server::stop`].
    ///
    /// # Errors
    /// When the listener isn't on loopback.
    pub fn listen_components(&self, listener: TcpListener) -> io::Result<SocketAddr> {
        self.accept(listener, |server, socket| {
            server.spawn(stream::component::serve(server.clone(), socket));
        })
    }

    pub(crate) fn accept(
        &self,
        listener: TcpListener,
        serve: impl Fn(&Self, tokio::net::TcpStream) + Send + 'static,
    ) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{address} isn't a loopback address: the test server serves this machine only, for example 127.0.0.1:0"
                ),
            ));
        }
        let server = self.clone();
        self.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // A stanza is small, and somebody waits for it.
                let _ = socket.set_nodelay(true);
                serve(&server, socket);
            }
        });
        Ok(address)
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Ends all connections and listeners.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// A token for one connection, which stopping the server cuts too.
    pub(crate) fn cutter(&self) -> CancellationToken {
        self.stop.child_token()
    }

    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Adds an account while the server runs.
    pub fn add_account(&self, name: &str, password: &str) {
        let account = crate::account::Account::new(password);
        self.lock().accounts.insert(name.to_owned(), account);
    }

    /// Makes two accounts contacts of each other; both see the other's presence.
    pub fn befriend(&self, one: &str, other: &str) {
        self.lock().befriend(one, other);
    }

    /// Full addresses of all sessions, also of those that wait to be resumed.
    pub fn sessions(&self) -> Vec<String> {
        let state = self.lock();
        let sessions = state.accounts.values().flat_map(|a| a.sessions.values());
        sessions.map(|s| s.jid.to_string()).collect()
    }

    /// Cuts a session's connection without a word, as a lost network does: the session may be
    /// resumed (XEP-0198).
    pub fn cut(&self, jid: &str) {
        self.with_link(jid, |link| link.cut.cancel());
    }

    /// Ends a session for good, by the stream error `policy-violation`.
    pub fn kick(&self, jid: &str) {
        self.end(jid, "policy-violation");
    }

    /// Ends a session for good, by this stream error.
    pub fn end(&self, jid: &str, condition: &str) {
        let full = self.full(jid);
        let ended = self.lock().end_session(&full, Some(condition));
        if !ended {
            self.fail(&format!("{jid} has no session"));
        }
    }

    /// Sends text to a session as it is: whatever `from` it has, also no XML at all. A session
    /// that counts stanzas (XEP-0198) gets it counted when it is one.
    pub fn inject(&self, jid: &str, text: &str) {
        let full = self.full(jid);
        let mut state = self.lock();
        let stanza = xml::parse(text).ok().filter(|element| {
            element.has_ns(ns::CLIENT) && matches!(element.name(), "message" | "presence" | "iq")
        });
        state.play.note("the script injects:");
        state.play.sent(jid, text);
        let Some(session) = state.session(&full) else {
            drop(state);
            self.fail(&format!("{jid} has no session"));
        };
        match stanza {
            Some(stanza) => session.send(stanza, text.to_owned()),
            None => session.raw(text.to_owned()),
        }
    }

    /// Routes a stanza with any `from` and `to`, as if it had come from another server: it is
    /// archived, copied and stored as such.
    pub fn route(&self, text: &str) {
        let stanza = match xml::parse(text) {
            Ok(stanza) => stanza,
            Err(broken) => self.fail(&format!("{text:?} isn't one element: {broken:?}")),
        };
        if jid_of(&stanza, "from").is_none() || jid_of(&stanza, "to").is_none() {
            self.fail(&format!("{text:?} needs the addresses `from` and `to`"));
        }
        self.lock().route(stanza);
    }

    /// Answers IQs of clients in place of the server, the newest rule first.
    pub fn answer(&self, filter: Filter, answer: Answer) {
        self.lock().rules.push(Rule { filter, answer });
    }

    /// Forgets all rules of [`Server::answer`].
    pub fn answer_as_usual(&self) {
        self.lock().rules.clear();
    }

    /// The first stanza that fits, of all that clients and components sent (the last 10,000).
    pub async fn received(&self, filter: Filter) -> Element {
        let patience = self.lock().options.patience;
        match self.find(&filter, false, patience).await {
            Some(stanza) => stanza,
            None => self.fail(&format!("no {filter} came")),
        }
    }

    /// The first stanza that fits and wasn't taken before.
    pub async fn take(&self, filter: Filter) -> Element {
        let patience = self.lock().options.patience;
        match self.try_take(&filter, patience).await {
            Some(stanza) => stanza,
            None => self.fail(&format!("no {filter} came")),
        }
    }

    /// As [`Server::take`], waiting for this long and then giving up.
    pub async fn try_take(&self, filter: &Filter, patience: Duration) -> Option<Element> {
        self.find(filter, true, patience).await
    }

    /// All stanzas that fit and have come until now.
    pub fn arrived(&self, filter: &Filter) -> Vec<Element> {
        let state = self.lock();
        let stanzas = state.received.iter().map(|received| &received.stanza);
        stanzas.filter(|s| filter.fits(s)).cloned().collect()
    }

    async fn find(&self, filter: &Filter, take: bool, patience: Duration) -> Option<Element> {
        let news = self.lock().news.clone();
        let search = async {
            loop {
                let mut next = std::pin::pin!(news.notified());
                next.as_mut().enable();
                if let Some(stanza) = self.look(filter, take) {
                    return stanza;
                }
                next.await;
            }
        };
        tokio::time::timeout(patience, search).await.ok()
    }

    fn look(&self, filter: &Filter, take: bool) -> Option<Element> {
        let mut state = self.lock();
        let mut candidates = state.received.iter_mut();
        let found = candidates.find(|r| !(take && r.taken) && filter.fits(&r.stanza))?;
        found.taken |= take;
        Some(found.stanza.clone())
    }

    /// The whole exchange until now as a play.
    pub fn log(&self) -> String {
        self.lock().play.read()
    }

    fn full(&self, jid: &str) -> FullJid {
        match FullJid::new(jid) {
            Ok(full) => full,
            Err(error) => self.fail(&format!("{jid:?} is no full address: {error}")),
        }
    }

    fn with_link(&self, jid: &str, act: impl FnOnce(&Link)) {
        let full = self.full(jid);
        let mut state = self.lock();
        match state.session(&full).and_then(|s| s.link.as_ref()) {
            Some(link) => act(link),
            None => {
                drop(state);
                self.fail(&format!("{jid} has no connection"));
            }
        }
    }

    /// Fails the test, and says what was said.
    pub(crate) fn fail(&self, why: &str) -> ! {
        fail(&format!("{why}; this was said:\n{}", self.log()))
    }
}
