//! `jp pubsub cache`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Place, item, more, with};
use crate::{
    failure::Failure,
    json::{is_true, list, text, time},
    session::Session,
    table::Table,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Keep a node here from now on
    Follow {
        #[command(flatten)]
        place: Place,
    },
    /// Don't keep a node any more
    Unfollow {
        #[command(flatten)]
        place: Place,
        /// Leave its items where they are
        #[arg(long)]
        keep: bool,
    },
    /// List the nodes that are kept
    Nodes {
        /// Only those of this service
        #[arg(short, long, value_name = "JID")]
        service: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Those behind this cursor
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
    },
    /// Show items of all nodes, the newest first
    Items {
        #[command(flatten)]
        filter: Filter,
        /// Only with this name of the payload's element
        #[arg(long, value_name = "NAME")]
        element: Option<String>,
    },
    /// Find items by the words of their text, the newest first
    Search {
        /// Words that must all occur; "…" is a phrase
        text: String,
        #[command(flatten)]
        filter: Filter,
    },
    /// Compare followed nodes with their services
    Sync {
        /// Only this node; without it, all
        node: Option<String>,
        /// Only at this service; with a node and without it, the account itself
        #[arg(short, long, value_name = "JID")]
        service: Option<String>,
    },
}

/// Which items.
#[derive(Debug, clap::Args)]
pub(crate) struct Filter {
    /// Only at this service
    #[arg(short, long, value_name = "JID")]
    service: Option<String>,
    /// Only of nodes with this name
    #[arg(long)]
    node: Option<String>,
    /// Only with this namespace of the payload
    #[arg(long, value_name = "NS")]
    namespace: Option<String>,
    /// At most so many items
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Those that are older than the one with this cursor
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
}

impl Filter {
    fn parameters(self) -> Value {
        json!({
            "service": self.service, "node": self.node, "namespace": self.namespace,
            "limit": self.limit, "before": self.before,
        })
    }
}

pub(crate) async fn run(session: &mut Session, command: Cache) -> Result<(), Failure> {
    match command {
        Cache::Follow { place } => {
            let node = session
                .call_profile("pubsub.follow", place.parameters())
                .await?;
            let all = if is_true(&node, "complete") {
                ""
            } else {
                ", and more will come"
            };
            let items = text(&node, "items");
            let message = format!("{} is followed: {items} items{all}", place.node);
            session.out.done(&node, &message)
        }
        Cache::Unfollow { place, keep } => {
            let parameters = with(place.parameters(), json!({"keep": keep}));
            let done = session.call_profile("pubsub.unfollow", parameters).await?;
            session
                .out
                .done(&done, &format!("{} is not followed", place.node))
        }
        Cache::Nodes {
            service,
            limit,
            after,
        } => {
            let parameters = json!({"service": service, "limit": limit, "after": after});
            let page = session.call_profile("pubsub.followed", parameters).await?;
            session.out.result(&page, |out, page| {
                out.table(&nodes(page), "No node is kept")
            })?;
            more(&page, "--after");
            Ok(())
        }
        Cache::Items { filter, element } => {
            let parameters = with(filter.parameters(), json!({"element": element}));
            let page = session.call_profile("pubsub.cached", parameters).await?;
            show(session, &page)
        }
        Cache::Search { text, filter } => {
            let parameters = with(filter.parameters(), json!({"text": text}));
            let page = session.call_profile("pubsub.search", parameters).await?;
            show(session, &page)
        }
        Cache::Sync { node, service } => {
            let parameters = json!({"service": service, "node": node});
            let found = session.call_profile("pubsub.sync", parameters).await?;
            let message = format!(
                "{} nodes compared, {} failed; {} items changed, {} taken back",
                text(&found, "nodes"),
                text(&found, "failed"),
                text(&found, "changed"),
                text(&found, "retracted"),
            );
            session.out.done(&found, &message)
        }
    }
}

fn show(session: &mut Session, page: &Value) -> Result<(), Failure> {
    session
        .out
        .result(page, |out, page| item::show(out, page, true))?;
    more(page, "--before");
    Ok(())
}

fn nodes(page: &Value) -> Table {
    let mut table = Table::new(&["SERVICE", "NODE", "WHY", "ITEMS", "COMPARED", "ERROR"]);
    for node in list(page) {
        let mut items = text(node, "items");
        if !is_true(node, "complete") {
            items.push('+');
        }
        table.row([
            text(node, "service"),
            text(node, "node"),
            text(node, "reason"),
            items,
            time(node, "synced"),
            text(node, "error"),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_in_one_row() {
        let page = json!({"items": [{
            "service": "p.m.lit", "node": "n", "reason": "follow", "items": 3,
            "complete": false, "synced": "2026-11-24T01:02:03.000Z", "error": null,
        }]});
        assert_eq!(
            nodes(&page).lines()[1].trim_end(),
            "p.m.lit  n     follow  3+     2026-11-24 01:02:03Z"
        );
    }
}
