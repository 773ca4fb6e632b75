//! The hooks as traits: implement those that the host shall call, and name them in `plugin!`.

use crate::{Error, Header, StanzaError, Timer, Verdict};

/// The life of a profile's stream. Every method has a default that does nothing.
#[allow(async_fn_in_trait)]
pub trait Lifecycle {
    /// The stream is there. `resumed`: nothing was lost since the last one (XEP-0198).
    async fn connected(resumed: bool) {
        let _ = resumed;
    }
    /// The stream is gone.
    async fn disconnected() {}
    /// Settings of this plugin have other values now.
    async fn settings_changed(names: Vec<String>) {
        let _ = names;
    }
    /// The profile's feature set has changed.
    async fn features_changed() {}
    /// The plugin is about to be taken out; the stream is still there, for two seconds.
    async fn unload() {}
}

macro_rules! hook {
    ($(#[$doc:meta])* $name:ident, $method:ident($($arg:ident: $ty:ty),*) -> $result:ty) => {
        $(#[$doc])*
        #[allow(async_fn_in_trait)]
        pub trait $name {
            $(#[$doc])*
            async fn $method($($arg: $ty),*) -> $result;
        }
    };
}

hook!(
    /// Answers the IQs that `[[iq]]` declares: the payload of the answer, nothing, or an error.
    IqHandler, on_iq(header: Header, payload: String) -> Result<Option<String>, StanzaError>
);
hook!(
    /// Sees the incoming messages that `[[message]]` declares, with their declared payloads.
    MessageHandler, on_message(header: Header, payloads: Vec<String>) -> Result<(), Error>
);
hook!(
    /// Sees the incoming presences that `[[presence]]` declares, with their declared payloads.
    PresenceHandler, on_presence(header: Header, payloads: Vec<String>) -> Result<(), Error>
);
hook!(
    /// Changes outgoing presences.
    PresenceFilter, on_presence(stanza: String) -> Result<String, Error>
);
hook!(
    /// Takes messages out of messages and feeds them to `deliver`.
    UnwrapFilter, unwrap(header: Header, stanza: String) -> Result<Verdict, Error>
);
hook!(
    /// Replaces an encrypted message by the clear one.
    DecryptFilter, decrypt(header: Header, stanza: String) -> Result<Verdict, Error>
);
hook!(
    /// Acts on messages about messages.
    AmendFilter, amend(header: Header, stanza: String) -> Result<Verdict, Error>
);
hook!(
    /// Adds elements to an outgoing message before it is committed.
    ComposeFilter, compose(stanza: String) -> Result<Verdict, Error>
);
hook!(
    /// Encrypts an outgoing message just before it is sent.
    SealFilter, seal(stanza: String) -> Result<Verdict, Error>
);

hook!(
    /// Hears of this plugin's timers when their time has come, at least once: after an error or a
    /// crash the timer comes again.
    TimerHandler, on_timer(timer: Timer) -> Result<(), Error>
);

/// What became of durable messages that this plugin sent, by stanza id.
#[allow(async_fn_in_trait)]
pub trait OutboxHandler {
    /// The server has them.
    async fn on_sent(ids: Vec<String>);
    /// It will not be sent.
    async fn on_failed(id: String, reason: Error);
}
