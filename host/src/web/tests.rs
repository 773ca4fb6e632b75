//! The client on a net of its own: names are a table, and every address is a server of the test.

mod tls;

use super::{
    allow::Allow,
    client::{Client, REQUESTS},
    net::{Connection, Net},
};
use crate::{
    Error, Result,
    error::kind,
    plugin::{
        bindings::sat::host::http::{Request, Response},
        manifest::HostPattern,
    },
};
use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::Semaphore,
};

/// What the servers answer to the head and body of a request to an address.
type Answer = Arc<dyn Fn(IpAddr, &str) -> Vec<u8> + Send + Sync>;

struct Fake {
    names: BTreeMap<&'static str, Vec<&'static str>>,
    answer: Answer,
    lookups: Mutex<Vec<String>>,
    /// Where a connection went to, and for which name it was encrypted.
    connections: Mutex<Vec<(SocketAddr, Option<String>)>>,
}

impl Net for Fake {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.lookups.lock().unwrap().push(host.to_owned());
        let addresses = self.names.get(host).ok_or(io::ErrorKind::NotFound)?;
        Ok(addresses
            .iter()
            .map(|a| SocketAddr::new(a.parse().unwrap(), port))
            .collect())
    }

    async fn connect(
        &self,
        address: SocketAddr,
        secure: Option<&str>,
    ) -> Result<Box<dyn Connection>> {
        let to = (address, secure.map(str::to_owned));
        self.connections.lock().unwrap().push(to);
        if address.port() == 81 {
            return Err(Error::new(kind::CONNECTION_FAILED, "refused"));
        }
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        tokio::spawn(serve(theirs, address.ip(), self.answer.clone()));
        Ok(Box::new(ours))
    }
}

/// Reads a request and answers it; the end of what it writes is the end of the connection.
async fn serve(mut stream: DuplexStream, address: IpAddr, answer: Answer) {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let answer = answer(address, &text);
                stream.write_all(&answer).await.ok();
                // `never` is a server that is slow for ever.
                if !answer.ends_with(b"never") {
                    return;
                }
            }
        }
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

fn fake(answer: impl Fn(IpAddr, &str) -> Vec<u8> + Send + Sync + 'static) -> Fake {
    let names = [
        ("public.test", vec!["93.184.215.14"]),
        ("other.test", vec!["93.184.215.15"]),
        ("local.test", vec!["127.0.0.1"]),
        ("mixed.test", vec!["10.0.0.1", "::1", "93.184.215.16"]),
        ("metadata.test", vec!["169.254.169.254"]),
    ];
    Fake {
        names: names.into(),
        answer: Arc::new(answer),
        lookups: Mutex::default(),
        connections: Mutex::default(),
    }
}

fn get(url: &str) -> Request {
    Request {
        method: "GET".into(),
        url: url.into(),
        headers: Vec::new(),
        body: None,
        timeout_ms: None,
        max_bytes: None,
    }
}

struct Rules {
    hosts: Vec<HostPattern>,
    private: bool,
    turns: Semaphore,
}

fn rules(hosts: &[&str], private: bool) -> Rules {
    let parse = |text: &&str| HostPattern::try_from((*text).to_owned()).unwrap();
    Rules {
        hosts: hosts.iter().map(parse).collect(),
        private,
        turns: Semaphore::new(REQUESTS),
    }
}

async fn ask(net: &Fake, rules: &Rules, request: Request) -> Result<Response> {
    let client = Client {
        net,
        allow: Allow {
            hosts: &rules.hosts,
            private: rules.private,
        },
        agent: "sat/test",
        turns: &rules.turns,
    };
    client.fetch(request).await
}

fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn redirect(status: u16, to: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into()
}

#[track_caller]
fn says(result: Result<Response>, kind: &str, word: &str) {
    let error = result.expect_err("it must fail");
    assert!(
        error.is(kind) && error.message.contains(word),
        "{kind} with {word:?} is wanted: {error}"
    );
}

#[tokio::test]
async fn a_request_is_sent_as_it_was_asked_for() {
    let net = fake(|_, request| ok(request));
    let request = Request {
        method: "POST".into(),
        headers: vec![("X-Key".into(), "ü".into()), ("x-key".into(), "2".into())],
        body: Some(b"body".into()),
        ..get("http://public.test:8080/a%20b?q=1#fragment")
    };
    let answer = ask(&net, &rules(&["*"], false), request).await.unwrap();
    let sent = String::from_utf8(answer.body).unwrap();
    let mut lines: Vec<_> = sent.lines().collect();
    assert_eq!(lines.remove(0), "POST /a%20b?q=1 HTTP/1.1");
    for line in [
        "host: public.test:8080",
        "user-agent: sat/test",
        "accept-encoding: identity",
        "x-key: ü",
        "x-key: 2",
        "content-length: 4",
        "body",
    ] {
        assert!(lines.contains(&line), "{line}: {sent}");
    }
    assert_eq!(answer.url, "http://public.test:8080/a%20b?q=1");
    assert_eq!((answer.status, answer.truncated), (200, false));
    assert_eq!(
        answer.headers,
        [("content-length".into(), sent.len().to_string())]
    );
}

#[tokio::test]
async fn requests_that_are_refused_unsent() {
    let net = fake(|_, _| ok(""));
    let header = |name: &str, value: &str| Request {
        headers: vec![(name.into(), value.into())],
        ..get("http://public.test/")
    };
    let method = |method: &str| Request {
        method: method.into(),
        ..get("http://public.test/")
    };
    let mut refused = vec![
        get("public.test"),
        get("ftp://public.test/"),
        get("file:///etc/passwd"),
        get("http://me@public.test/"),
        get("http://:secret@public.test/"),
        get(&format!("http://public.test/{}", "x".repeat(9000))),
        method("CONNECT"),
        method("get"),
        method("GET / HTTP/1.1\r\nx: "),
        header("x", "a\r\nb: c"),
        header("x y", "a"),
        header("x", &"a".repeat(17_000)),
        Request {
            body: Some(Vec::new()),
            ..get("http://public.test/")
        },
        Request {
            method: "POST".into(),
            body: Some(vec![0; (1 << 20) + 1]),
            ..get("http://public.test/")
        },
        Request {
            headers: vec![("x".into(), "a".into()); 65],
            ..get("http://public.test/")
        },
    ];
    for name in [
        "Host",
        "user-agent",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Accept-Encoding",
    ] {
        refused.push(header(name, "1"));
    }
    for request in refused {
        let text = format!("{} {} {:?}", request.method, request.url, request.headers);
        let error = ask(&net, &rules(&["*"], true), request).await.unwrap_err();
        assert!(
            matches!(&*error.kind, kind::BAD_REQUEST | kind::LIMIT),
            "{text:.100}: {error}"
        );
    }
    assert!(net.connections.lock().unwrap().is_empty());
}

#[tokio::test]
async fn private_addresses_are_not_connected_to() {
    for url in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://%31%32%37.0.0.1/",
        "http://１２７.0.0.1/",
        "http://127.0.0.1./",
        "http://0.0.0.0/",
        "http://0/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1]/",
        "http://local.test/",
        "http://local.test./",
        "https://local.test/",
        "http://metadata.test/",
    ] {
        let mut net = fake(|_, _| ok("secret"));
        net.names.insert("local.test.", vec!["127.0.0.1"]);
        let result = ask(&net, &rules(&["*"], false), get(url)).await;
        says(result, kind::FORBIDDEN, "not public");
        assert!(net.connections.lock().unwrap().is_empty(), "{url}");
    }
}

#[tokio::test]
async fn private_addresses_of_hosts_that_the_manifest_names() {
    let net = fake(|address, _| ok(&address.to_string()));
    let rules = rules(&["*", "local.test", "metadata.test"], true);
    let answer = ask(&net, &rules, get("http://local.test/")).await.unwrap();
    assert_eq!(answer.body, b"127.0.0.1");
    // The star doesn't name it; and nobody's addresses stay nobody's.
    for url in [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://metadata.test/",
    ] {
        says(ask(&net, &rules, get(url)).await, kind::FORBIDDEN, "");
    }
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let net = fake(|address, _| ok(&address.to_string()));
    let answer = ask(&net, &rules(&["*"], false), get("http://mixed.test/")).await;
    assert_eq!(answer.unwrap().body, b"93.184.215.16");
    assert_eq!(*net.lookups.lock().unwrap(), ["mixed.test"]);
    let connections = net.connections.lock().unwrap();
    let [(address, None)] = connections.as_slice() else {
        panic!("{connections:?}");
    };
    assert_eq!(address.to_string(), "93.184.215.16:80");
}

#[tokio::test]
async fn hosts_that_the_manifest_does_not_name() {
    let net = fake(|_, _| ok(""));
    let result = ask(
        &net,
        &rules(&["other.test"], true),
        get("http://public.test/"),
    )
    .await;
    says(result, kind::FORBIDDEN, "[http] hosts");
    assert!(net.lookups.lock().unwrap().is_empty());
    let result = ask(&net, &rules(&["*"], false), get("http://nowhere.test/")).await;
    says(result, kind::HOST_NOT_FOUND, "nowhere.test");
    let result = ask(&net, &rules(&["*"], false), get("http://public.test:81/")).await;
    says(result, kind::CONNECTION_FAILED, "refused");
}

#[tokio::test]
async fn redirects_are_followed_and_checked() {
    let net = fake(|_, request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        match path {
            "/5" => redirect(302, "/4"),
            "/4" => redirect(301, "http://other.test/3"),
            "/3" => redirect(307, "//public.test/2"),
            "/2" => redirect(308, "1"),
            "/1" => redirect(303, "https://public.test/0"),
            "/6" => redirect(302, "/5"),
            "/loop" => redirect(302, "/loop"),
            "/local" => redirect(302, "http://local.test/"),
            "/literal" => redirect(302, "http://127.0.0.1:7500/"),
            "/odd" => redirect(302, "http://0x7f.1/"),
            "/unnamed" => redirect(302, "http://unnamed.example/"),
            "/credentials" => redirect(302, "http://me:secret@other.test/"),
            "/file" => redirect(302, "file:///etc/passwd"),
            "/down" => redirect(302, "http://public.test/0"),
            "/nowhere" => b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n".into(),
            _ => ok("there"),
        }
    });
    let rules = rules(&["public.test", "other.test", "local.test"], false);
    let follow = async |url: &str| ask(&net, &rules, get(url)).await;
    let answer = follow("http://public.test/5").await.unwrap();
    assert_eq!(answer.url, "https://public.test/0");
    assert_eq!(answer.body, b"there");
    {
        let connections = net.connections.lock().unwrap();
        let last = connections.last().unwrap();
        assert_eq!(last.0.to_string(), "93.184.215.14:443");
        assert_eq!(last.1.as_deref(), Some("public.test"));
    }
    assert_eq!(
        follow("http://public.test/nowhere").await.unwrap().status,
        302
    );
    for (path, kind, word) in [
        ("6", kind::LIMIT, "REDIRECTS"),
        ("loop", kind::LIMIT, "REDIRECTS"),
        ("local", kind::FORBIDDEN, "not public"),
        ("literal", kind::FORBIDDEN, ""),
        ("odd", kind::FORBIDDEN, ""),
        ("unnamed", kind::FORBIDDEN, "[http] hosts"),
        ("credentials", kind::BAD_REQUEST, "user name"),
        ("file", kind::BAD_REQUEST, "web"),
    ] {
        says(
            follow(&format!("http://public.test/{path}")).await,
            kind,
            word,
        );
    }
    let down = follow("https://public.test/down").await;
    says(down, kind::FORBIDDEN, "without encryption");
    let connections = net.connections.lock().unwrap();
    assert!(connections.iter().all(|(a, _)| !a.ip().is_loopback()));
}

#[tokio::test]
async fn what_a_redirect_takes_along() {
    // Each answer tells what came: the redirected request shows in the last one.
    let net = fake(|_, request| {
        let line = request.lines().next().unwrap_or_default();
        match line
            .split(' ')
            .nth(1)
            .and_then(|path| path.strip_prefix('/'))
        {
            Some(to) if to.contains('=') => {
                let (status, to) = to.split_once('=').unwrap();
                redirect(status.parse().unwrap(), to)
            }
            _ => ok(request),
        }
    });
    let rules = rules(&["*"], false);
    let post = async |to: &str| {
        let request = Request {
            method: "POST".into(),
            headers: vec![
                ("authorization".into(), "Bearer secret".into()),
                ("cookie".into(), "secret".into()),
                ("content-type".into(), "text/plain".into()),
                ("x-other".into(), "1".into()),
            ],
            body: Some(b"body".into()),
            ..get(&format!("http://public.test/{to}"))
        };
        String::from_utf8(ask(&net, &rules, request).await.unwrap().body).unwrap()
    };
    let kept = post("307=/same").await;
    assert!(
        kept.starts_with("POST /same") && kept.ends_with("body"),
        "{kept}"
    );
    assert!(kept.contains("Bearer secret"), "{kept}");
    for origin in [
        "http://other.test",
        "http://public.test:82",
        "https://public.test",
    ] {
        let moved = post(&format!("307={origin}/x")).await;
        assert!(
            moved.starts_with("POST") && moved.contains("x-other: 1"),
            "{moved}"
        );
        assert!(!moved.contains("secret"), "{moved}");
    }
    for status in [301, 302, 303] {
        let seen = post(&format!("{status}=/see")).await;
        assert!(seen.starts_with("GET /see"), "{seen}");
        assert!(
            !seen.contains("body") && !seen.contains("content-type"),
            "{seen}"
        );
    }
}

#[tokio::test]
async fn answers_are_bounded() {
    let net = fake(|_, request| match request.split(' ').nth(1) {
        Some("/long") => [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &vec![b'x'; 3 << 20]].concat(),
        Some("/exact") => ok(&"x".repeat(1000)),
        Some("/many") => {
            let headers = "a: b\r\n".repeat(200);
            format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into()
        }
        Some("/large") => {
            let headers = format!("a: {}\r\n", "b".repeat(1000)).repeat(100);
            format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into()
        }
        Some("/gzip") => {
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08"
                .into()
        }
        Some("/cut") => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".into(),
        Some("/ssh") => b"SSH-2.0-OpenSSH_10.0\r\n".into(),
        Some("/slow-head") => b"HTTP/1.1 200 never".into(),
        Some("/slow-body") => b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nnever".into(),
        _ => Vec::new(),
    });
    let rules = rules(&["*"], false);
    let read = async |path: &str, max_bytes, timeout_ms| {
        let request = Request {
            max_bytes,
            timeout_ms,
            ..get(&format!("http://public.test{path}"))
        };
        ask(&net, &rules, request).await
    };
    for (path, max, length, truncated) in [
        ("/long", None, 256 << 10, true),
        ("/long", Some(10), 10, true),
        ("/long", Some(u32::MAX), 1 << 20, true),
        ("/long", Some(0), 0, true),
        ("/exact", Some(1000), 1000, false),
        ("/exact", Some(999), 999, true),
        ("/gzip", None, 3, false),
    ] {
        let answer = read(path, max, None).await.unwrap();
        let got = (answer.body.len(), answer.truncated);
        assert_eq!(got, (length, truncated), "{path} {max:?}");
    }
    for (path, kind, word) in [
        ("/many", kind::LIMIT, "HEADERS"),
        ("/large", kind::LIMIT, "HEAD"),
        ("/cut", kind::CONNECTION_FAILED, ""),
        ("/ssh", kind::CONNECTION_FAILED, "HTTP"),
        ("/nothing", kind::CONNECTION_FAILED, ""),
    ] {
        says(read(path, None, None).await, kind, word);
    }
    for path in ["/slow-head", "/slow-body"] {
        says(read(path, None, Some(50)).await, kind::TIMEOUT, "50 ms");
    }
}

#[tokio::test]
async fn few_requests_run_at_once_and_the_time_includes_the_wait() {
    let net = fake(|_, _| b"HTTP/1.1 200 never".into());
    let rules = rules(&["*"], false);
    let busy = (0..REQUESTS).map(|_| ask(&net, &rules, get("http://public.test/")));
    let late = Request {
        timeout_ms: Some(100),
        ..get("http://public.test/")
    };
    tokio::select! {
        biased;
        ended = futures::future::join_all(busy) => panic!("{ended:?}"),
        result = ask(&net, &rules, late) => says(result, kind::TIMEOUT, "100 ms"),
    }
    assert_eq!(net.connections.lock().unwrap().len(), REQUESTS);
}
