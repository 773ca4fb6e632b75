//! `jp profile`: accounts of this backend.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::{
    arguments::guess,
    failure::Failure,
    json::{is_true, plain, text},
    output::note,
    secret::{Source, agrees, can_ask},
    session::Session,
    table::Table,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Profile {
    /// Create a profile for an XMPP account that exists
    Create(Box<Create>),
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
        #[arg(allow_hyphen_values = true)]
        value: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The profile's name
    name: String,
    /// The account's bare JID
    jid: String,
    /// The server, instead of what DNS says
    #[arg(long)]
    host: Option<String>,
    /// The port, instead of what DNS says
    #[arg(long)]
    port: Option<u16>,
    /// How the stream is protected
    #[arg(long)]
    security: Option<Security>,
    /// Certificate authorities to trust, in PEM
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    password: Password,
    /// Read the account's password from this file descriptor
    #[arg(long, value_name = "N", conflicts_with = "passwords_stdin")]
    jid_password_fd: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Security {
    /// TLS begun within the stream (the default)
    Starttls,
    /// TLS from the start
    Tls,
    /// None: for servers on this machine only
    Plain,
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
    /// Add a password; the others stay
    Add {
        /// The profile, instead of --profile
        name: Option<String>,
        /// What it is for
        #[arg(long)]
        label: Option<String>,
        #[command(flatten)]
        password: Password,
        /// Read the new password from this file descriptor
        #[arg(long, value_name = "N", conflicts_with = "passwords_stdin")]
        new_password_fd: Option<u32>,
    },
    /// Remove a password; the last one stays
    Remove {
        /// The profile, instead of --profile
        name: Option<String>,
        #[command(flatten)]
        password: Password,
    },
}

pub(crate) async fn run(session: &mut Session, command: Profile) -> Result<(), Failure> {
    match command {
        Profile::Create(create) => self::create(session, *create).await,
        Profile::List => list(session).await,
        Profile::Unlock { name, password } => {
            session.set_profile(name.as_deref());
            let result = session.unlock(password.source()).await?;
            // The token is in its file: it doesn't belong on a terminal.
            let mut shown = result;
            if let Some(map) = shown.as_object_mut() {
                map.remove("token");
            }
            let message = format!("Profile {} is open", session.profile());
            session.out.done(&shown, &message)
        }
        Profile::Lock { name } => {
            session.set_profile(name.as_deref());
            session.forget();
            plainly(session, "profile.lock", "is locked").await
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
                    return Err(Failure::usage("Without a terminal to ask on, deleting needs --yes"));
                }
                if !agrees(&format!("Delete profile {name} with all its messages?")) {
                    return Err(Failure::cancelled());
                }
            }
            session.forget();
            plainly(session, "profile.delete", "is deleted").await
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

async fn create(session: &mut Session, create: Create) -> Result<(), Failure> {
    let first = create.password.source();
    let second = create.password.second(create.jid_password_fd)?;
    let password = first.read_new("Password for the new profile (may be empty)")?;
    if password.is_empty() {
        note("An empty password protects nothing: who reads the files can use the account");
    }
    let jid_password = second.read(&format!("Password of the account {}", create.jid))?;
    let security = create.security.and_then(|security| security.to_possible_value());
    // The backend has another working directory.
    let ca_file = create.ca_file.map(|file| std::path::absolute(&file).unwrap_or(file));
    let mut parameters = json!({
        "profile": create.name,
        "password": password.into_string(),
        "jid": create.jid,
        "jid_password": jid_password.into_string(),
    });
    let options = [
        ("host", create.host.map(Value::from)),
        ("port", create.port.map(Value::from)),
        ("security", security.map(|word| Value::from(word.get_name()))),
        ("ca_file", ca_file.map(|file| Value::from(file.to_string_lossy()))),
    ];
    if let Some(map) = parameters.as_object_mut() {
        let given = options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        map.extend(given);
    }
    let result = session.call("profile.create", parameters).await?;
    session.out.done(&result, &format!("Profile {} is created", create.name))
}

async fn list(session: &mut Session) -> Result<(), Failure> {
    let result = session.call("profile.list", json!({})).await?;
    session.out.result(&result, |out, result| {
        let mut table = Table::new(&["", "PROFILE", "JID", "STATE", "KEY", "ERROR"]);
        for profile in crate::json::list(result) {
            let key = match (is_true(profile, "unlocked"), is_true(profile, "empty_password")) {
                (true, _) => "open",
                (false, true) => "no password",
                (false, false) => "locked",
            };
            let error = profile.get("error").map(|error| match error.get("message") {
                Some(message) => plain(message),
                None => plain(error),
            });
            table.row([
                if is_true(profile, "is_default") { "*".into() } else { String::new() },
                text(profile, "name"),
                text(profile, "jid"),
                text(profile, "state"),
                key.into(),
                error.unwrap_or_default(),
            ]);
        }
        out.table(&table, "There is no profile yet: `jp profile create NAME JID` makes one")
    })
}

async fn change_passwords(session: &mut Session, command: PasswordCommand) -> Result<(), Failure> {
    let (result, message) = match command {
        PasswordCommand::Add { name, label, password, new_password_fd } => {
            session.set_profile(name.as_deref());
            let second = password.second(new_password_fd)?;
            let old = password.source().read("A password that the profile has")?;
            let new = second.read_new("New password (may be empty)")?;
            let parameters = json!({
                "password": old.into_string(),
                "new_password": new.into_string(),
                "label": label,
            });
            (session.call_profile("profile.add_password", parameters).await?, "Password added")
        }
        PasswordCommand::Remove { name, password } => {
            session.set_profile(name.as_deref());
            let old = password.source().read("Password to remove")?;
            let parameters = json!({"password": old.into_string()});
            (session.call_profile("profile.remove_password", parameters).await?, "Password removed")
        }
    };
    session.out.done(&result, message)
}

async fn settings(
    session: &mut Session,
    name: Option<String>,
    value: Option<String>,
) -> Result<(), Failure> {
    let parts = match &name {
        Some(name) => Some(name.rsplit_once('.').ok_or_else(|| {
            Failure::usage(format!("{name:?} isn't OWNER.NAME, such as host.autoconnect"))
        })?),
        None => None,
    };
    if let (Some((owner, option)), Some(value)) = (parts, value) {
        let parameters = json!({"owner": owner, "name": option, "value": guess(&value)});
        let result = session.call_profile("profile.set_setting", parameters).await?;
        return session.out.done(&result, &format!("{owner}.{option} is set"));
    }
    let result = session.call_profile("profile.get_settings", json!({})).await?;
    let Some((owner, option)) = parts else {
        return session.out.result(&result, |out, result| {
            out.table(&settings_table(result), "There is no setting")
        });
    };
    let setting = result.get(owner).and_then(|all| all.get(option));
    let value = setting.and_then(|setting| setting.get("value")).ok_or_else(|| {
        Failure::new("not-found", format!("There is no setting {owner}.{option}"))
    })?;
    session.out.result(value, |out, value| out.line(&plain(value)))
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
