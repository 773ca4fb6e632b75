//! What authors of Salut à Toi plugins link.
//!
//! A plugin is a type, the traits of the hooks that it needs, a `plugin.toml`, a `wit/` folder
//! when it offers a feature, and one line: `sat_sdk::plugin!(Type: IqHandler);`. See
//! `doc/plugin-guide.md`.

/// Bindings of `sat:host`, shared by every plugin and by this crate's helpers.
#[allow(missing_docs, clippy::all)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["wit/host", "wit/plugin"],
        inline: "package sat:sdk; world sdk { include sat:plugin/imports@0.1.0; import sat:plugin/filter-types@0.1.0; }",
        world: "sat:sdk/sdk",
        generate_all,
        generate_unused_types: true,
    });
}

pub mod datetime;
mod error;
pub mod forward;
mod hooks;
pub mod http;
pub mod jid;
pub mod log;
pub mod payload;
pub mod random;
pub mod rsm;
pub mod storage;
pub mod timers;
pub mod xml;
pub mod xmpp;

pub use bindings::sat::{
    host::{
        deliver, features, peers, secrets, settings,
        timers::Timer,
        types::{Error, Header, Json, PeerKind, StanzaError, StanzaId, Via},
    },
    plugin::filter_types::Verdict,
};
pub use hooks::*;
pub use minidom;
pub use sat_sdk_macros::plugin;
#[doc(hidden)]
pub use wit_bindgen;
