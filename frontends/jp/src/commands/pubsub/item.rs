//! `jp pubsub item`.

use std::io::{self, IsTerminal, Read};

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Options, Place, more, with};
use crate::{
    failure::Failure,
    json::{is_true, list, text, time},
    output::{Output, note},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Item {
    /// Publish an item and print its id
    Publish {
        #[command(flatten)]
        place: Place,
        /// The payload, one element of XML; without it, standard input
        payload: Option<String>,
        /// Its id; without one, it is found
        #[arg(long)]
        id: Option<String>,
        #[command(flatten)]
        options: Options,
        /// Fail when there is no such node
        #[arg(long)]
        no_create: bool,
    },
    /// Show items of a node, the newest first
    Get {
        #[command(flatten)]
        place: Place,
        /// Only the item with this id; may be given again
        #[arg(long = "id", value_name = "ID")]
        ids: Vec<String>,
        /// At most so many items
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Those that are older than the one with this cursor
        #[arg(long, value_name = "CURSOR", conflicts_with = "after")]
        before: Option<String>,
        /// Those that are newer than the one with this cursor
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
        /// By what they are ordered
        #[arg(long, value_parser = ["creation", "modification"])]
        order: Option<String>,
        /// From where they are
        #[arg(long, value_parser = ["auto", "cache", "service"])]
        source: Option<String>,
    },
    /// Take items back
    Retract {
        #[command(flatten)]
        place: Place,
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
        /// Don't tell the subscribers
        #[arg(long)]
        quietly: bool,
    },
}

pub(crate) async fn run(session: &mut Session, command: Item) -> Result<(), Failure> {
    match command {
        Item::Publish {
            place,
            payload,
            id,
            options,
            no_create,
        } => {
            let payload = match payload {
                Some(payload) => payload,
                None => read_payload()?,
            };
            let item = json!({
                "id": id, "payload": payload, "options": options.options, "create": !no_create,
            });
            let done = session
                .call_profile("pubsub.publish", with(place.parameters(), item))
                .await?;
            session
                .out
                .result(&done, |out, done| out.line(&text(done, "id")))
        }
        Item::Get {
            place,
            ids,
            limit,
            before,
            after,
            order,
            source,
        } => {
            let which = json!({
                "ids": ids, "limit": limit, "before": before, "after": after, "order": order,
                "source": source,
            });
            let page = session
                .call_profile("pubsub.items", with(place.parameters(), which))
                .await?;
            session
                .out
                .result(&page, |out, page| show(out, page, false))?;
            if after.is_none() {
                more(&page, "--before");
            }
            Ok(())
        }
        Item::Retract {
            place,
            ids,
            quietly,
        } => {
            let which = json!({"ids": ids, "notify": !quietly});
            let done = session
                .call_profile("pubsub.retract", with(place.parameters(), which))
                .await?;
            session
                .out
                .done(&done, &format!("{} are taken back", ids.join(", ")))
        }
    }
}

fn read_payload() -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        note("Type the payload; Ctrl-D on a line of its own publishes it");
    }
    let mut payload = String::new();
    io::stdin()
        .read_to_string(&mut payload)
        .map_err(|error| Failure::internal("Standard input", error))?;
    if payload.trim().is_empty() {
        return Err(Failure::usage("The payload is empty"));
    }
    Ok(payload)
}

/// Shows a page of items; `mixed` names their nodes too.
pub(super) fn show(out: &Output, page: &Value, mixed: bool) -> Result<(), Failure> {
    let items = list(page);
    if items.is_empty() {
        note("There is no item");
    }
    for item in items {
        out.entry(&head(item, mixed), &text(item, "payload"))?;
    }
    Ok(())
}

fn head(item: &Value, mixed: bool) -> String {
    let mut head = format!("{} {}", time(item, "stamp"), text(item, "id"));
    let publisher = text(item, "publisher");
    if !publisher.is_empty() {
        head.push_str(&format!(" < {publisher}"));
        if !is_true(item, "verified") {
            head.push_str(" (says the service)");
        }
    }
    if mixed {
        head.push_str(&format!(
            " [{} {}]",
            text(item, "service"),
            text(item, "node")
        ));
    }
    if text(item, "updated") != text(item, "stamp") {
        head.push_str(" (changed)");
    }
    head.push(':');
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        let mut item = json!({
            "stamp": "2026-11-24T01:02:03.000Z", "updated": "2026-11-24T01:02:03.000Z",
            "id": "one", "service": "pubsub.m.lit", "node": "n", "verified": true,
        });
        assert_eq!(head(&item, false), "2026-11-24 01:02:03Z one:");
        item["publisher"] = "romeo@m.lit".into();
        assert_eq!(
            head(&item, false),
            "2026-11-24 01:02:03Z one < romeo@m.lit:"
        );
        item["verified"] = false.into();
        item["updated"] = "2026-11-25T01:02:03.000Z".into();
        let expected = "2026-11-24 01:02:03Z one < romeo@m.lit (says the service) \
                        [pubsub.m.lit n] (changed):";
        assert_eq!(head(&item, true), expected);
    }
}
