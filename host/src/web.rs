//! Requests to the web on behalf of plugins: which hosts and addresses they may reach
//! (`allow.rs`), what a request may be (`request.rs`), the way there (`net.rs`) and the exchange
//! with its redirects (`client.rs`). It knows HTTP and no plugin.

pub(crate) mod allow;
pub(crate) mod client;
pub(crate) mod net;
mod request;

pub use net::PlayedWeb;

#[cfg(test)]
mod tests;
