//! `jp help`: a method of the backend, or a command of `jp`.

use clap::{Args, CommandFactory};
use serde_json::json;

use crate::{
    cli::Cli,
    failure::Failure,
    output::{Output, note, raw},
    schema,
    session::Session,
    table::Table,
};

#[derive(Debug, Args)]
pub(crate) struct Help {
    /// A method (chat.send), the begin of its name (chat.), or a command (message send)
    words: Vec<String>,
}

pub(crate) async fn run(session: &mut Session, command: Help) -> Result<(), Failure> {
    if let Some(help) = of_command(&command.words) {
        return raw(help.trim_end());
    }
    let [name] = command.words.as_slice() else {
        return Err(Failure::usage(format!(
            "There is no command {}",
            command.words.join(" ")
        )));
    };
    let document = session.call("rpc.discover", json!({})).await?;
    if session.out.is_json() {
        let methods = document
            .get("methods")
            .map(crate::json::list)
            .unwrap_or_default();
        if let Some(method) = methods
            .iter()
            .find(|m| crate::json::text(m, "name") == *name)
        {
            return session.out.json(method);
        }
    }
    if let Some(text) = schema::describe(&document, name) {
        // Plugins wrote the words of it.
        return text.lines().try_for_each(|line| session.out.line(line));
    }
    let similar = schema::similar(&document, name);
    if !similar.is_empty() && similar.iter().all(|(method, _)| method.starts_with(name)) {
        return list(session.out, similar);
    }
    let failure = Failure::new("not-found", format!("There is no method {name}"));
    if !similar.is_empty() {
        let names: Vec<_> = similar.into_iter().map(|(name, _)| name).collect();
        note(&format!(
            "Methods with that in their name: {}",
            names.join(", ")
        ));
    }
    Err(failure)
}

fn list(out: Output, methods: Vec<(String, String)>) -> Result<(), Failure> {
    let mut table = Table::new(&["METHOD", "ABOUT"]);
    for (name, about) in methods {
        table.row([name, about]);
    }
    out.table(&table, "There is no method")
}

/// The help of a command, if the words are one.
fn of_command(words: &[String]) -> Option<String> {
    let mut command = Cli::command();
    command.build();
    let mut found = &mut command;
    for word in words {
        found = found.find_subcommand_mut(word)?;
    }
    Some(found.render_long_help().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(words: &str) -> Option<String> {
        of_command(
            &words
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn commands_and_methods_are_told_apart() {
        assert!(help("").unwrap().contains("jp call METHOD"));
        assert!(
            help("profile create")
                .unwrap()
                .contains("--jid-password-fd")
        );
        assert_eq!(help("chat.send"), None);
        assert_eq!(help("profile fly"), None);
    }
}
