//! The host: connections, profiles and storage. Every feature is a plugin.

pub mod error;
pub mod plugin;

pub use error::{Error, Result};
