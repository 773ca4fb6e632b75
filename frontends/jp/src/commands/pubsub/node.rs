//! `jp pubsub node`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Options, Place, Service, more, with};
use crate::{
    failure::Failure,
    json::{list, plain, text, words},
    session::Session,
    table::Table,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Node {
    /// List the nodes of a service
    List {
        #[command(flatten)]
        at: Service,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Those behind the node with this name
        #[arg(long, value_name = "NODE")]
        after: Option<String>,
    },
    /// Create a node and print its name
    Create {
        /// Its name; without one, the service finds it
        node: Option<String>,
        #[command(flatten)]
        at: Service,
        #[command(flatten)]
        options: Options,
    },
    /// Show the configuration of a node, or what new ones get
    Get {
        /// Name of the node
        node: Option<String>,
        #[command(flatten)]
        at: Service,
    },
    /// Change the configuration of a node
    Set {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        options: Options,
    },
    /// Delete all items of a node
    Purge {
        #[command(flatten)]
        place: Place,
    },
    /// Delete a node with its items
    Delete {
        #[command(flatten)]
        place: Place,
        /// Where it is now, an xmpp: URI
        #[arg(long, value_name = "URI")]
        redirect: Option<String>,
    },
    /// Show what a service can do, and can't
    Service {
        #[command(flatten)]
        at: Service,
    },
}

pub(crate) async fn run(session: &mut Session, command: Node) -> Result<(), Failure> {
    match command {
        Node::List { at, limit, after } => {
            let parameters = json!({"service": at.service, "limit": limit, "after": after});
            let page = session.call_profile("pubsub.nodes", parameters).await?;
            session.out.result(&page, |out, page| {
                out.table(&nodes(page), "There is no node")
            })?;
            more(&page, "--after");
            Ok(())
        }
        Node::Create { node, at, options } => {
            let parameters =
                json!({"service": at.service, "node": node, "options": options.options});
            let made = session
                .call_profile("pubsub.create_node", parameters)
                .await?;
            session
                .out
                .result(&made, |out, made| out.line(&text(made, "node")))
        }
        Node::Get { node, at } => {
            let parameters = json!({"service": at.service, "node": node});
            let fields = session
                .call_profile("pubsub.get_configuration", parameters)
                .await?;
            session.out.result(&fields, |out, fields| {
                out.table(&configuration(fields), "It has no configuration")
            })
        }
        Node::Set { place, options } => {
            let parameters = with(place.parameters(), json!({"options": options.options}));
            let done = session.call_profile("pubsub.configure", parameters).await?;
            session
                .out
                .done(&done, &format!("{} is configured", place.node))
        }
        Node::Purge { place } => {
            let done = session
                .call_profile("pubsub.purge", place.parameters())
                .await?;
            session.out.done(&done, &format!("{} is empty", place.node))
        }
        Node::Delete { place, redirect } => {
            let parameters = with(place.parameters(), json!({"redirect": redirect}));
            let done = session
                .call_profile("pubsub.delete_node", parameters)
                .await?;
            session
                .out
                .done(&done, &format!("{} is deleted", place.node))
        }
        Node::Service { at } => {
            let parameters = json!({"service": at.service});
            let info = session.call_profile("pubsub.service", parameters).await?;
            session.out.result(&info, |out, info| {
                out.line(&format!(
                    "{} ({})",
                    text(info, "service"),
                    text(info, "kind")
                ))?;
                out.line(&words(info, "features"))?;
                for missing in info.get("missing").map(list).unwrap_or_default() {
                    out.line(&format!("Missing: {}", plain(missing)))?;
                }
                Ok(())
            })
        }
    }
}

fn nodes(page: &Value) -> Table {
    let mut table = Table::new(&["NODE", "NAME"]);
    for node in list(page) {
        table.row([text(node, "node"), text(node, "name")]);
    }
    table
}

fn configuration(fields: &Value) -> Table {
    let mut table = Table::new(&["FIELD", "VALUE"]);
    for field in list(fields) {
        let part = |n: usize| field.get(n).map(plain).unwrap_or_default();
        table.row([part(0), part(1)]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_rows() {
        let fields = json!([["title", "Musings"], ["max_items", "20"]]);
        let lines = configuration(&fields).lines();
        assert_eq!(lines[1], "title      Musings");
        assert_eq!(lines[2], "max_items  20");
    }
}
