//! `[http]`: what a plugin may reach of the web.

use serde::Deserialize;
use std::fmt;

/// The section `[http]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// `example.org`, `*.example.org` (all names below it) or `*` (any public host).
    pub hosts: Vec<HostPattern>,
}

/// A host, or hosts, as the manifest names them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum HostPattern {
    /// `*`: any host.
    Any,
    /// `*.example.org`: every name below it, without itself.
    Below(String),
    /// `example.org`.
    Name(String),
}

impl HostPattern {
    /// Whether it is for a host: a name in lower case without a dot at its end, or none for an
    /// address, which only `*` is for.
    pub fn fits(&self, host: Option<&str>) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Name(name), Some(host)) => name == host,
            (Self::Below(name), Some(host)) => host
                .strip_suffix(name.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            (_, None) => false,
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (name, below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text.as_str(), false),
        };
        if !is_name(name) {
            return Err(format!(
                "{text:?} is no name of a host: write \"example.org\", \"*.example.org\" for all \
                 names below it, or \"*\" for any, in lower case, without scheme, port and path \
                 (international names as \"xn--…\")"
            ));
        }
        let name = name.to_owned();
        Ok(if below {
            Self::Below(name)
        } else {
            Self::Name(name)
        })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Whether a text is a name and no address, in whatever notation: the last label of those begins
/// with a digit, that of names with a letter.
fn is_name(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_part);
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.split('.').all(is_label)
        && last.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<HostPattern, String> {
        HostPattern::try_from(text.to_owned())
    }

    #[test]
    fn hosts_of_a_manifest() {
        for text in [
            "*",
            "example.org",
            "*.example.org",
            "localhost",
            "xn--bcher-kva.example",
            "1.example",
        ] {
            assert_eq!(pattern(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            ".",
            "*.",
            "*example.org",
            "a.*.org",
            "**",
            "*.*",
            "example..org",
            "example.org.",
            "Example.org",
            "https://example.org",
            "example.org:443",
            "example.org/path",
            "user@example.org",
            "example org",
            "%65xample.org",
            "bücher.example",
            // Addresses, however they are written.
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "0x7f.1",
            "2130706433",
            "[::1]",
            "::1",
            "１２７.0.0.1",
            "*.0.0.1",
        ] {
            assert!(pattern(text).is_err(), "{text:?}");
        }
        assert!(pattern(&"a.".repeat(200)).is_err());
    }

    #[test]
    fn what_fits() {
        for (text, host, fits) in [
            ("example.org", Some("example.org"), true),
            ("example.org", Some("a.example.org"), false),
            ("example.org", Some("badexample.org"), false),
            ("example.org", Some("example.org.evil.net"), false),
            ("example.org", None, false),
            ("*.example.org", Some("a.example.org"), true),
            ("*.example.org", Some("b.a.example.org"), true),
            ("*.example.org", Some("example.org"), false),
            ("*.example.org", Some(".example.org"), false),
            ("*.example.org", Some("badexample.org"), false),
            ("*.example.org", None, false),
            ("*", Some("example.org"), true),
            ("*", None, true),
        ] {
            assert_eq!(pattern(text).unwrap().fits(host), fits, "{text} {host:?}");
        }
    }
}
