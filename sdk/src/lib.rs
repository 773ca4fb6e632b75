//! What authors of Salut à Toi plugins link.
//!
//! A plugin is a type, the traits of the hooks that it needs, a `plugin.toml`, a `wit/` folder
//! when it offers a feature, and one line: `sat_sdk::plugin!(Type: IqHandler);`. See
//! `doc/plugin-guide.md`.

/// Bindings of `sat:host`, shared by every plugin and by this crate's helpers. Their functions
/// end the process outside of wasm: `bindings` are for use.
#[doc(hidden)]
#[allow(missing_docs, clippy::all)]
pub mod generated {
    wit_bindgen::generate!({
        path: ["wit/host", "wit/plugin"],
        inline: "package sat:sdk; world sdk { include sat:plugin/imports@0.1.0; import sat:plugin/filter-types@0.1.0; }",
        world: "sat:sdk/sdk",
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq],
    });
}

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub use generated as bindings;
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
pub use native as bindings;

pub mod datetime;
pub mod delay;
mod error;
pub mod forms;
pub mod forward;
pub mod fts;
mod header;
mod hooks;
pub mod http;
pub mod jid;
pub mod log;
#[cfg(all(feature = "mock", not(target_family = "wasm")))]
pub mod mock;
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
pub mod native;
pub mod payload;
pub mod pubsub;
pub mod random;
pub mod rsm;
pub mod settings;
pub mod stanza;
pub mod storage;
pub mod timers;
pub mod uri;
pub mod xml;
pub mod xmpp;

pub use bindings::sat::{
    host::{
        deliver, features, peers, secrets,
        timers::Timer,
        types::{Error, Header, Json, PeerKind, StanzaError, StanzaId, Via},
    },
    plugin::filter_types::Verdict,
};
pub use error::OrLog;
pub use hooks::*;
pub use minidom;
pub use sat_sdk_macros::plugin;
#[doc(hidden)]
pub use wit_bindgen;
