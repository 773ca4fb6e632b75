//! Requests of plugins to the web, with a server on loopback.

use sat_tests::{Kit, Server, build};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A web server of the test.
struct Web {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl Web {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, SeqCst);
                tokio::spawn(serve(stream, port));
            }
        });
        Self { port, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }
}

async fn serve(mut stream: TcpStream, port: u16) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    let redirect = |to: &str| {
        format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes()
    };
    let answer = match path.as_str() {
        "/echo" => {
            let length = text.len();
            format!("HTTP/1.1 200 OK\r\nx-test: 1\r\nX-Test: 2\r\ncontent-length: {length}\r\n\r\n{text}")
                .into()
        }
        "/once" => redirect("/echo"),
        "/away" => redirect(&format!("http://127.0.0.1:{port}/echo")),
        "/missing" => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".into(),
        "/latin" => b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\xe4".into(),
        "/endless-body" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'x'; 4096]).await?;
            }
        }
        "/endless-head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream.write_all(b"x-more: and more\r\n").await?;
            }
        }
        "/endless-continue" => loop {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        },
        // Silence, until the client gives up.
        _ => {
            stream.read_u8().await?;
            return Ok(());
        }
    };
    stream.write_all(&answer).await
}

async fn start(http_private: bool) -> (Server, Kit, Web) {
    let server = Server::plain();
    let mut kit = Kit::folders();
    kit.drop_in(&build::guest("fetcher"), "fetcher");
    kit.plugins.http_private = http_private;
    kit.run().await;
    kit.create(&server, "romeo", "").await;
    kit.profile("romeo").unlock("").await.expect("opens");
    (server, kit, Web::start().await)
}

fn request(url: &str) -> Value {
    json!({"method": "GET", "url": url})
}

async fn fetch(kit: &Kit, request: Value) -> sat_host::Result<Value> {
    kit.call("romeo", "acme.fetcher.fetch", request).await
}

async fn refused(kit: &Kit, request: Value, word: &str) -> String {
    let error = fetch(kit, request.clone()).await.unwrap_err();
    assert_eq!(error.kind, word, "{request}: {error}");
    error.message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_gets_pages() {
    let (_server, kit, web) = start(true).await;
    let mut post = request(&web.url("/echo"));
    post["method"] = "POST".into();
    post["body"] = "a body".into();
    post["test"] = "a value".into();
    let page = fetch(&kit, post).await.expect("it is there");
    let sent = page["body"].as_str().expect("text");
    assert!(sent.starts_with("POST /echo HTTP/1.1"), "{sent}");
    assert!(sent.contains("x-test: a value"), "{sent}");
    let version = env!("CARGO_PKG_VERSION");
    let agent = format!("user-agent: sat/{version} (plugin fetcher)");
    assert!(sent.contains(&agent), "{sent}");
    assert_eq!(page["test"], json!(["1", "2"]));
    assert_eq!(page["truncated"], false);
    let page = fetch(&kit, request(&web.url("/once")))
        .await
        .expect("there");
    assert_eq!(
        (&page["status"], &page["url"]),
        (&json!(200), &json!(web.url("/echo")))
    );
    let text = async |path| {
        let url = json!({"url": web.url(path)});
        kit.call("romeo", "acme.fetcher.text", url).await
    };
    assert!(text("/echo").await.is_ok());
    assert_eq!(text("/missing").await.unwrap_err().kind, "not-found");
    assert_eq!(text("/latin").await.unwrap_err().kind, "bad-text");
    let plugins = kit.backend().plugins();
    assert_eq!(plugins[0].http_hosts, ["localhost", "*.example.org", "*"]);
    assert!(plugins[0].permissions.contains_key("http"));
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_refused_by_default() {
    let (_server, kit, web) = start(false).await;
    let port = web.port;
    for url in [
        web.url("/echo"),
        format!("http://127.0.0.1:{port}/echo"),
        format!("http://127.1:{port}/echo"),
        format!("http://[::1]:{port}/echo"),
        format!("http://[::ffff:127.0.0.1]:{port}/echo"),
        format!("http://0.0.0.0:{port}/echo"),
        format!("http://2130706433:{port}/echo"),
    ] {
        let says = refused(&kit, request(&url), "forbidden").await;
        assert!(says.contains("http_private"), "{url}: {says}");
    }
    assert_eq!(web.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_leads_to_no_private_address_that_was_not_named() {
    let (_server, kit, web) = start(true).await;
    // `localhost` is named, 127.0.0.1 only by the star.
    refused(&kit, request(&web.url("/away")), "forbidden").await;
    assert_eq!(web.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_end_are_cut_and_silence_ends() {
    let (_server, kit, web) = start(true).await;
    let page = fetch(&kit, request(&web.url("/endless-body")))
        .await
        .expect("there");
    assert_eq!(page["body"].as_str().map(str::len), Some(256 << 10));
    assert_eq!(page["truncated"], true);
    refused(&kit, request(&web.url("/endless-head")), "limit-reached").await;
    for path in ["/silence", "/endless-continue"] {
        let mut slow = request(&web.url(path));
        slow["timeout_ms"] = 300.into();
        let start = Instant::now();
        refused(&kit, slow, "timeout").await;
        assert!(start.elapsed() < Duration::from_secs(5), "{path}");
    }
    // Only these calls failed.
    let page = fetch(&kit, request(&web.url("/echo")))
        .await
        .expect("there");
    assert_eq!(page["status"], 200);
}
