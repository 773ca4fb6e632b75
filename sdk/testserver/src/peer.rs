//! A raw XMPP client that sends whatever a test wants, also what no decent client sends.

use crate::{
    ns,
    script::fail,
    server::Server,
    xml::{self, Broken, XmlReader},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use minidom::Element;
use tokio::io::{AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};

type Stream = XmlReader<BufReader<ReadHalf<DuplexStream>>>;

/// A client of a [`Server`], in memory. What it waits for in vain fails its test, after
/// [`crate::Options::patience`] and with the whole exchange.
pub struct Peer {
    server: Server,
    write: WriteHalf<DuplexStream>,
    /// None while one stream gives its place to the next.
    stream: Option<Stream>,
    jid: String,
    /// Elements that came and were not asked for yet.
    waiting: Vec<Element>,
    ids: u32,
}

impl Peer {
    /// Connects and opens a stream; the features that it got.
    pub async fn connect(server: &Server) -> (Self, Element) {
        let (read, write) = tokio::io::split(server.connect());
        let mut peer = Self {
            server: server.clone(),
            write,
            stream: Some(XmlReader::new(BufReader::new(read))),
            jid: String::new(),
            waiting: Vec::new(),
            ids: 0,
        };
        let features = peer.open().await;
        (peer, features)
    }

    /// Authenticates without binding a resource; the features that it got.
    pub async fn authenticate(server: &Server, account: &str) -> (Self, Element) {
        let (mut peer, _) = Self::connect(server).await;
        let password = server.password(account).unwrap_or_default();
        let plain = BASE64.encode(format!("\0{account}\0{password}"));
        peer.send(&format!(
            "<auth xmlns='{}' mechanism='PLAIN'>{plain}</auth>",
            ns::SASL
        ))
        .await;
        let answer = peer.next().await;
        if answer.name() != "success" {
            server.fail(&format!("{account} can't log in"));
        }
        let features = peer.restart().await;
        (peer, features)
    }

    /// Logs in without announcing itself.
    pub async fn login(server: &Server, account: &str, resource: &str) -> Self {
        let (mut peer, _) = Self::authenticate(server, account).await;
        let bind = format!(
            "<bind xmlns='{}'><resource>{resource}</resource></bind>",
            ns::BIND
        );
        let answer = peer.ask("set", None, &bind).await;
        let jid = answer
            .get_child("bind", ns::BIND)
            .and_then(|bind| bind.get_child("jid", ns::BIND));
        match jid {
            Some(jid) => peer.jid = jid.text(),
            None => server.fail(&format!("{account} can't bind {resource}")),
        }
        peer
    }

    /// Logs in and announces itself.
    pub async fn online(server: &Server, account: &str, resource: &str) -> Self {
        let mut peer = Self::login(server, account, resource).await;
        peer.send("<presence/>").await;
        let own = peer.jid.clone();
        peer.take("its own presence", |e| {
            e.name() == "presence" && e.attr("from") == Some(&own)
        })
        .await;
        peer
    }

    /// Its full address; empty before it is bound.
    pub fn jid(&self) -> &str {
        &self.jid
    }

    async fn open(&mut self) -> Element {
        let header = xml::header(
            ns::CLIENT,
            &[("to", &self.server.domain()), ("version", "1.0")],
        );
        self.send(&header).await;
        if let Some(stream) = &mut self.stream
            && stream.header().await.is_err()
        {
            self.server.fail("the server opens no stream");
        }
        self.next().await
    }

    async fn restart(&mut self) -> Element {
        self.stream = self
            .stream
            .take()
            .map(|stream| XmlReader::new(stream.into_inner()));
        self.open().await
    }

    /// Sends text as it is.
    pub async fn send(&mut self, text: &str) {
        if !self.try_send(text).await {
            self.server
                .fail(&format!("the server closed the stream of {}", self.jid));
        }
    }

    /// Sends text as it is, to a server that may have closed the stream: whether it had not.
    pub async fn try_send(&mut self, text: &str) -> bool {
        self.write.write_all(text.as_bytes()).await.is_ok()
    }

    /// Sends an IQ and waits for its answer, an error too.
    pub async fn ask(&mut self, kind: &str, to: Option<&str>, payload: &str) -> Element {
        self.ids += 1;
        let id = format!("ask-{}", self.ids);
        let to = to.map(|to| format!(" to='{to}'")).unwrap_or_default();
        self.send(&format!("<iq type='{kind}' id='{id}'{to}>{payload}</iq>"))
            .await;
        self.take(&format!("the answer to {payload:.60}"), |e| {
            e.name() == "iq"
                && e.attr("id") == Some(&id)
                && matches!(e.attr("type"), Some("result" | "error"))
        })
        .await
    }

    /// The first element, old or new, that fits.
    pub async fn take(&mut self, what: &str, fits: impl Fn(&Element) -> bool) -> Element {
        if let Some(found) = self.waiting.iter().position(&fits) {
            return self.waiting.remove(found);
        }
        let patience = self.server.lock().options.patience;
        let find = async {
            loop {
                let element = self.must_read().await;
                if fits(&element) {
                    return element;
                }
                self.waiting.push(element);
            }
        };
        match tokio::time::timeout(patience, find).await {
            Ok(found) => found,
            Err(_) => self
                .server
                .fail(&format!("{} waited in vain for {what}", self.jid)),
        }
    }

    /// Everything that came and wasn't taken, once the server has handled all that this client
    /// sent before.
    pub async fn drain(&mut self) -> Vec<Element> {
        self.settle().await;
        std::mem::take(&mut self.waiting)
    }

    /// Waits until the server has handled everything that was sent before.
    pub async fn settle(&mut self) {
        let domain = self.server.domain();
        self.ask("get", Some(&domain), "<ping xmlns='urn:xmpp:ping'/>")
            .await;
    }

    /// Waits until the stream is over; the condition of its error when there was one.
    pub async fn end(&mut self) -> Option<String> {
        let patience = self.server.lock().options.patience;
        let read = async {
            let mut condition = None;
            while let Ok(element) = self.read().await {
                if element.is("error", ns::STREAM) {
                    condition = element.children().next().map(|c| c.name().to_owned());
                }
            }
            condition
        };
        match tokio::time::timeout(patience, read).await {
            Ok(condition) => condition,
            Err(_) => self.server.fail("the stream doesn't end"),
        }
    }

    /// Closes the stream in order.
    pub async fn close(mut self) {
        if self.try_send("</stream:stream>").await {
            self.end().await;
        }
    }

    /// The next element of the stream.
    pub async fn next(&mut self) -> Element {
        let patience = self.server.lock().options.patience;
        match tokio::time::timeout(patience, self.must_read()).await {
            Ok(element) => element,
            Err(_) => self
                .server
                .fail(&format!("nothing comes to {:?}", self.jid)),
        }
    }

    async fn must_read(&mut self) -> Element {
        match self.read().await {
            Ok(element) => element,
            Err(how) => self
                .server
                .fail(&format!("the stream of {:?} is over: {how:?}", self.jid)),
        }
    }

    async fn read(&mut self) -> Result<Element, Broken> {
        match &mut self.stream {
            Some(stream) => stream.next().await?.ok_or(Broken::Lost),
            None => fail("the stream was given away"),
        }
    }
}
