//! Plugins: WebAssembly components that are loaded, run and swapped.

pub(crate) mod bindings;
