//! XML as the stream carries it: reading, writing and building trees.

mod build;
mod read;
mod write;

pub use build::{Build, el};
pub use read::{Broken, XmlReader, parse};
pub use write::{header, write};
