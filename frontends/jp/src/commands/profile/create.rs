//! `jp profile create`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Password;
use crate::{failure::Failure, output::note, session::Session};

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

pub(super) async fn run(session: &mut Session, create: Create) -> Result<(), Failure> {
    let first = create.password.source();
    let second = create.password.second(create.jid_password_fd)?;
    let password = first.read_new("Password for the new profile (may be empty)")?;
    if password.is_empty() {
        note("An empty password protects nothing: who reads the files can use the account");
    }
    let jid_password = second.read(&format!("Password of the account {}", create.jid))?;
    let security = create
        .security
        .and_then(|security| security.to_possible_value());
    // The backend has another working directory.
    let ca_file = create
        .ca_file
        .map(|file| std::path::absolute(&file).unwrap_or(file));
    let mut parameters = json!({
        "profile": create.name,
        "password": password.into_string(),
        "jid": create.jid,
        "jid_password": jid_password.into_string(),
    });
    let options = [
        ("host", create.host.map(Value::from)),
        ("port", create.port.map(Value::from)),
        (
            "security",
            security.map(|word| Value::from(word.get_name())),
        ),
        (
            "ca_file",
            ca_file.map(|file| Value::from(file.to_string_lossy())),
        ),
    ];
    if let Some(map) = parameters.as_object_mut() {
        let given = options
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        map.extend(given);
    }
    let result = session.call("profile.create", parameters).await?;
    session
        .out
        .done(&result, &format!("Profile {} is created", create.name))
}
