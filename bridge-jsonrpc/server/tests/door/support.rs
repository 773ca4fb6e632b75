//! A backend in a folder of its own, with its door open.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use sat_bridge_jsonrpc::{Options, Server};
use sat_client::{Address, Client, RpcError};
use sat_host::{Backend, profile::vault::KdfParams};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// A running backend.
pub(crate) struct Door {
    pub(crate) port: u16,
    dir: TempDir,
    stop: CancellationToken,
    server: JoinHandle<sat_host::Result<()>>,
}

impl Door {
    /// Starts one without plugins.
    pub(crate) async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let backend = Backend::start(sat_host::Options {
            kdf: KdfParams {
                m_kib: 64,
                t: 1,
                p: 1,
            },
            ..sat_host::Options::new(dir.path().join("data"), Vec::new())
        })
        .await
        .unwrap();
        let server = Server::bind(&Options {
            socket: dir.path().join("run/bridge.sock"),
            listen: Some("127.0.0.1:0".parse().unwrap()),
            token_file: dir.path().join("bridge.token"),
        })
        .unwrap();
        let port = server.tcp_port().unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(server.run(backend, stop.clone()));
        Self {
            port,
            dir,
            stop,
            server,
        }
    }

    pub(crate) fn unix(&self) -> Address {
        Address::Unix(self.dir.path().join("run/bridge.sock"))
    }

    pub(crate) fn tcp(&self) -> Address {
        Address::Tcp(([127, 0, 0, 1], self.port).into())
    }

    pub(crate) fn token(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("bridge.token"))
            .unwrap()
            .trim()
            .to_owned()
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.unix(), None).await.unwrap()
    }

    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.server.await.unwrap().unwrap();
    }
}

/// One HTTP request with just these headers; status and body of the answer.
pub(crate) async fn http(
    address: &Address,
    verb: &str,
    headers: &str,
    body: &str,
) -> (u16, String) {
    let json = if headers.contains("Content-Type") {
        ""
    } else {
        "Content-Type: application/json\r\n"
    };
    let length = body.len();
    let request =
        format!("{verb} / HTTP/1.1\r\n{headers}{json}Content-Length: {length}\r\n\r\n{body}");
    match address {
        Address::Unix(path) => exchange(UnixStream::connect(path).await.unwrap(), &request).await,
        Address::Tcp(address) => {
            exchange(TcpStream::connect(address).await.unwrap(), &request).await
        }
    }
}

async fn exchange(mut io: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> (u16, String) {
    // The server may answer and close before it has read everything.
    io.write_all(request.as_bytes()).await.ok();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head.lines().find_map(|l| {
        l.to_lowercase()
            .strip_prefix("content-length: ")
            .map(str::to_owned)
    });
    let mut body = vec![0; length.map_or(0, |l| l.parse().unwrap())];
    io.read_exact(&mut body).await.unwrap();
    (status, String::from_utf8(body).unwrap())
}

/// A call that the administrator may make.
pub(crate) const STATUS: &str = r#"{"jsonrpc":"2.0","id":1,"method":"host.status","params":{}}"#;

/// A call by name.
pub(crate) async fn ask(client: &Client, method: &str, params: Value) -> Result<Value, RpcError> {
    client.call_as(method, &params).await
}

/// The word of an error that has to be there.
pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, RpcError>) -> String {
    result.unwrap_err().kind
}

/// What `profile.create` needs.
pub(crate) fn account(name: &str, password: &str) -> Value {
    json!({"profile": name, "password": password, "jid": format!("{name}@localhost"), "jid_password": "x"})
}
