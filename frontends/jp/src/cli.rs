//! The command line: what there is for all commands, and the list of them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    blog::Blog, call::Call, comments::Comments, completion::Completion, conversation::Conversation,
    disco::Disco, events::Events, help::Help, message::Message, ping::Ping, plugin::Plugin,
    presence::Presence, profile::Profile, pubsub::Pubsub, roster::Roster,
};

/// SàT on the command line.
#[derive(Debug, Parser)]
#[command(name = "jp", version, disable_help_subcommand = true, after_help = AFTER)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Every method of the backend can be called: `jp call METHOD key=value…`; `jp help METHOD` \
describes one.\nExit codes: `jp exit-codes`.";

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Globals {
    /// The profile to use [default: the backend's default profile]
    #[arg(short, long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Socket of the backend [env: SAT_SOCKET]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
    /// The sat.conf of the backend to use or to start
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Fail when the backend isn't running, instead of starting it
    #[arg(long, global = true)]
    pub(crate) no_start: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Accounts of this backend
    #[command(subcommand)]
    Profile(Profile),
    /// Send and read messages
    #[command(subcommand)]
    Message(Message),
    /// Conversations
    #[command(subcommand)]
    Conversation(Conversation),
    /// Publish and read blogs
    #[command(subcommand)]
    Blog(Blog),
    /// Comments on entries of blogs
    #[command(subcommand)]
    Comments(Comments),
    /// Contacts
    #[command(subcommand)]
    Roster(Roster),
    /// Who is there, and who may see whom
    #[command(subcommand)]
    Presence(Presence),
    /// Publish, subscribe, and read what was published
    #[command(subcommand)]
    Pubsub(Pubsub),
    /// Ask an entity whether it is there
    Ping(Ping),
    /// What an entity is, can do and has
    #[command(subcommand)]
    Disco(Disco),
    /// Plugins of the backend
    #[command(subcommand)]
    Plugin(Plugin),
    /// Follow events
    Events(Events),
    /// Call a method of the backend
    Call(Call),
    /// Describe a method of the backend, or a command
    Help(Help),
    /// Print the completion script of a shell
    Completion(Completion),
    /// Print what the exit codes mean
    ExitCodes,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn accepted() {
        for line in [
            "jp profile create juliet juliet@capulet.lit --host ::1 --port 5222 --security plain",
            "jp profile create juliet juliet@capulet.lit --password-fd 3 --jid-password-fd 4",
            "jp profile create juliet juliet@capulet.lit --passwords-stdin",
            "jp profile list --json",
            "jp profile unlock",
            "jp profile unlock juliet --password-fd 0",
            "jp -p juliet profile lock",
            "jp profile password add juliet --label phone",
            "jp profile password remove",
            "jp profile password add juliet --key-file juliet.key --password-fd 0",
            "jp profile password remove --key-file juliet.key",
            "jp profile connect juliet",
            "jp profile delete juliet --yes",
            "jp profile default juliet",
            "jp profile settings",
            "jp profile settings host.autoconnect true",
            "jp message send romeo@montague.lit Hello",
            "jp message send -p juliet romeo@montague.lit",
            "jp message history romeo@montague.lit --limit 3 --before x",
            "jp message search balcony --with romeo@montague.lit",
            "jp conversation list",
            "jp blog publish",
            "jp blog publish -",
            "jp blog publish Hello --title T --tag a --tag b --audience public --comments",
            "jp blog publish --file entry.md --lang de --attach https://m.lit/a.jpg",
            "jp blog edit x --title T --clear tags",
            "jp blog delete x --from pubsub.m.lit --node news",
            "jp blog get x --from romeo@montague.lit",
            "jp blog feed --tag a --since 2026-01-01T00:00:00Z --template {title}",
            "jp blog list romeo@montague.lit --limit 3",
            "jp blog search balcony",
            "jp blog import feed.xml --audience private",
            "jp blog export --output feed.xml",
            "jp blog follow romeo@montague.lit",
            "jp comments list x --from romeo@montague.lit",
            "jp comments add x Nice --from romeo@montague.lit",
            "jp roster add romeo@montague.lit --name Romeo --group A --group B",
            "jp roster update romeo@montague.lit --clear name",
            "jp presence set dnd --status Away --priority -1",
            "jp presence get",
            "jp presence approve romeo@montague.lit",
            "jp pubsub node list -s pubsub.montague.lit",
            "jp pubsub node create -s pubsub.montague.lit -o access_model=open",
            "jp pubsub node set musings -o title=Musings -o max_items=9",
            "jp pubsub node delete musings --redirect xmpp:a@b",
            "jp pubsub node service",
            "jp pubsub item publish musings <a/> --id 1 -o access_model=open",
            "jp pubsub item get musings --id 1 --id 2 --source cache",
            "jp pubsub item retract musings 1 2 --quietly",
            "jp pubsub subscription list",
            "jp pubsub subscription add musings --public",
            "jp pubsub affiliation set musings romeo@montague.lit owner",
            "jp pubsub cache follow musings -s romeo@montague.lit",
            "jp pubsub cache items --namespace urn:x --limit 3",
            "jp pubsub cache search balcony --node musings",
            "jp pubsub cache sync",
            "jp ping",
            "jp disco info montague.lit --node x",
            "jp plugin disable ping",
            "jp plugin logs ping --limit 5",
            "jp events chat.* --since start",
            "jp events",
            "jp call host.status",
            "jp call ping.ping to=montague.lit x:=-1 -p romeo",
            "jp message send romeo@montague.lit -p juliet -- -)",
            "jp help",
            "jp help chat.send",
            "jp help profile create",
            "jp completion fish",
            "jp exit-codes",
            "jp --socket /s --no-start --config /c ping",
        ] {
            parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn refused() {
        for line in [
            "jp",
            "jp nothing",
            "jp profile create juliet",
            "jp profile create juliet j@c --password secret",
            "jp profile create juliet j@c --security none",
            "jp profile create juliet j@c --password-fd 3 --passwords-stdin",
            "jp roster update romeo@montague.lit",
            "jp message history x --limit many",
            "jp completion cmd",
            "jp presence set invisible",
            "jp blog publish Hello --file entry.md",
            "jp blog publish --audience everybody",
            "jp blog delete",
        ] {
            let error = parse(line)
                .err()
                .unwrap_or_else(|| panic!("{line} was accepted"));
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
