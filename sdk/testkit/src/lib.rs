//! Runs plugins as people do: in the real host, against an XMPP server, all in this process.
//!
//! A [`Stage`] is a backend with some plugins, a scripted server ([`sat_testserver`]) and a clock
//! that stands still until it is moved: a week passes in milliseconds, nothing touches a network,
//! and each run is the same as the last. A [`Play`] is a scenario as text, in the manner of
//! Prosody's scansion. The conformance suite ([`suite`]) asks of a plugin what the host asks of
//! all of them.
//!
//! ```no_run
//! # async fn example() -> Result<(), sat_testkit::Failure> {
//! use sat_testkit::{Play, Stage};
//!
//! let stage = Stage::new().plugin("target/wasm32-wasip2/release/ping.wasm");
//! let play = Play::parse("
//!     [Profile] Juliet
//!     Juliet connects
//!     Juliet calls ping.ping {\"to\": \"verona.lit\"}
//!     Juliet gets {\"jid\": \"verona.lit\"}
//! ")?;
//! play.run(stage).await
//! # }
//! ```

mod cache;
mod failure;
pub mod matching;
pub mod play;
mod stage;
pub mod suite;
mod web;

pub use failure::Failure;
pub use play::Play;
pub use sat_testserver as server;
pub use stage::{DOMAIN, Running, Stage};
pub use web::Web;

/// The permissions that a plugin file asks for, by its manifest: interfaces of the host, and
/// features of other plugins.
///
/// # Errors
/// When the file is no plugin.
pub fn permissions(file: &std::path::Path) -> Result<Vec<String>, Failure> {
    let manifest = sat_host::plugin::loaded::manifest(&std::fs::read(file)?)?;
    Ok(manifest.permissions.into_keys().collect())
}

/// Runs a scenario to its end on a runtime of its own.
///
/// # Errors
/// The scenario's failure.
pub fn block_on(scenario: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // Dropping deep trees of XML recurses.
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()?
        .block_on(scenario)
}
