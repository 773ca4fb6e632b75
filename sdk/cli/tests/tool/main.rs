//! The tool as its users run it: from a folder outside of the repository, with the SDK that it
//! carries.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is a test"
)]

mod examples;
mod grow;
mod kit;
mod mistakes;
mod reference;
mod run;
mod sign;
mod templates;
