//! `jp plugin`: what the backend has loaded.

use clap::Subcommand;
use serde_json::json;

use crate::{
    failure::Failure,
    json::{list, text, time, words},
    session::Session,
    table::Table,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// List the plugins: loaded, switched off, refused
    List,
    /// Switch a plugin on again, for all profiles or for that of --profile
    Enable {
        /// Its id
        id: String,
    },
    /// Switch a plugin off, for all profiles or for that of --profile
    Disable {
        /// Its id
        id: String,
    },
    /// Show the newest lines of a plugin's log
    Logs {
        /// Its id
        id: String,
        /// At most so many lines
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
}

pub(crate) async fn run(session: &mut Session, command: Plugin) -> Result<(), Failure> {
    let profile = session.named_profile().map(str::to_owned);
    match command {
        Plugin::List => {
            let result = session.call("plugin.list", json!({})).await?;
            session.out.result(&result, |out, result| {
                let mut table = Table::new(&["PLUGIN", "VERSION", "STATE", "METHODS", "ABOUT"]);
                for plugin in list(result) {
                    let error = text(plugin, "error");
                    table.row([
                        text(plugin, "id"),
                        text(plugin, "version"),
                        text(plugin, "state"),
                        words(plugin, "methods"),
                        if error.is_empty() {
                            text(plugin, "summary")
                        } else {
                            error
                        },
                    ]);
                }
                out.table(&table, "No plugin is loaded")
            })
        }
        Plugin::Enable { id } => {
            let parameters = json!({"id": id, "profile": profile});
            let result = session.call("plugin.enable", parameters).await?;
            session.out.done(&result, &format!("Plugin {id} is on"))
        }
        Plugin::Disable { id } => {
            let parameters = json!({"id": id, "profile": profile});
            let result = session.call("plugin.disable", parameters).await?;
            session.out.done(&result, &format!("Plugin {id} is off"))
        }
        Plugin::Logs { id, limit } => {
            let parameters = json!({"id": id, "profile": profile, "limit": limit});
            let result = session.call("plugin.logs", parameters).await?;
            session.out.result(&result, |out, result| {
                for line in list(result) {
                    let of = text(line, "profile");
                    let of = if of.is_empty() { "-".to_owned() } else { of };
                    let head = format!("{} {} {of}", time(line, "at"), text(line, "level"));
                    out.entry(&head, &text(line, "message"))?;
                }
                Ok(())
            })
        }
    }
}
