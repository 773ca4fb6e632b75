//! `jp disco`: what an entity is, can do and has.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    json::{list, plain, text, words},
    output::Output,
    session::Session,
    table::Table,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Disco {
    /// Identities, features and forms
    Info {
        /// JID; without it, the own server
        jid: Option<String>,
        /// A node of it
        #[arg(long)]
        node: Option<String>,
    },
    /// What belongs to it
    Items {
        /// JID; without it, the own server
        jid: Option<String>,
        /// A node of it
        #[arg(long)]
        node: Option<String>,
    },
}

pub(crate) async fn run(session: &mut Session, command: Disco) -> Result<(), Failure> {
    match command {
        Disco::Info { jid, node } => {
            let parameters = json!({"jid": jid, "node": node});
            let result = session.call_profile("disco.info", parameters).await?;
            session.out.result(&result, show_info)
        }
        Disco::Items { jid, node } => {
            let parameters = json!({"jid": jid, "node": node});
            let result = session.call_profile("disco.items", parameters).await?;
            session.out.result(&result, |out, result| {
                let mut table = Table::new(&["JID", "NODE", "NAME"]);
                for item in list(result) {
                    table.row([text(item, "jid"), text(item, "node"), text(item, "name")]);
                }
                out.table(&table, "It has no items")
            })
        }
    }
}

fn show_info(out: &Output, info: &Value) -> Result<(), Failure> {
    let of = |field: &str| info.get(field).map(list).unwrap_or_default();
    for identity in of("identities") {
        let name = text(identity, "name");
        let kind = format!(
            "{}/{} {name}",
            text(identity, "category"),
            text(identity, "kind")
        );
        out.line(&format!("identity  {}", kind.trim_end()))?;
    }
    for feature in of("features") {
        out.line(&format!("feature   {}", plain(feature)))?;
    }
    for form in of("forms") {
        out.line(&format!("form      {}", text(form, "form_type")))?;
        for field in form.get("fields").map(list).unwrap_or_default() {
            out.line(&format!(
                "          {} = {}",
                text(field, "var"),
                words(field, "values")
            ))?;
        }
    }
    Ok(())
}
