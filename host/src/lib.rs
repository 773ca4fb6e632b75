//! The host: connections, profiles and storage. Every feature is a plugin.
//!
//! `wire` speaks XMPP streams, `store` keeps everything on disk, `plugin` loads and runs
//! components, `capability` is what they may ask of the host, `route` brings stanzas to them and
//! `profile` ties it together for one account. [`Backend`] is the door for the bridge.

pub mod backend;
mod capability;
pub mod clock;
pub mod config;
pub mod error;
pub mod events;
pub mod plugin;
pub mod profile;
pub mod random;
pub mod route;
pub mod store;
mod web;
pub mod wire;

pub use backend::{Backend, Options, PluginInfo, PluginOptions, Status};
pub use clock::Clock;
pub use error::{Error, Result};
pub use events::{Event, EventLog, Follower};
pub use plugin::{
    catalog::Catalog,
    loaded::{LoadedPlugin, Method},
    logs::LogLine,
};
pub use profile::{Profile, ProfileInfo, account::NewProfile};
pub use web::PlayedWeb;
