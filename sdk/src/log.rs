//! The plugin's log: `sat_sdk::info!("{} contacts", n)`, or with fields that can be searched for,
//! `sat_sdk::info!(jid = %jid, count = n, "contacts")`.
//!
//! A field is written behind the line as `name=value`: with `%` by its `Display`, with `?` by its
//! `Debug`, without either by its `Display` too.

pub use crate::bindings::sat::host::log::{Level, write};

/// Logs what helps to find a fault.
#[macro_export]
macro_rules! debug { ($($arg:tt)+) => { $crate::log_line!(Debug [] $($arg)+) } }
/// Logs what an administrator may want to know.
#[macro_export]
macro_rules! info { ($($arg:tt)+) => { $crate::log_line!(Info [] $($arg)+) } }
/// Logs what went wrong but was dealt with.
#[macro_export]
macro_rules! warn { ($($arg:tt)+) => { $crate::log_line!(Warn [] $($arg)+) } }
/// Logs a failure.
#[macro_export]
macro_rules! error { ($($arg:tt)+) => { $crate::log_line!(Error [] $($arg)+) } }

/// Takes the fields off, one after the other.
#[doc(hidden)]
#[macro_export]
macro_rules! log_line {
    ($level:ident [$($fields:tt)*] $name:ident = % $value:expr, $($rest:tt)+) => {
        $crate::log_line!($level [$($fields)* (" {}={}" $name $value)] $($rest)+)
    };
    ($level:ident [$($fields:tt)*] $name:ident = ? $value:expr, $($rest:tt)+) => {
        $crate::log_line!($level [$($fields)* (" {}={:?}" $name $value)] $($rest)+)
    };
    ($level:ident [$($fields:tt)*] $name:ident = $value:expr, $($rest:tt)+) => {
        $crate::log_line!($level [$($fields)* (" {}={}" $name $value)] $($rest)+)
    };
    ($level:ident [] $($arg:tt)+) => {
        $crate::log::write($crate::log::Level::$level, &::std::format!($($arg)+))
    };
    ($level:ident [$(($format:literal $name:ident $value:expr))+] $($arg:tt)+) => {{
        let mut line = ::std::format!($($arg)+);
        $(line.push_str(&::std::format!($format, ::std::stringify!($name), $value));)+
        $crate::log::write($crate::log::Level::$level, &line)
    }};
}
