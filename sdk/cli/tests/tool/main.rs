//! The tool as its users run it: from a folder outside of the repository, with the SDK that it
//! carries.

mod grow;
mod kit;
mod mistakes;
mod run;
mod sign;
mod templates;
