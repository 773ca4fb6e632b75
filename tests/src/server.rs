//! The server that most tests want: three accounts, and streams that need no TLS.

use crate::prosody::{Options, Prosody};
use std::ops::{Deref, DerefMut};

/// Accounts of every [`Server`].
const ACCOUNTS: [&str; 3] = ["romeo", "juliet", "mallory"];

/// A Prosody with accounts; dropping it ends it.
pub struct Server(Prosody);

/// The XMPP password of an account.
pub fn password(account: &str) -> String {
    format!("{account}-secret-of-xmpp")
}

impl Server {
    /// With the usual settings.
    pub fn plain() -> Self {
        Self::start(Options::default())
    }

    /// With settings of its own.
    pub fn start(mut options: Options) -> Self {
        options
            .extra
            .push_str("\nallow_unencrypted_plain_auth = true\n");
        options
            .modules
            .extend(["version", "time"].map(str::to_owned));
        let server = Self(Prosody::start(options));
        for account in ACCOUNTS {
            server.add_account(account, &password(account));
        }
        server
    }
}

impl Deref for Server {
    type Target = Prosody;

    fn deref(&self) -> &Prosody {
        &self.0
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Prosody {
        &mut self.0
    }
}
