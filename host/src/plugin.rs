//! Plugins: WebAssembly components that are loaded, run and swapped.

mod actor;
pub(crate) mod bindings;
pub mod cache;
pub mod catalog;
pub mod engine;
pub mod folders;
pub(crate) mod instance;
pub(crate) mod linker;
pub mod loaded;
pub mod logs;
pub use sat_manifest as manifest;
pub use sat_manifest::names;
mod output;
pub(crate) mod quota;
pub mod values;
mod wasi;

/// Component values and function types, for those who pass them on unread.
pub(crate) use wasmtime::component::{Val, types::ComponentFunc};
