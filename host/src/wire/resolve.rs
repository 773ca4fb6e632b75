//! Where to connect: the configured host, or what DNS says (RFC 6120 §3.2, XEP-0368).

use std::{net::IpAddr, time::Duration};

use hickory_resolver::{TokioResolver, proto::rr::RData};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::{Account, Security, fault::Fault, tls::ascii_domain};
use crate::error::kind;

/// A server tried before giving up, and at most so many addresses of all servers.
const MAX_TARGETS: usize = 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const DNS_TIMEOUT: Duration = Duration::from_secs(5);
const PORT: u16 = 5222;
const PORT_DIRECT: u16 = 5223;

/// One server to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS begins with the first byte.
    pub direct_tls: bool,
}

/// The servers to try, best first; never empty.
pub(super) async fn targets(account: &Account, draw: impl Fn() -> f64) -> Vec<Target> {
    let domain = account.jid.domain().as_str();
    if account.host.is_none() && account.port.is_none() && address(domain).is_none() {
        let found = from_dns(domain, account.security, draw).await;
        if !found.is_empty() {
            return found;
        }
    }
    vec![configured(account)]
}

/// The server as the account says, or the domain itself.
pub(super) fn configured(account: &Account) -> Target {
    let domain = account.jid.domain().as_str();
    let direct_tls = account.security == Security::DirectTls;
    let host = account.host.clone().unwrap_or_else(|| {
        address(domain)
            .map(str::to_owned)
            .or_else(|| ascii_domain(domain))
            .unwrap_or(domain.to_owned())
    });
    let port = account
        .port
        .unwrap_or(if direct_tls { PORT_DIRECT } else { PORT });
    Target {
        host,
        port,
        direct_tls,
    }
}

/// The domain as an IP address, if it is one.
fn address(domain: &str) -> Option<&str> {
    let literal = domain.trim_start_matches('[').trim_end_matches(']');
    literal.parse::<IpAddr>().is_ok().then_some(literal)
}

/// Opens a TCP connection to the first address of `target` that accepts one.
pub(super) async fn connect(target: &Target) -> Result<TcpStream, Fault> {
    let Target { host, port, .. } = target;
    let addresses = match timeout(CONNECT_TIMEOUT, lookup_host((host.as_str(), *port))).await {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(_)) => {
            return Err(Fault::retry(
                kind::HOST_NOT_FOUND,
                format!("No server was found under the name {host}."),
            ));
        }
        Err(_) => {
            return Err(Fault::retry(
                kind::TIMEOUT,
                "The name servers (DNS) don't answer.",
            ));
        }
    };
    let mut fault = None;
    for address in addresses.take(MAX_TARGETS) {
        let error = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Stanzas are gathered before they are written, so waiting gains nothing.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY isn't available");
                }
                return Ok(stream);
            }
            Ok(Err(error)) => Fault::retry(
                kind::CONNECTION_FAILED,
                format!("The server {host} can't be reached on port {port}: {error}."),
            ),
            Err(_) => Fault::retry(
                kind::TIMEOUT,
                format!("The server {host} doesn't answer on port {port}."),
            ),
        };
        fault = Some(error);
    }
    Err(fault.unwrap_or_else(|| {
        Fault::retry(
            kind::HOST_NOT_FOUND,
            format!("The name {host} has no address."),
        )
    }))
}

/// SRV records, TLS from the first byte preferred; empty when there are none or DNS fails.
async fn from_dns(domain: &str, security: Security, draw: impl Fn() -> f64) -> Vec<Target> {
    let Some(resolver) = resolver() else {
        return Vec::new();
    };
    let Some(domain) = ascii_domain(domain) else {
        return Vec::new();
    };
    let lookup = async |service: &str, direct_tls: bool| {
        let name = format!("{service}._tcp.{domain}.");
        match timeout(DNS_TIMEOUT, resolver.srv_lookup(name)).await {
            Ok(Ok(lookup)) => {
                let records = lookup
                    .answers()
                    .iter()
                    .filter_map(|record| match &record.data {
                        RData::SRV(srv) => Some(Srv {
                            priority: srv.priority,
                            weight: srv.weight,
                            port: srv.port,
                            host: srv.target.to_ascii().trim_end_matches('.').to_owned(),
                        }),
                        _ => None,
                    });
                order(records.collect(), direct_tls, &draw)
            }
            _ => Vec::new(),
        }
    };
    let (mut found, plain) = match security {
        Security::StartTls => {
            tokio::join!(lookup("_xmpps-client", true), lookup("_xmpp-client", false))
        }
        Security::DirectTls => (lookup("_xmpps-client", true).await, Vec::new()),
        Security::Plain => (Vec::new(), lookup("_xmpp-client", false).await),
    };
    // Neither kind may use up all tries.
    if !plain.is_empty() {
        found.truncate(MAX_TARGETS / 2);
    }
    found.extend(plain);
    found.truncate(MAX_TARGETS);
    found
}

fn resolver() -> Option<TokioResolver> {
    match TokioResolver::builder_tokio().and_then(|builder| builder.build()) {
        Ok(resolver) => Some(resolver),
        Err(error) => {
            tracing::debug!(%error, "no configuration of DNS, so no SRV records");
            None
        }
    }
}

struct Srv {
    priority: u16,
    weight: u16,
    port: u16,
    host: String,
}

/// Orders by priority, and by weight and chance within a priority (RFC 2782).
fn order(mut records: Vec<Srv>, direct_tls: bool, draw: impl Fn() -> f64) -> Vec<Target> {
    // An empty target says that the service isn't offered.
    records.retain(|record| !record.host.is_empty());
    records.sort_by_cached_key(|record| {
        // The smallest of exponentially distributed draws is the weighted choice.
        let draw = -draw().ln() / f64::from(record.weight).max(0.01);
        (record.priority, (draw * 1e6) as u64)
    });
    let targets = records.into_iter().map(|srv| Target {
        host: srv.host,
        port: srv.port,
        direct_tls,
    });
    targets.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn srv(priority: u16, weight: u16, host: &str) -> Srv {
        Srv {
            priority,
            weight,
            port: 5222,
            host: host.to_owned(),
        }
    }

    #[test]
    fn srv_records_are_tried_by_priority() {
        let ordered = order(
            vec![srv(20, 9, "b"), srv(10, 0, "a"), srv(30, 1, "")],
            true,
            || 0.5,
        );
        let hosts: Vec<_> = ordered.iter().map(|target| target.host.as_str()).collect();
        assert_eq!(hosts, ["a", "b"]);
        assert!(ordered[0].direct_tls);
    }

    #[test]
    fn the_heavier_record_comes_first_mostly() {
        let random = crate::random::Random::seeded(1);
        let first = |_| {
            let records = vec![srv(1, 1, "light"), srv(1, 99, "heavy")];
            order(records, false, || random.fraction("srv"))[0]
                .host
                .clone()
        };
        let heavy = (0..1000).map(first).filter(|host| host == "heavy").count();
        assert!(heavy > 900, "{heavy} of 1000");
    }
}
