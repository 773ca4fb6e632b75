//! The manifest: what a plugin says of itself, in a custom section of its component.

use crate::{Error, Result, error::kind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest id of a plugin, in bytes.
pub const MAX_ID: usize = 40;

/// The `sat:manifest` section, which is TOML.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Unique among the loaded plugins: lower-case words joined by single hyphens.
    pub id: String,
    /// Semantic version of the plugin.
    pub version: String,
    /// One line for people.
    pub summary: String,
    /// Who wrote it.
    #[serde(default)]
    pub authors: Vec<String>,
    /// For which kinds of profile it is.
    #[serde(default = "client_only")]
    pub modes: Vec<Mode>,
    /// XEPs and how far they are followed.
    #[serde(default)]
    pub xeps: Vec<Xep>,
    /// Static disco features (XEP-0030).
    #[serde(default)]
    pub features: Vec<String>,
    /// Disco identities.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// Imported interface → why it is needed.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// What people can set.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    /// Elements from which the host fills fields of the header.
    #[serde(default)]
    pub header: Vec<HeaderSource>,
    /// IQ requests for its `iq-handler`.
    #[serde(default)]
    pub iq: Vec<Declaration>,
    /// Messages for its `message-handler`.
    #[serde(default)]
    pub message: Vec<Declaration>,
    /// Presences for its `presence-handler`.
    #[serde(default)]
    pub presence: Vec<Declaration>,
    /// Outgoing presences for its `presence-filter`.
    #[serde(default)]
    pub presence_filter: Vec<Declaration>,
    /// Messages for its `unwrap-filter`.
    #[serde(default)]
    pub unwrap: Vec<Declaration>,
    /// Messages for its `decrypt-filter`.
    #[serde(default)]
    pub decrypt: Vec<Declaration>,
    /// Messages for its `amend-filter`.
    #[serde(default)]
    pub amend: Vec<Declaration>,
    /// Outgoing messages for its `compose-filter`.
    #[serde(default)]
    pub compose: Vec<Declaration>,
    /// Outgoing messages for its `seal-filter`.
    #[serde(default)]
    pub seal: Vec<Declaration>,
}

/// Kind of profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A client of a server (RFC 6120).
    Client,
    /// A component of a server (XEP-0114).
    Component,
}

/// A XEP that the plugin follows.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Xep {
    /// Four digits.
    pub number: String,
    /// Version of the text that was followed.
    #[serde(default)]
    pub version: String,
    /// `complete` or `partial`.
    #[serde(default)]
    pub status: String,
    /// What is missing.
    #[serde(default)]
    pub note: String,
}

/// A disco identity (XEP-0030 §3.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Such as `client`.
    pub category: String,
    /// Such as `pc`.
    pub kind: String,
    /// For people.
    #[serde(default)]
    pub name: Option<String>,
}

/// Something that people can set.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: SettingType,
    /// Value until it is set.
    pub default: serde_json::Value,
    /// For people.
    pub label: String,
}

/// Type of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingType {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// Text.
    String,
}

impl SettingType {
    /// Whether a value has this type.
    pub fn accepts(self, value: &serde_json::Value) -> bool {
        match self {
            Self::Bool => value.is_boolean(),
            Self::Integer => value.is_i64(),
            Self::String => value.is_string(),
        }
    }
}

/// Which stanzas a hook wants.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Declaration {
    /// Values of the `type` attribute; empty: all but `error`.
    #[serde(default)]
    pub types: Vec<String>,
    /// Name of the payload element.
    pub element: Option<String>,
    /// Namespace of the payload element.
    pub namespace: Option<String>,
    /// Who may have sent it; nobody unless declared.
    #[serde(default)]
    pub from: Vec<Sender>,
    /// Payloads that are handed over too where present.
    #[serde(default)]
    pub with: Vec<Payload>,
    /// What happens to a message while the filter is down.
    #[serde(default)]
    pub policy: Policy,
}

/// An element of a message from which the host fills a field of the header.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderSource {
    /// The field.
    pub field: HeaderField,
    /// Local name of the element.
    pub element: String,
    /// Namespace of the element.
    pub namespace: String,
}

/// A field of the header that elements of a message fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderField {
    /// The time of sending, from the attribute `stamp`; it also tells that the message was
    /// kept by the server.
    Stamp,
    /// The id in an archive, from the attributes `id` and `by`.
    StanzaIds,
}

/// Name of a payload element.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// Local name.
    pub element: String,
    /// Namespace.
    pub namespace: String,
}

/// Who may have sent a stanza for a hook to see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sender {
    /// The account itself: its bare JID, or no `from` at all.
    Account,
    /// The account's server.
    Server,
    /// An entity that the plugin has asked something and that has not answered yet.
    Requested,
    /// An entity claimed as contact, room or occupant.
    ClaimedPeer,
    /// Anybody.
    Any,
}

/// What happens to a message while the filter that wants it is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// It goes on without the filter.
    #[default]
    Pass,
    /// It stops: incoming is kept from the handlers, outgoing stays in the outbox.
    Block,
}

fn client_only() -> Vec<Mode> {
    vec![Mode::Client]
}

impl Manifest {
    /// Reads and checks a manifest. Errors name the line or the declaration.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse =
            |message: String| Error::new(kind::BAD_REQUEST, format!("Manifest: {message}"));
        let manifest: Self = toml::from_str(text).map_err(|e| refuse(e.to_string()))?;
        if !valid_id(&manifest.id) {
            return Err(refuse(format!(
                "`id` is {:?}; it must be lower-case letters and digits, in words joined by single \
                 hyphens, at most {MAX_ID}",
                manifest.id
            )));
        }
        let wants_element: [(&str, &[Declaration]); 5] = [
            ("iq", &manifest.iq),
            ("message", &manifest.message),
            ("unwrap", &manifest.unwrap),
            ("decrypt", &manifest.decrypt),
            ("amend", &manifest.amend),
        ];
        for (hook, declarations) in wants_element {
            for (n, d) in declarations.iter().enumerate() {
                if d.element.is_none() || d.namespace.is_none() {
                    return Err(refuse(format!(
                        "[[{hook}]] number {}: `element` and `namespace` are needed",
                        n + 1
                    )));
                }
                if d.from.is_empty() {
                    return Err(refuse(format!(
                        "[[{hook}]] number {}: `from` is needed, such as [\"any\"]; undeclared means nobody",
                        n + 1
                    )));
                }
            }
        }
        if let Some((name, setting)) = manifest
            .settings
            .iter()
            .find(|(_, s)| !s.kind.accepts(&s.default))
        {
            return Err(refuse(format!(
                "settings.{name}: the default {} has another type",
                setting.default
            )));
        }
        Ok(manifest)
    }

    /// Whether the plugin is for this kind of profile.
    pub fn is_for(&self, mode: Mode) -> bool {
        self.modes.contains(&mode)
    }
}

/// Whether a text can be a plugin's id: `[a-z][a-z0-9]*(-[a-z0-9]+)*`. Ids have no `__`, so that
/// the names of their SQL tables can't collide.
pub fn valid_id(id: &str) -> bool {
    id.len() <= MAX_ID
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.split('-').all(|word| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for id in ["ping", "a1", "chat-rooms", "x-1"] {
            assert!(valid_id(id), "{id}");
        }
        for id in [
            "",
            "Ping",
            "1a",
            "a--b",
            "-a",
            "a-",
            "a_b",
            "a.b",
            &"a".repeat(41),
        ] {
            assert!(!valid_id(id), "{id}");
        }
    }

    #[test]
    fn errors_name_the_line() {
        let e =
            Manifest::parse("id = 'a'\nversion = '1'\nsummary = 's'\ncolour = 1\n").unwrap_err();
        assert!(e.message.contains("line 4"), "{e}");
        let head = "id = 'a'\nversion = '1'\nsummary = 's'\n";
        let e =
            Manifest::parse(&format!("{head}[[iq]]\nelement='x'\nnamespace='y'\n")).unwrap_err();
        assert!(e.message.contains("`from` is needed"), "{e}");
    }
}
