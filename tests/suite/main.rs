//! Scenarios on a real server.

mod blog;
mod crash;
mod events;
mod foreign;
mod hostile_plugins;
mod hostile_stanzas;
mod http;
mod iq;
mod messages;
mod offline;
mod permissions;
mod plugins;
mod pubsub;
mod secrets;
mod storage;
mod timers;
