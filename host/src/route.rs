//! Routing: who gets which stanza, in which order, and what becomes of it on the way.

pub mod header;
pub mod incoming;
pub mod iq;
pub mod lanes;
pub mod matcher;
pub mod outbox;
pub mod outgoing;
pub mod peers;
pub mod stanza;
