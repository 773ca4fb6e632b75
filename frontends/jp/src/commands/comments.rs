//! `jp comments`: comments on entries of blogs.

use clap::Subcommand;
use serde_json::json;

use super::blog::{At, draft::FORMATS, show, source};
use crate::{
    failure::Failure,
    json::{is_true, list, text, time},
    output::{more, note},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Comments {
    /// Comment on an entry, and print the comment's id
    Add {
        /// Id of the entry
        id: String,
        /// The comment; without it, standard input
        body: Option<String>,
        #[command(flatten)]
        at: At,
        /// What the comment is [default: text]
        #[arg(long, value_parser = FORMATS)]
        format: Option<String>,
    },
    /// Show the comments on an entry, newest first
    List {
        /// Id of the entry
        id: String,
        #[command(flatten)]
        at: At,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Those before this cursor
        #[arg(long, value_name = "CURSOR")]
        before: Option<String>,
    },
    /// Keep the comments on an entry, and tell of new ones
    Watch {
        /// Id of the entry
        id: String,
        #[command(flatten)]
        at: At,
    },
}

pub(crate) async fn run(session: &mut Session, command: Comments) -> Result<(), Failure> {
    match command {
        Comments::Add {
            id,
            body,
            at,
            format,
        } => {
            let body = match body {
                Some(body) if body != "-" => body,
                _ => source::input()?,
            };
            let parameters = json!({"service": at.from, "node": at.node, "id": id,
                "body": body.trim_end(), "format": format, "extra": []});
            let result = session.call_profile("comments.add", parameters).await?;
            session
                .out
                .result(&result, |out, result| out.line(&text(result, "id")))
        }
        Comments::List {
            id,
            at,
            limit,
            before,
        } => {
            let parameters = json!({"service": at.from, "node": at.node, "id": id,
                "limit": limit, "before": before, "extra": []});
            let page = session.call_profile("comments.list", parameters).await?;
            session.out.result(&page, |out, page| {
                if list(page).is_empty() {
                    note("There is no comment");
                }
                list(page).iter().try_for_each(|comment| {
                    let mut from = show::author(comment);
                    let author = comment.get("author").unwrap_or(comment);
                    if !is_true(author, "verified") {
                        from.push_str(" (unverified)");
                    }
                    let head = format!("{} {from}:", time(comment, "published"));
                    out.entry(&head, &text(comment, "text"))
                })
            })?;
            more(&page, "last", "--before");
            Ok(())
        }
        Comments::Watch { id, at } => {
            let parameters = json!({"service": at.from, "node": at.node, "id": id, "extra": []});
            let result = session.call_profile("comments.watch", parameters).await?;
            let message = format!("Watched: {} comments", text(&result, "count"));
            session.out.done(&result, &message)
        }
    }
}
