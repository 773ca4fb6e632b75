//! One connection of a client, from its first byte on (RFC 6120 §4).

mod bound;
pub(crate) mod component;
mod sasl;

use crate::{
    link::{Link, write_all},
    ns,
    server::Server,
    xep::{xep0077, xep0198},
    xml::{self, Broken, Build, XmlReader, el},
};
use jid::{FullJid, ResourcePart};
use minidom::Element;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadHalf};

/// Attempts to log in on one connection (RFC 6120 §6.4.5 recommends 2 to 5).
const MAX_ATTEMPTS: usize = 3;

/// Why a connection ends.
pub(crate) enum End {
    /// The client closed its stream.
    Closed,
    /// The connection was lost, or cut by the script.
    Lost,
    /// The client did what is answered by this stream error.
    Error(&'static str),
}

impl From<Broken> for End {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Lost => Self::Lost,
            Broken::Wrong(condition) => Self::Error(condition),
        }
    }
}

/// The text of a stream error; the stream's end follows.
pub(crate) fn error(condition: &str) -> String {
    let error = el("error", ns::STREAM).child(el(condition, ns::STREAMS));
    xml::write(&error, ns::CLIENT)
}

type Reader<S> = XmlReader<BufReader<ReadHalf<S>>>;

/// Serves a client until its connection ends.
pub(crate) async fn serve<S>(server: Server, socket: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (read, write) = tokio::io::split(socket);
    let (link, frames) = Link::new(server.cutter());
    let cut = link.cut.clone();
    let writer = tokio::spawn(write_all(write, frames, cut.clone()));
    let name = format!("client {}", server.lock().serial());
    let mut connection = Connection {
        server: server.clone(),
        link: link.clone(),
        name,
        account: None,
        bound: None,
    };
    let end = tokio::select! {
        () = cut.cancelled() => End::Lost,
        end = connection.run(XmlReader::new(BufReader::new(read))) => end,
    };
    connection.finish(&end);
    match end {
        End::Lost => cut.cancel(),
        End::Closed | End::Error(_) => link.end(),
    }
    // Everything that was said before the end is written; a client that doesn't read waits for
    // nobody, since the writer sees its end.
    let _ = writer.await;
}

struct Connection {
    server: Server,
    link: Link,
    /// What the play calls it.
    name: String,
    account: Option<String>,
    bound: Option<(FullJid, u64)>,
}

impl Connection {
    async fn run<S: AsyncRead>(&mut self, mut stream: Reader<S>) -> End {
        loop {
            let restart = match self.stream(&mut stream).await {
                Ok(()) => true,
                Err(end) => return end,
            };
            if restart {
                stream = XmlReader::new(stream.into_inner());
            }
        }
    }

    /// One stream; returns when the client has logged in and shall start the next.
    async fn stream<S: AsyncRead>(&mut self, stream: &mut Reader<S>) -> Result<(), End> {
        let header = stream.header().await?;
        self.answer_header(&header)?;
        let mut attempts = 0;
        loop {
            let Some(element) = stream.next().await? else {
                return Err(End::Closed);
            };
            if self.bound.is_some() {
                self.hear(element)?;
            } else if self.account.is_some() {
                self.hear_unbound(&element)?;
            } else if element.is("auth", ns::SASL) {
                if sasl::log_in(self, stream, &element).await? {
                    return Ok(());
                }
                attempts += 1;
                if attempts == MAX_ATTEMPTS {
                    return Err(End::Error("policy-violation"));
                }
            } else if xep0077::is_request(&element) {
                self.note(&element);
                let answer = xep0077::before_login(&mut self.server.lock(), &element);
                self.say(&answer);
            } else {
                self.note(&element);
                return Err(End::Error("not-authorized"));
            }
        }
    }

    fn answer_header(&self, header: &Element) -> Result<(), End> {
        let mut state = self.server.lock();
        let domain = state.domain().to_owned();
        let id = state.id("stream-");
        let text = xml::header(
            ns::CLIENT,
            &[("id", &id), ("from", &domain), ("version", "1.0")],
        );
        let note = format!("opens a stream to {}", header.attr("to").unwrap_or("?"));
        state.play.heard(&self.name, &note);
        self.link.send(text);
        if !header.is("stream", ns::STREAM) {
            return Err(End::Error("invalid-namespace"));
        }
        match header.attr("to").map(jid::BareJid::new) {
            Some(Ok(to)) if to.as_str() == domain => {}
            Some(Err(_)) => return Err(End::Error("improper-addressing")),
            _ => return Err(End::Error("host-unknown")),
        }
        if !header.attr("version").is_some_and(|v| v.starts_with("1.")) {
            return Err(End::Error("unsupported-version"));
        }
        let features = el("features", ns::STREAM);
        let features = if self.account.is_some() {
            let session = el("session", ns::SESSION).child(el("optional", ns::SESSION));
            features
                .child(el("bind", ns::BIND))
                .child(session)
                .child(el("ver", ns::ROSTER_VER))
                .all(state.has("0198").then(|| el("sm", ns::SM)))
                .all(crate::xep::xep0115::of_server(&state))
        } else {
            let names = state.options.mechanisms.iter();
            let names = names.map(|name| el("mechanism", ns::SASL).say(name));
            let register = state
                .has("0077")
                .then(|| el("register", ns::REGISTER_FEATURE));
            features
                .child(el("mechanisms", ns::SASL).all(names))
                .all(register)
        };
        let text = xml::write(&features, ns::CLIENT);
        state.play.sent(&self.name, &text);
        self.link.send(text);
        Ok(())
    }

    /// What a client may say between its log-in and its binding.
    fn hear_unbound(&mut self, element: &Element) -> Result<(), End> {
        self.note(element);
        if element.is("resume", ns::SM) {
            return self.resume(element);
        }
        if element.has_ns(ns::SM) {
            self.say(&xep0198::failed("unexpected-request", None));
            return Ok(());
        }
        let bind = element.get_child("bind", ns::BIND);
        let (Some(bind), Some("set")) = (bind, element.attr("type")) else {
            return Err(End::Error("not-authorized"));
        };
        self.bind(element, bind)
    }

    fn bind(&mut self, iq: &Element, bind: &Element) -> Result<(), End> {
        let name = self.account.clone().unwrap_or_default();
        let mut state = self.server.lock();
        let wanted = bind
            .get_child("resource", ns::BIND)
            .map(|resource| resource.text().trim().to_owned())
            .filter(|resource| !resource.is_empty())
            .unwrap_or_else(|| state.id("resource-"));
        let jid = ResourcePart::new(&wanted)
            .ok()
            .and_then(|_| FullJid::new(&format!("{}/{wanted}", state.bare(&name))).ok());
        let Some(jid) = jid else {
            let fault = crate::stanza::Fault::new("bad-request");
            drop(state);
            self.say(&crate::stanza::error_for(iq, &fault));
            return Ok(());
        };
        let serial = state.bind(&name, jid.clone(), self.link.clone());
        let answer = el("bind", ns::BIND).child(el("jid", ns::BIND).say(jid.as_str()));
        let answer = crate::stanza::result_for(iq, Some(answer));
        state.play.note(&format!("{} is now {jid}", self.name));
        self.name = jid.to_string();
        self.bound = Some((jid, serial));
        drop(state);
        self.say(&answer);
        Ok(())
    }

    /// Writes down what was heard.
    fn note(&self, element: &Element) {
        let text = xml::write(element, ns::CLIENT);
        self.server.lock().play.heard(&self.name, &text);
    }

    /// Sends what is no stanza of a session.
    fn say(&self, element: &Element) {
        let text = xml::write(element, ns::CLIENT);
        self.server.lock().play.sent(&self.name, &text);
        self.link.send(text);
    }
}
