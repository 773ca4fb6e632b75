//! Creating profiles, their passwords, locking and unlocking.

use super::{
    Profile,
    session::{PASSWORD_CONTEXT, security},
    settings::{EMPTY_PASSWORD, HOST},
    vault::{KdfParams, Vault},
};
use crate::{
    Error, Result,
    error::kind,
    plugin::instance::Call,
    random::Random,
    store::{Account, ProfileDb},
};
use serde_json::Value;
use std::{
    path::Path,
    sync::{PoisonError, atomic::Ordering::SeqCst},
};
use xmpp_parsers::jid::BareJid;
use zeroize::Zeroizing;

/// Longest name of a profile, in bytes.
pub const MAX_NAME: usize = 64;

/// A profile to be created.
pub struct NewProfile {
    /// Its name.
    pub profile: String,
    /// Its own password; empty is allowed and no protection.
    pub password: String,
    /// The account's bare JID.
    pub jid: String,
    /// The account's password.
    pub jid_password: String,
    /// The server, instead of what DNS says.
    pub host: Option<String>,
    /// The port, instead of what DNS says.
    pub port: Option<u16>,
    /// `starttls` (default), `tls` or `plain`.
    pub security: Option<String>,
    /// PEM file with the certificate authorities to trust.
    pub ca_file: Option<String>,
}

impl NewProfile {
    /// Checks what can be checked without the network.
    pub(crate) fn check(&self) -> Result<BareJid> {
        let refuse = |m: String| Err(Error::new(kind::BAD_REQUEST, m));
        let name_fits = !self.profile.is_empty()
            && self.profile.len() <= MAX_NAME
            && !self.profile.starts_with(['@', '-', '.'])
            && self
                .profile
                .chars()
                .all(|c| !c.is_control() && !c.is_whitespace() && c != '/');
        if !name_fits {
            return refuse(format!(
                "profile: {:?} can't be a name: 1 to {MAX_NAME} bytes without spaces and slashes, not beginning with @, - or .",
                self.profile
            ));
        }
        let Ok(jid) = BareJid::new(&self.jid) else {
            return refuse(format!(
                "jid: {:?} is no bare JID, which looks like juliet@capulet.example",
                self.jid
            ));
        };
        if jid.node().is_none() {
            return refuse(format!("jid: {:?} has no name before the @", self.jid));
        }
        let word = self.security.as_deref().unwrap_or("starttls");
        security(word)?;
        if word == "plain" && !self.host.as_deref().is_some_and(is_loopback) {
            return refuse("security: \"plain\" sends everything readable, so it is only for a host on this machine: set host to localhost, 127.0.0.1 or ::1, or use \"starttls\"".into());
        }
        if let Some(file) = &self.ca_file
            && !Path::new(file).is_file()
        {
            return refuse(format!("ca_file: there is no file {file:?}"));
        }
        Ok(jid)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// Fills the database of a new profile.
pub(crate) async fn fill(
    db: &ProfileDb,
    folder: &str,
    new: NewProfile,
    params: KdfParams,
    random: &Random,
) -> Result<()> {
    let jid = new.check()?;
    let empty = new.password.is_empty();
    let resource = random.id(&format!("{}/resource", new.profile));
    let (vault, slot) = Vault::create(folder, Zeroizing::new(new.password), params).await?;
    let jid_password = Zeroizing::new(new.jid_password);
    db.set_account(Account {
        jid: jid.to_string(),
        host: new.host,
        port: new.port,
        security: new.security.unwrap_or_else(|| "starttls".into()),
        ca_file: new.ca_file,
        sealed_password: Some(vault.seal(PASSWORD_CONTEXT, jid_password.as_bytes())?),
        resource: format!("sat.{}", resource.chars().take(8).collect::<String>()),
    })
    .await?;
    db.setting_set(HOST, EMPTY_PASSWORD, &Value::Bool(empty).to_string())
        .await?;
    db.slot_insert(slot).await
}

impl Profile {
    /// Opens the profile with a password, which is checked also when it is open already.
    pub async fn unlock(&self, password: &str) -> Result<()> {
        let vault = self.open_vault(password).await?;
        self.opened(vault);
        Ok(())
    }

    /// Opens the profile with the contents of a key file.
    pub(crate) async fn unlock_with_file(&self, contents: &[u8]) -> Result<()> {
        let vault = Vault::unlock_with_file(&self.folder, &self.db.slots().await?, contents)?;
        self.opened(vault);
        Ok(())
    }

    fn opened(&self, vault: Vault) {
        if !self.is_unlocked() {
            self.set_vault(Some(vault));
            if let Some(me) = self.me.upgrade() {
                me.feed_receivers();
                me.fire_timers();
            }
        }
    }

    async fn open_vault(&self, password: &str) -> Result<Vault> {
        let slots = self.db.slots().await?;
        Vault::unlock(&self.folder, &slots, Zeroizing::new(password.to_owned())).await
    }

    /// Drops the key and the stream, for everybody.
    pub async fn lock(&self) -> Result<()> {
        self.disconnect().await?;
        self.set_vault(None);
        if let Some(me) = self.me.upgrade() {
            me.feed_receivers();
            me.fire_timers();
        }
        self.abort_instances();
        Ok(())
    }

    /// Adds a password that opens the profile too.
    pub async fn add_password(
        &self,
        password: &str,
        new_password: &str,
        label: Option<&str>,
    ) -> Result<()> {
        let vault = self.open_vault(password).await?;
        let slot = vault
            .password_slot(
                label.unwrap_or(""),
                Zeroizing::new(new_password.to_owned()),
                self.shared.kdf,
            )
            .await?;
        self.db.slot_insert(slot).await?;
        if new_password.is_empty() {
            self.set_empty_password(true).await?;
        }
        Ok(())
    }

    /// Lets the contents of a key file open the profile, for machines that boot alone.
    pub async fn add_key_file(&self, password: &str, label: &str, contents: &[u8]) -> Result<()> {
        let vault = self.open_vault(password).await?;
        self.db.slot_insert(vault.file_slot(label, contents)?).await
    }

    /// Lets the contents of a key file open the profile no longer.
    pub async fn remove_key_file(&self, contents: &[u8]) -> Result<()> {
        let slots = self.db.slots().await?;
        let (_, slot) = Vault::file_slot_of(&self.folder, &slots, contents)?;
        self.db.slot_delete(&slot).await
    }

    /// Removes a password; the last one stays.
    pub async fn remove_password(&self, password: &str) -> Result<()> {
        let slots = self.db.slots().await?;
        let slot =
            Vault::find_slot(&self.folder, &slots, Zeroizing::new(password.to_owned())).await?;
        if slots.iter().filter(|s| s.kind == "password").count() < 2 {
            return Err(Error::new(
                kind::CONFLICT,
                "This is the profile's only password: add another one first",
            ));
        }
        self.db.slot_delete(&slot).await?;
        if password.is_empty() {
            self.set_empty_password(false).await?;
        }
        Ok(())
    }

    async fn set_empty_password(&self, empty: bool) -> Result<()> {
        self.store_setting(HOST, EMPTY_PASSWORD, Value::Bool(empty))
            .await?;
        self.empty_password.store(empty, SeqCst);
        Ok(())
    }

    /// The XMPP password as it lies on disk.
    pub(super) fn sealed_password(&self) -> Result<Vec<u8>> {
        let sealed = self.sealed.read().unwrap_or_else(PoisonError::into_inner);
        sealed
            .clone()
            .ok_or_else(|| Error::new(kind::AUTH_FAILED, "The profile has no XMPP password"))
    }

    /// A plugin was dropped onto a profile that may be connected. One that replaces another
    /// version of itself has missed nothing.
    pub(crate) fn greet(&self, plugin: &str, replaces: bool) {
        let catalog = self.catalog();
        if let Some(plugin) = catalog
            .plugin(plugin)
            .filter(|p| p.hooks.contains_key("lifecycle"))
            && self.session.stream().is_some()
            && let Some(instance) = self.instance(plugin)
        {
            self.tell(instance, Call::Connected(replaces));
        }
    }
}
