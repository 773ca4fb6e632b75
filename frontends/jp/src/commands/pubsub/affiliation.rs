//! `jp pubsub affiliation`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Place, Service, with};
use crate::{
    failure::Failure,
    json::{list, text},
    session::Session,
    table::Table,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Affiliation {
    /// List who is what to a node that one owns; without it, what one is to a service's nodes
    List {
        /// Name of the node
        node: Option<String>,
        #[command(flatten)]
        at: Service,
    },
    /// Set what somebody is to a node
    Set {
        #[command(flatten)]
        place: Place,
        /// Bare JID
        jid: String,
        /// What they are
        #[arg(value_parser = ["owner", "publisher", "publish-only", "member", "outcast", "none"])]
        affiliation: String,
    },
}

pub(crate) async fn run(session: &mut Session, command: Affiliation) -> Result<(), Failure> {
    match command {
        Affiliation::List { node, at } => {
            let parameters = json!({"service": at.service, "node": node});
            let all = session
                .call_profile("pubsub.affiliations", parameters)
                .await?;
            session.out.result(&all, |out, all| {
                out.table(&affiliations(all), "There is no affiliation")
            })
        }
        Affiliation::Set {
            place,
            jid,
            affiliation,
        } => {
            let what = json!({"jid": jid, "affiliation": affiliation});
            let done = session
                .call_profile("pubsub.set_affiliation", with(place.parameters(), what))
                .await?;
            let message = format!("{jid} is {affiliation} of {}", place.node);
            session.out.done(&done, &message)
        }
    }
}

fn affiliations(all: &Value) -> Table {
    let mut table = Table::new(&["NODE", "JID", "AFFILIATION"]);
    for one in list(all) {
        table.row(["node", "jid", "affiliation"].map(|field| text(one, field)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_affiliation_in_one_row() {
        let all = json!([{"node": "n", "jid": "a@b", "affiliation": "owner"}]);
        assert_eq!(affiliations(&all).lines()[1], "n     a@b  owner");
    }
}
