//! The commands: one file each.

pub(crate) mod blog;
pub(crate) mod call;
pub(crate) mod comments;
pub(crate) mod completion;
pub(crate) mod conversation;
pub(crate) mod disco;
pub(crate) mod events;
pub(crate) mod exit_codes;
pub(crate) mod help;
pub(crate) mod message;
pub(crate) mod ping;
pub(crate) mod plugin;
pub(crate) mod presence;
pub(crate) mod profile;
pub(crate) mod pubsub;
pub(crate) mod roster;

use crate::{
    cli::{Cli, Command},
    failure::Failure,
    session::Session,
};

/// Runs a command.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    let mut session = Session::new(cli.globals);
    let session = &mut session;
    match cli.command {
        Command::Profile(command) => profile::run(session, command).await,
        Command::Message(command) => message::run(session, command).await,
        Command::Conversation(command) => conversation::run(session, command).await,
        Command::Blog(command) => blog::run(session, command).await,
        Command::Comments(command) => comments::run(session, command).await,
        Command::Roster(command) => roster::run(session, command).await,
        Command::Presence(command) => presence::run(session, command).await,
        Command::Pubsub(command) => pubsub::run(session, command).await,
        Command::Ping(command) => ping::run(session, command).await,
        Command::Disco(command) => disco::run(session, command).await,
        Command::Plugin(command) => plugin::run(session, command).await,
        Command::Events(command) => events::run(session, command).await,
        Command::Call(command) => call::run(session, command).await,
        Command::Help(command) => help::run(session, command).await,
        Command::Completion(command) => completion::run(&command),
        Command::ExitCodes => exit_codes::run(session.out),
    }
}
