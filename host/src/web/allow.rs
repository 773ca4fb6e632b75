//! Where a plugin may connect to: hosts by name, addresses by what they are.

use crate::{Error, Result, error::kind, plugin::manifest::HostPattern};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// A name without the dot that may stand at its end.
fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// What a plugin may reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allow<'a> {
    /// The hosts of its manifest.
    pub(crate) hosts: &'a [HostPattern],
    /// `[plugins] http_private`: private addresses of hosts that the manifest names themselves.
    pub(crate) private: bool,
}

impl Allow<'_> {
    /// Whether the plugin may ask the host of a URL, and which addresses that may have.
    pub(crate) fn check(&self, url: &Url) -> Result<Reach> {
        let host = match url.host() {
            Some(Host::Domain(name)) => Some(bare(name)),
            _ => None,
        };
        let fits = |pattern: &HostPattern| pattern.fits(host);
        let names = |pattern: &HostPattern| matches!(pattern, HostPattern::Name(_));
        if !self.hosts.iter().any(fits) {
            return Err(Error::new(
                kind::FORBIDDEN,
                format!(
                    "The plugin's manifest doesn't name the host {} ([http] hosts)",
                    url.host_str().unwrap_or_default()
                ),
            ));
        }
        Ok(Reach {
            private: self.private && self.hosts.iter().any(|p| names(p) && fits(p)),
        })
    }
}

/// Which addresses a host may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    private: bool,
}

impl Reach {
    /// Whether a connection to this address is allowed, or what the address is.
    pub(crate) fn admits(self, address: IpAddr) -> Result<(), &'static str> {
        match place(address) {
            Place::Public => Ok(()),
            Place::Private(_) if self.private => Ok(()),
            Place::Private(what) | Place::Never(what) => Err(what),
        }
    }
}

/// What an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Anybody's.
    Public,
    /// Of this machine or its network.
    Private(&'static str),
    /// Nobody's, or everybody's.
    Never(&'static str),
}

use Place::{Never, Private, Public};

/// The special IPv4 blocks (RFC 6890 and the IANA registry).
const IPV4: &[(Ipv4Addr, u32, Place)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, Never("unspecified")),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Private("private")),
    (
        Ipv4Addr::new(100, 64, 0, 0),
        10,
        Private("carrier-grade NAT"),
    ),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Private("loopback")),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Never("link-local")),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Private("private")),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Never("reserved")),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Never("documentation")),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Never("6to4 relay")),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Private("private")),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Never("benchmark")),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Never("documentation")),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Never("documentation")),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Never("multicast")),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Never("reserved")),
];

/// The IPv6 blocks, the first that fits counts; what is in none is reserved.
const IPV6: &[(Ipv6Addr, u32, Place)] = &[
    (Ipv6Addr::LOCALHOST, 128, Private("loopback")),
    (Ipv6Addr::UNSPECIFIED, 128, Never("unspecified")),
    (v6(0, 0), 64, Never("IPv4 inside of IPv6")),
    // Teredo, ORCHID, benchmarks and whatever else the IETF gives out.
    (v6(0x2001, 0), 23, Never("protocol assignment")),
    (v6(0x2001, 0xdb8), 32, Never("documentation")),
    (v6(0x2002, 0), 16, Never("6to4")),
    (v6(0x3fff, 0), 20, Never("documentation")),
    (v6(0x2000, 0), 3, Public),
    (v6(0xfc00, 0), 7, Private("unique local")),
    (v6(0xfe80, 0), 10, Never("link-local")),
    (v6(0xff00, 0), 8, Never("multicast")),
];

/// NAT64 (RFC 6052 §2.1): the last 32 bits are an IPv4 address, and the way to it.
const NAT64: Ipv6Addr = v6(0x64, 0xff9b);

const fn v6(first: u16, second: u16) -> Ipv6Addr {
    Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)
}

fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => {
            let fits = |block: Ipv4Addr, length: u32| {
                (address.to_bits() ^ block.to_bits()) >> (32 - length) == 0
            };
            let found = IPV4.iter().find(|(block, length, _)| fits(*block, *length));
            found.map_or(Public, |(_, _, place)| *place)
        }
        IpAddr::V6(address) => {
            let fits = |block: Ipv6Addr, length: u32| {
                (address.to_bits() ^ block.to_bits()) >> (128 - length) == 0
            };
            if fits(NAT64, 96) {
                let inner = Ipv4Addr::from_bits(address.to_bits() as u32);
                return match place(IpAddr::V4(inner)) {
                    Public => Public,
                    Private(what) | Never(what) => Never(what),
                };
            }
            let found = IPV6.iter().find(|(block, length, _)| fits(*block, *length));
            found.map_or(Never("reserved"), |(_, _, place)| *place)
        }
    }
}

#[cfg(test)]
mod tests;
