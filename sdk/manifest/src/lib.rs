//! The manifest: what a plugin says of itself, as TOML in a custom section of its component.
//!
//! The host reads it before anything of a plugin runs, the SDK's macro when a plugin is built:
//! both with the rules of this crate.

mod http;
pub mod names;

pub use http::{HostPattern, Http};

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// Longest id of a plugin, in bytes.
pub const MAX_ID: usize = 40;

/// The largest plugin file that the backend loads, in bytes.
pub const MAX_FILE: usize = 32 << 20;

/// Interfaces of `sat:host` that reach nothing but the plugin's own and need no permission.
pub const FREE: [&str; 3] = ["features", "log", "settings"];

/// The hooks of `sat:plugin` whose stanzas are declared in a section of the manifest.
pub const DECLARED: [(&str, &str); 9] = [
    ("iq", "iq-handler"),
    ("message", "message-handler"),
    ("presence", "presence-handler"),
    ("presence-filter", "presence-filter"),
    ("unwrap", "unwrap-filter"),
    ("decrypt", "decrypt-filter"),
    ("amend", "amend-filter"),
    ("compose", "compose-filter"),
    ("seal", "seal-filter"),
];

/// What is wrong with a manifest, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Line of `plugin.toml`, from 1, where that can be said.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Invalid {}

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
    /// What it may reach of the web, for the interface `http`.
    #[serde(default)]
    pub http: Option<Http>,
    /// What people can set.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    /// Elements from which the host fills fields of the header.
    #[serde(default)]
    pub header: Vec<HeaderSource>,
    /// Which of the events that it receives it wants; of topics without a section, all.
    #[serde(default)]
    pub event: Vec<EventFilter>,
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

/// Which events of a topic a plugin wants.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventFilter {
    /// Such as `pubsub.changed`.
    pub topic: String,
    /// Field of the event → values, one of which it must have; all fields must fit.
    #[serde(rename = "where")]
    pub fields: BTreeMap<String, Vec<String>>,
}

impl EventFilter {
    /// Whether an event with this data is wanted. A list fits when one of its entries does.
    fn accepts(&self, data: &serde_json::Value) -> bool {
        self.fields.iter().all(|(field, values)| {
            let is_one = |found: &serde_json::Value| match found {
                serde_json::Value::String(text) => values.contains(text),
                other => values.contains(&other.to_string()),
            };
            match data.get(field) {
                Some(serde_json::Value::Array(all)) => all.iter().any(is_one),
                Some(found) => is_one(found),
                None => false,
            }
        })
    }
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
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let manifest: Self = toml::from_str(text).map_err(|e| Invalid {
            line: e.span().map(|span| line_at(text, span.start)),
            message: e.message().to_owned(),
        })?;
        manifest.check(&Lines(text))?;
        Ok(manifest)
    }

    fn check(&self, lines: &Lines<'_>) -> Result<(), Invalid> {
        if !valid_id(&self.id) {
            return lines.refuse_key("id", format!(
                "`id` is {:?}; it must be lower-case letters and digits, in words joined by single \
                 hyphens, at most {MAX_ID}",
                self.id
            ));
        }
        if !valid_version(&self.version) {
            return lines.refuse_key(
                "version",
                format!(
                    "`version` is {:?}; it must be a semantic version such as \"0.1.0\"",
                    self.version
                ),
            );
        }
        if self.summary.trim().is_empty() || self.summary.contains('\n') {
            return lines.refuse_key(
                "summary",
                "`summary` must be one line of text for people".into(),
            );
        }
        for (section, declarations) in self.declarations() {
            let incoming = matches!(section, "iq" | "message" | "unwrap" | "decrypt" | "amend");
            for (n, d) in declarations.iter().enumerate() {
                if incoming && (d.element.is_none() || d.namespace.is_none()) {
                    return lines.refuse_section(
                        section,
                        n,
                        format!(
                            "[[{section}]] number {}: `element` and `namespace` are needed",
                            n + 1
                        ),
                    );
                }
                if incoming && d.from.is_empty() {
                    return lines.refuse_section(section, n, format!(
                        "[[{section}]] number {}: `from` is needed, such as [\"any\"]; undeclared means nobody",
                        n + 1
                    ));
                }
            }
        }
        if self.http.as_ref().is_some_and(|http| http.hosts.is_empty()) {
            return lines.refuse(
                |line| line == "[http]",
                0,
                "[http]: `hosts` names no host; write hosts = [\"example.org\"]".into(),
            );
        }
        if let Some((name, setting)) = self
            .settings
            .iter()
            .find(|(_, s)| !s.kind.accepts(&s.default))
        {
            return lines.refuse(
                |line| line == format!("[settings.{name}]"),
                0,
                format!(
                    "settings.{name}: the default {} has another type",
                    setting.default
                ),
            );
        }
        Ok(())
    }

    /// Whether the plugin wants an event that it receives. `data` is JSON.
    pub fn wants_event(&self, topic: &str, data: &str) -> bool {
        let mut filters = self.event.iter().filter(|f| f.topic == topic).peekable();
        if filters.peek().is_none() {
            return true;
        }
        let data = serde_json::from_str(data).unwrap_or_default();
        filters.any(|f| f.accepts(&data))
    }

    /// The declarations of each section.
    pub fn declarations(&self) -> [(&'static str, &[Declaration]); 9] {
        [
            ("iq", &self.iq),
            ("message", &self.message),
            ("presence", &self.presence),
            ("presence-filter", &self.presence_filter),
            ("unwrap", &self.unwrap),
            ("decrypt", &self.decrypt),
            ("amend", &self.amend),
            ("compose", &self.compose),
            ("seal", &self.seal),
        ]
    }

    /// Compares the declarations with the hooks that the plugin has.
    ///
    /// # Errors
    /// A hook without a declaration, which would never be called, or the other way round.
    pub fn check_hooks(&self, has: impl Fn(&str) -> bool) -> Result<(), Invalid> {
        for ((section, declarations), (_, hook)) in self.declarations().into_iter().zip(DECLARED) {
            let message = match (declarations.is_empty(), has(hook)) {
                (false, false) => format!(
                    "[[{section}]] is declared, but the plugin has no {hook}: implement `{0}` and name it \
                     in `plugin!(…: {0})`, or take the section out",
                    trait_name(hook)
                ),
                (true, true) => format!(
                    "the plugin has a {hook}, but declares no [[{section}]], so it would never be called: \
                     declare which stanzas it wants, or take `{}` out of `plugin!(…)`",
                    trait_name(hook)
                ),
                _ => continue,
            };
            return Err(Invalid {
                line: None,
                message,
            });
        }
        Ok(())
    }

    /// Permissions that are asked for and of no use, where this is what the plugin uses. `xmpp`
    /// may be for the messages of a commit, which no import shows.
    pub fn unused<'a>(&'a self, uses: &'a [String]) -> impl Iterator<Item = &'a str> {
        let used = |name: &str| uses.iter().any(|used| used == name);
        let names = self.permissions.keys().map(String::as_str);
        names.filter(move |name| {
            !used(name) && !FREE.contains(name) && !(*name == "xmpp" && used("storage"))
        })
    }

    /// Compares the permissions with what the plugin uses: interfaces of the host (`storage`) and
    /// features of other plugins (`chat`, `acme.weather`).
    ///
    /// # Errors
    /// The first permission that is missing.
    pub fn check_uses<'a>(&self, uses: impl IntoIterator<Item = &'a str>) -> Result<(), Invalid> {
        for used in uses {
            if !FREE.contains(&used) && !self.permissions.contains_key(used) {
                let key = if used.contains('.') {
                    format!("\"{used}\"")
                } else {
                    used.to_owned()
                };
                return Err(Invalid {
                    line: None,
                    message: format!(
                        "the plugin uses `{used}` without permission: add `{key} = \"why\"` below [permissions]"
                    ),
                });
            }
            if used == "http" && self.http.is_none() {
                return Err(Invalid {
                    line: None,
                    message: "the plugin uses `http` and doesn't say where: add [http] with \
                              hosts = [\"example.org\"]"
                        .into(),
                });
            }
        }
        Ok(())
    }

    /// Hosts of the web that it may ask.
    pub fn http_hosts(&self) -> &[HostPattern] {
        self.http
            .as_ref()
            .map(|http| http.hosts.as_slice())
            .unwrap_or_default()
    }

    /// Compares the `[[event]]` sections with the topics that the plugin receives.
    ///
    /// # Errors
    /// The first section of a topic that it doesn't receive.
    pub fn check_events(&self, receives: impl Fn(&str) -> bool) -> Result<(), Invalid> {
        match self.event.iter().find(|filter| !receives(&filter.topic)) {
            None => Ok(()),
            Some(filter) => Err(Invalid {
                line: None,
                message: format!(
                    "[[event]] names the topic {}, which the plugin doesn't receive: export its \
                     `events` interface in the world, or take the section out",
                    filter.topic
                ),
            }),
        }
    }

    /// Whether the plugin is for this kind of profile.
    pub fn is_for(&self, mode: Mode) -> bool {
        self.modes.contains(&mode)
    }
}

/// The SDK's trait of a hook: `iq-handler` → `IqHandler`.
pub fn trait_name(hook: &str) -> String {
    hook.split('-')
        .flat_map(|word| {
            let mut chars = word.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(chars)
        })
        .collect()
}

/// The lines of a manifest, to say where a fault is.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn refuse(
        &self,
        is: impl Fn(&str) -> bool,
        nth: usize,
        message: String,
    ) -> Result<(), Invalid> {
        let mut found = self
            .0
            .lines()
            .enumerate()
            .filter(|(_, line)| is(line.trim()));
        let line = found.nth(nth).map(|(n, _)| n + 1);
        Err(Invalid { line, message })
    }

    /// At the line of a key.
    fn refuse_key(&self, key: &str, message: String) -> Result<(), Invalid> {
        let is = |line: &str| {
            line.split_once('=')
                .is_some_and(|(k, _)| k.trim().trim_matches('"') == key)
        };
        self.refuse(is, 0, message)
    }

    /// At the n-th section of a name.
    fn refuse_section(&self, section: &str, n: usize, message: String) -> Result<(), Invalid> {
        self.refuse(
            |line| line.starts_with(&format!("[[{section}]]")),
            n,
            message,
        )
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

/// Whether a text is a semantic version as far as plugins need it: three numbers, then anything
/// behind `-` or `+`.
pub fn valid_version(version: &str) -> bool {
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    let number = |n: &str| !n.is_empty() && n.len() <= 9 && n.bytes().all(|b| b.is_ascii_digit());
    numbers.split('.').count() == 3 && numbers.split('.').all(number)
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
mod tests;
