//! `jp profile`: accounts of this backend.

mod create;
mod key_file;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    arguments::guess,
    failure::Failure,
    json::{is_true, plain, text},
    secret::{Source, agrees, can_ask},
    session::Session,
    table::Table,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Profile {
    /// Create a profile for an XMPP account that exists
    Create(Box<create::Create>),
    /// List the profiles
    List,
    /// Open a profile with its password, for this and later commands
    Unlock {
        /// The profile, instead of --profile
        name: Option<String>,
        #[command(flatten)]
        password: Password,
    },
    /// Close a profile: its key leaves memory, its stream ends
    Lock {
        /// The profile, instead of --profile
        name: Option<String>,
    },
    /// Passwords that open a profile
    #[command(subcommand)]
    Password(PasswordCommand),
    /// Connect to the account's server
    Connect {
        /// The profile, instead of --profile
        name: Option<String>,
    },
    /// Disconnect from the account's server
    Disconnect {
        /// The profile, instead of --profile
        name: Option<String>,
    },
    /// Delete a profile with everything that it has here; the account stays on its server
    Delete {
        /// The profile
        name: String,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Make a profile the default one
    Default {
        /// The profile
        name: String,
    },
    /// Show the settings, or one, or set it
    Settings {
        /// Such as host.autoconnect
        name: Option<String>,
        /// The new value: JSON if it parses, else text
        #[arg(allow_negative_numbers = true)]
        value: Option<String>,
    },
}

/// Where the profile's password comes from, when it isn't asked for.
#[derive(Debug, Args)]
pub(crate) struct Password {
    /// Read the profile's password from this file descriptor
    #[arg(long, value_name = "N", conflicts_with = "passwords_stdin")]
    password_fd: Option<u32>,
    /// Read passwords from standard input, a line each: the profile's first
    #[arg(long)]
    passwords_stdin: bool,
}

impl Password {
    fn source(&self) -> Source {
        Source::new(self.passwords_stdin, self.password_fd)
    }

    /// Where a second password comes from.
    fn second(&self, descriptor: Option<u32>) -> Result<Source, Failure> {
        if descriptor.is_some() && descriptor == self.password_fd {
            let message = "Two passwords need two descriptors; or both come by --passwords-stdin";
            return Err(Failure::usage(message));
        }
        Ok(Source::new(self.passwords_stdin, descriptor))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum PasswordCommand {
    /// Add a password, or a key file for starting unattended; the others stay
    Add {
        /// The profile, instead of --profile
        name: Option<String>,
        /// Add this key file instead of a password; it is made when it isn't there
        #[arg(long, value_name = "FILE", conflicts_with = "new_password_fd")]
        key_file: Option<PathBuf>,
        /// What it is for
        #[arg(long)]
        label: Option<String>,
        #[command(flatten)]
        password: Password,
        /// Read the new password from this file descriptor
        #[arg(long, value_name = "N", conflicts_with = "passwords_stdin")]
        new_password_fd: Option<u32>,
    },
    /// Remove a password, or a key file; the last password stays
    Remove {
        /// The profile, instead of --profile
        name: Option<String>,
        /// Remove what this key file opens instead of a password
        #[arg(long, value_name = "FILE", conflicts_with_all = ["password_fd", "passwords_stdin"])]
        key_file: Option<PathBuf>,
        #[command(flatten)]
        password: Password,
    },
}

pub(crate) async fn run(session: &mut Session, command: Profile) -> Result<(), Failure> {
    match command {
        Profile::Create(create) => create::run(session, *create).await,
        Profile::List => list(session).await,
        Profile::Unlock { name, password } => {
            session.set_profile(name.as_deref());
            let mut shown = session.unlock(password.source()).await?;
            // The token is in its file: it doesn't belong on a terminal.
            if let Some(map) = shown.as_object_mut() {
                map.remove("token");
            }
            let name = Some(text(&shown, "profile")).filter(|name| !name.is_empty());
            let name = name.unwrap_or_else(|| session.profile().to_owned());
            let message = format!("Profile {name} is open");
            session.out.done(&shown, &message)
        }
        Profile::Lock { name } => {
            session.set_profile(name.as_deref());
            plainly(session, "profile.lock", "is locked").await?;
            session.forget();
            Ok(())
        }
        Profile::Password(command) => change_passwords(session, command).await,
        Profile::Connect { name } => {
            session.set_profile(name.as_deref());
            let result = session.call_profile("profile.connect", json!({})).await?;
            let message = format!("Profile {} is connected", session.profile());
            session.out.done(&result, &message)
        }
        Profile::Disconnect { name } => {
            session.set_profile(name.as_deref());
            plainly(session, "profile.disconnect", "is disconnected").await
        }
        Profile::Delete { name, yes } => {
            session.set_profile(Some(&name));
            if !yes {
                if !can_ask() {
                    return Err(Failure::usage(
                        "Without a terminal to ask on, deleting needs --yes",
                    ));
                }
                if !agrees(&format!("Delete profile {name} with all its messages?")) {
                    return Err(Failure::cancelled());
                }
            }
            plainly(session, "profile.delete", "is deleted").await?;
            session.forget();
            Ok(())
        }
        Profile::Default { name } => {
            session.set_profile(Some(&name));
            plainly(session, "profile.set_default", "is the default now").await
        }
        Profile::Settings { name, value } => settings(session, name, value).await,
    }
}

/// A method whose only parameter is the profile.
async fn plainly(session: &mut Session, method: &str, done: &str) -> Result<(), Failure> {
    let result = session.call_profile(method, json!({})).await?;
    let message = format!("Profile {} {done}", session.profile());
    session.out.done(&result, &message)
}

async fn list(session: &mut Session) -> Result<(), Failure> {
    let result = session.call("profile.list", json!({})).await?;
    session.out.result(&result, |out, result| {
        let mut table = Table::new(&["", "PROFILE", "JID", "STATE", "KEY", "ERROR"]);
        for profile in crate::json::list(result) {
            let key = match (
                is_true(profile, "unlocked"),
                is_true(profile, "empty_password"),
            ) {
                (true, _) => "open",
                (false, true) => "no password",
                (false, false) => "locked",
            };
            let error = profile
                .get("error")
                .map(|error| match error.get("message") {
                    Some(message) => plain(message),
                    None => plain(error),
                });
            table.row([
                if is_true(profile, "is_default") {
                    "*".into()
                } else {
                    String::new()
                },
                text(profile, "name"),
                text(profile, "jid"),
                text(profile, "state"),
                key.into(),
                error.unwrap_or_default(),
            ]);
        }
        out.table(
            &table,
            "There is no profile yet: `jp profile create NAME JID` makes one",
        )
    })
}

async fn change_passwords(session: &mut Session, command: PasswordCommand) -> Result<(), Failure> {
    let (result, message) = match command {
        PasswordCommand::Add {
            name,
            key_file,
            label,
            password,
            new_password_fd,
        } => {
            session.set_profile(name.as_deref());
            let second = password.second(new_password_fd)?;
            let old = password.source().read("A password that the profile has")?;
            let (key, new, done) = match key_file {
                Some(file) => {
                    let done = format!("Key file {} opens the profile", file.display());
                    (Some(key_file::read_or_make(&file)?), None, done)
                }
                None => {
                    let new = second.read_new("New password (may be empty)")?;
                    (None, Some(new.into_string()), "Password added".to_owned())
                }
            };
            let parameters = json!({
                "password": old.into_string(),
                "new_password": new,
                "key_file": key,
                "label": label,
            });
            let method = "profile.add_password";
            (session.call_profile(method, parameters).await?, done)
        }
        PasswordCommand::Remove {
            name,
            key_file,
            password,
        } => {
            session.set_profile(name.as_deref());
            let (parameters, done) = match key_file {
                Some(file) => (
                    json!({"key_file": key_file::read(&file)?}),
                    "Key file removed",
                ),
                None => {
                    let old = password.source().read("Password to remove")?;
                    (json!({"password": old.into_string()}), "Password removed")
                }
            };
            let method = "profile.remove_password";
            (
                session.call_profile(method, parameters).await?,
                done.to_owned(),
            )
        }
    };
    session.out.done(&result, &message)
}

async fn settings(
    session: &mut Session,
    name: Option<String>,
    value: Option<String>,
) -> Result<(), Failure> {
    let parts = match &name {
        Some(name) => Some(name.rsplit_once('.').ok_or_else(|| {
            Failure::usage(format!(
                "{name:?} isn't OWNER.NAME, such as host.autoconnect"
            ))
        })?),
        None => None,
    };
    if let (Some((owner, option)), Some(value)) = (parts, value) {
        let parameters = json!({"owner": owner, "name": option, "value": guess(&value)});
        let result = session
            .call_profile("profile.set_setting", parameters)
            .await?;
        return session
            .out
            .done(&result, &format!("{owner}.{option} is set"));
    }
    let result = session
        .call_profile("profile.get_settings", json!({}))
        .await?;
    let Some((owner, option)) = parts else {
        return session.out.result(&result, |out, result| {
            out.table(&settings_table(result), "There is no setting")
        });
    };
    let setting = result.get(owner).and_then(|all| all.get(option));
    let value = setting
        .and_then(|setting| setting.get("value"))
        .ok_or_else(|| {
            Failure::new("not-found", format!("There is no setting {owner}.{option}"))
        })?;
    session
        .out
        .result(value, |out, value| out.line(&plain(value)))
}

fn settings_table(settings: &Value) -> Table {
    let mut table = Table::new(&["SETTING", "VALUE", "DEFAULT", "ABOUT"]);
    for (owner, all) in settings.as_object().into_iter().flatten() {
        for (name, setting) in all.as_object().into_iter().flatten() {
            table.row([
                format!("{owner}.{name}"),
                text(setting, "value"),
                text(setting, "default"),
                text(setting, "label"),
            ]);
        }
    }
    table
}
