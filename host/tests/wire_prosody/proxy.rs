//! Networks that fail on command, and a client that sends whatever it likes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Forwards TCP connections to the server until told otherwise.
pub struct Proxy {
    pub port: u16,
    open: Arc<AtomicBool>,
    cuts: watch::Sender<u32>,
    silent: watch::Sender<bool>,
}

impl Proxy {
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(AtomicBool::new(true));
        let cuts = watch::Sender::new(0);
        let silent = watch::Sender::new(false);
        let (opened, cut, quiet) = (open.clone(), cuts.clone(), silent.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                if !opened.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else {
                    continue;
                };
                let (mut cut, mut quiet) = (cut.subscribe(), quiet.subscribe());
                tokio::spawn(async move {
                    let (mut from_client, mut to_client) = client.into_split();
                    let (mut from_server, mut to_server) = server.into_split();
                    let upwards = async {
                        let mut buffer = [0; 4096];
                        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
                            // Silence: what the client writes is held back.
                            let _ = quiet.wait_for(|silent| !silent).await;
                            if to_server.write_all(&buffer[..length]).await.is_err() {
                                break;
                            }
                        }
                    };
                    tokio::select! {
                        _ = cut.changed() => {}
                        () = upwards => {}
                        _ = copy(&mut from_server, &mut to_client) => {}
                    }
                });
            }
        });
        Self {
            port,
            open,
            cuts,
            silent,
        }
    }

    /// Whether new connections are forwarded or dropped at once.
    pub fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::SeqCst);
    }

    /// Whether what the client writes is held back.
    pub fn set_silent(&self, silent: bool) {
        self.silent.send_replace(silent);
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

/// An unencrypted client without any manners.
pub struct Raw(TcpStream);

impl Raw {
    pub async fn log_in(port: u16, user: &str, password: &str) -> Self {
        let mut raw = Self(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
        let header = "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' \
            xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
        raw.send(header).await;
        raw.read_until("</stream:features>").await;
        let secret = BASE64.encode(format!("\0{user}\0{password}"));
        let ns = "urn:ietf:params:xml:ns:xmpp-sasl";
        raw.send(&format!(
            "<auth xmlns='{ns}' mechanism='PLAIN'>{secret}</auth>"
        ))
        .await;
        raw.read_until("<success").await;
        raw.send(header).await;
        raw.read_until("</stream:features>").await;
        let ns = "urn:ietf:params:xml:ns:xmpp-bind";
        raw.send(&format!("<iq type='set' id='b'><bind xmlns='{ns}'/></iq>"))
            .await;
        raw.read_until("</iq>").await;
        raw
    }

    pub async fn send(&mut self, xml: &str) {
        self.0.write_all(xml.as_bytes()).await.unwrap();
    }

    async fn read_until(&mut self, end: &str) {
        let mut seen = String::new();
        let mut buffer = [0; 4096];
        while !seen.contains(end) {
            let length = self.0.read(&mut buffer).await.unwrap();
            assert!(length > 0, "{seen}");
            seen += &String::from_utf8_lossy(&buffer[..length]);
        }
    }
}
