//! The door with a real backend behind it that has no plugins.

mod calls;
mod entry;
mod events;
mod support;
