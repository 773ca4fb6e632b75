//! Who may come in at all: `Host`, `Origin` and bearer tokens of a request, before JSON-RPC.
//!
//! A web page of another site must not get through a browser to this listener, whatever its
//! DNS says: so `Host` has to be a loopback name, and `Origin`, where there is one, too.

use hyper::{
    HeaderMap, Version,
    header::{AUTHORIZATION, HOST, ORIGIN},
    http::{StatusCode, request::Parts},
};

/// Why a request was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denied(pub(crate) StatusCode, pub(crate) &'static str);

const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;

/// Checks everything but tokens. `port` is the TCP listener's, `None` on the Unix socket.
pub(crate) fn check(request: &Parts, port: Option<u16>) -> Result<(), Denied> {
    // HTTP/2 has other headers for the same things, and no WebSocket here.
    if !matches!(request.version, Version::HTTP_10 | Version::HTTP_11) {
        return Err(Denied(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "Use HTTP/1.1\n",
        ));
    }
    let headers = &request.headers;
    let host = single(headers, HOST.as_str())?.unwrap_or_default();
    if !is_ours(host, port) {
        return Err(Denied(
            FORBIDDEN,
            "The Host header must be localhost, 127.0.0.1 or [::1] with the port\n",
        ));
    }
    if request.uri.authority().is_some_and(|a| a.as_str() != host) {
        return Err(Denied(
            FORBIDDEN,
            "The address and the Host header differ\n",
        ));
    }
    if let Some(origin) = single(headers, ORIGIN.as_str())?
        && !is_loopback_origin(origin)
    {
        return Err(Denied(FORBIDDEN, "Pages of other sites may not use this\n"));
    }
    if single(headers, "sec-fetch-site")? == Some("cross-site") {
        return Err(Denied(FORBIDDEN, "Pages of other sites may not use this\n"));
    }
    if request.uri.path() != "/" {
        return Err(Denied(StatusCode::NOT_FOUND, "The only path is /\n"));
    }
    Ok(())
}

/// All bearer tokens: several headers, or several in one, since a call over TCP may bring the
/// backend's and a profile's.
pub(crate) fn bearers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers
        .get_all(AUTHORIZATION)
        .into_iter()
        .filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).filter_map(|part| {
        let (scheme, token) = part.trim().split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    })
}

/// Whether two secrets are equal, in a time that tells nothing of where they differ.
pub(crate) fn same_secret(a: &str, b: &str) -> bool {
    let differing = a
        .bytes()
        .zip(b.bytes())
        .fold(0, |acc, (x, y)| acc | (x ^ y));
    a.len() == b.len() && std::hint::black_box(differing) == 0
}

/// The value of a header that may be there once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Denied> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Denied(StatusCode::BAD_REQUEST, "A header is there twice\n"));
    }
    match first.map(|v| v.to_str()) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err(Denied(StatusCode::BAD_REQUEST, "A header isn't text\n")),
    }
}

fn is_ours(host: &str, port: Option<u16>) -> bool {
    let Some((name, given)) = split(host) else {
        return false;
    };
    let port_fits = match port {
        // HTTP leaves its default port out.
        Some(port) => given.unwrap_or(80) == port,
        None => true,
    };
    is_loopback(name) && port_fits
}

fn is_loopback_origin(origin: &str) -> bool {
    let rest = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    rest.and_then(split)
        .is_some_and(|(name, _)| is_loopback(name))
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}

/// Name and port of `host:port`.
fn split(host: &str) -> Option<(&str, Option<u16>)> {
    let name_end = if host.starts_with('[') {
        host.find(']')? + 1
    } else {
        host.find(':').unwrap_or(host.len())
    };
    let (name, rest) = host.split_at_checked(name_end)?;
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Some((name, None)),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some((name, Some(digits.parse().ok()?)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn verdict(headers: &[(&str, &str)], port: Option<u16>) -> u16 {
        let mut request = Request::post("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check(&parts, port).map_or_else(|d| d.0.as_u16(), |()| 200)
    }

    #[test]
    fn host_matrix() {
        for good in [
            "localhost:7500",
            "LOCALHOST:7500",
            "127.0.0.1:7500",
            "[::1]:7500",
        ] {
            assert_eq!(verdict(&[("host", good)], Some(7500)), 200, "{good}");
            assert_eq!(verdict(&[("host", good)], None), 200, "{good}");
        }
        for bad in [
            "evil.example",
            "evil.example:7500",
            "localhost",
            "localhost:7501",
            "localhost.:7500",
            "127.0.0.1.nip.io:7500",
            "127.0.0.2:7500",
            "localhost:7500:7500",
            "[::1:7500",
            "[::1]x:7500",
            "localhost:+7500",
            "x@localhost:7500",
            "",
        ] {
            assert_eq!(verdict(&[("host", bad)], Some(7500)), 403, "{bad}");
        }
        assert_eq!(verdict(&[], Some(7500)), 403);
        assert_eq!(
            verdict(
                &[("host", "localhost:7500"), ("host", "localhost:7500")],
                Some(7500)
            ),
            400
        );
    }

    #[test]
    fn origin_matrix() {
        let with = |origin: &str| {
            verdict(
                &[("host", "localhost:7500"), ("origin", origin)],
                Some(7500),
            )
        };
        for good in [
            "http://localhost",
            "http://localhost:8080",
            "https://127.0.0.1",
            "http://[::1]:1",
        ] {
            assert_eq!(with(good), 200, "{good}");
        }
        for bad in [
            "null",
            "http://evil.example",
            "http://localhost.evil",
            "http://localhost@evil",
            "file://",
            "",
        ] {
            assert_eq!(with(bad), 403, "{bad}");
        }
        let cross = [("host", "localhost:7500"), ("sec-fetch-site", "cross-site")];
        assert_eq!(verdict(&cross, Some(7500)), 403);
    }

    #[test]
    fn the_address_must_agree_with_the_host() {
        let request = Request::post("http://evil.example/").header("host", "localhost:1");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(
            check(&parts, Some(1)),
            Err(Denied(
                FORBIDDEN,
                "The address and the Host header differ\n"
            ))
        );
    }

    #[test]
    fn several_bearers() {
        let request = Request::post("/").header("authorization", "Bearer a, bearer b");
        let request = request
            .header("authorization", "Basic x")
            .header("authorization", "BEARER c");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(bearers(&parts.headers).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(
            same_secret("abc", "abc") && !same_secret("abc", "abd") && !same_secret("abc", "ab")
        );
    }
}
