//! `jp pubsub`: nodes, their items, and the cache.

mod affiliation;
mod cache;
mod item;
mod node;
mod subscription;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{failure::Failure, json::text, output::note, session::Session};

#[derive(Debug, Subcommand)]
pub(crate) enum Pubsub {
    /// Nodes and their configuration
    #[command(subcommand)]
    Node(node::Node),
    /// Publish, read and take back items
    #[command(subcommand)]
    Item(item::Item),
    /// Subscriptions to nodes
    #[command(subcommand)]
    Subscription(subscription::Subscription),
    /// Who is what to nodes
    #[command(subcommand)]
    Affiliation(affiliation::Affiliation),
    /// Nodes that are followed, and their items here
    #[command(subcommand)]
    Cache(cache::Cache),
}

pub(crate) async fn run(session: &mut Session, command: Pubsub) -> Result<(), Failure> {
    match command {
        Pubsub::Node(command) => node::run(session, command).await,
        Pubsub::Item(command) => item::run(session, command).await,
        Pubsub::Subscription(command) => subscription::run(session, command).await,
        Pubsub::Affiliation(command) => affiliation::run(session, command).await,
        Pubsub::Cache(command) => cache::run(session, command).await,
    }
}

/// The service of a command. Without a group, since `jp pubsub node service` has one of that name.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Service {
    /// JID of the service; without it, the account itself (PEP)
    #[arg(short, long, value_name = "JID")]
    service: Option<String>,
}

/// The node of a command.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Name of the node
    node: String,
    #[command(flatten)]
    at: Service,
}

impl Place {
    /// The parameters that name the node.
    fn parameters(&self) -> Value {
        json!({"service": self.at.service, "node": self.node})
    }
}

/// Fields of a form.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A field of the form, such as access_model=open; may be given again, for a field of
    /// several values too
    #[arg(short, long = "option", value_name = "FIELD=VALUE", value_parser = option)]
    options: Vec<(String, String)>,
}

fn option(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(field, value)| (field.to_owned(), value.to_owned()))
        .ok_or_else(|| "write it as FIELD=VALUE".into())
}

/// Adds parameters to others.
fn with(mut parameters: Value, more: Value) -> Value {
    if let (Some(all), Value::Object(more)) = (parameters.as_object_mut(), more) {
        all.extend(more);
    }
    parameters
}

/// Says how to go on when there is more.
fn more(page: &Value, option: &str) {
    let cursor = text(page, "last");
    if !crate::json::is_true(page, "complete") && !cursor.is_empty() {
        note(&format!("There is more: {option} {cursor}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_fields_and_values() {
        assert_eq!(option("title=a=b"), Ok(("title".into(), "a=b".into())));
        assert!(option("title").is_err());
    }

    #[test]
    fn parameters_are_added() {
        let all = with(json!({"node": "n"}), json!({"id": 1}));
        assert_eq!(all, json!({"node": "n", "id": 1}));
    }
}
