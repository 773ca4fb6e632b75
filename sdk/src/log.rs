//! The plugin's log: `sat_sdk::info!("{} contacts", n)`.

pub use crate::bindings::sat::host::log::{Level, write};

/// Logs what helps to find a fault.
#[macro_export]
macro_rules! debug { ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Debug, &format!($($arg)*)) } }
/// Logs what an administrator may want to know.
#[macro_export]
macro_rules! info { ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Info, &format!($($arg)*)) } }
/// Logs what went wrong but was dealt with.
#[macro_export]
macro_rules! warn { ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Warn, &format!($($arg)*)) } }
/// Logs a failure.
#[macro_export]
macro_rules! error { ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Error, &format!($($arg)*)) } }
