//! `jp blog`: publishes and reads blogs.

pub(crate) mod draft;
mod publish;
pub(crate) mod show;
pub(crate) mod source;

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::{
    failure::Failure,
    json::{is_true, list, text},
    output::{more, note, raw},
    session::Session,
    table::Table,
};
use draft::{AUDIENCES, FORMATS};
use show::Look;

#[derive(Debug, Subcommand)]
pub(crate) enum Blog {
    /// Publish an entry and print its id
    #[command(after_help = draft::HELP)]
    Publish {
        #[command(flatten)]
        content: Content,
        #[command(flatten)]
        at: At,
        /// For whom the blog is, if this is its first entry [default: contacts]
        #[arg(long, value_parser = AUDIENCES)]
        audience: Option<String>,
        /// Let people comment
        #[arg(long)]
        comments: bool,
        /// Your name for people
        #[arg(long)]
        name: Option<String>,
        /// Id of the entry
        #[arg(long)]
        id: Option<String>,
    },
    /// Change an entry; without options, in an editor
    Edit {
        /// Id of the entry
        id: String,
        #[command(flatten)]
        content: Content,
        #[command(flatten)]
        at: At,
        /// Empty a field
        #[arg(long, value_name = "FIELD", value_parser = ["title", "tags", "lang", "attachments"])]
        clear: Vec<String>,
    },
    /// Delete an entry
    Delete {
        /// Id of the entry
        id: String,
        #[command(flatten)]
        at: At,
    },
    /// Repeat somebody's entry in your blog
    Repeat {
        /// Id of the entry
        id: String,
        #[command(flatten)]
        at: At,
        /// Your own words on it
        #[arg(long)]
        body: Option<String>,
    },
    /// Show an entry
    Get {
        /// Id of the entry
        id: String,
        #[command(flatten)]
        at: At,
        /// Language to show
        #[arg(long)]
        lang: Option<String>,
        #[command(flatten)]
        look: Look,
    },
    /// List what your contacts, the blogs that you follow and you have published
    Feed {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        look: Look,
    },
    /// List the entries of a blog
    List {
        /// JID of whose blog it is, or of a service [default: your own]
        jid: Option<String>,
        /// Its node [default: the person's own blog]
        #[arg(long)]
        node: Option<String>,
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        look: Look,
    },
    /// Find entries of the feed by their words
    Search {
        /// Words that must all occur; "…" is a phrase
        text: String,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Those before this cursor
        #[arg(long, value_name = "CURSOR")]
        before: Option<String>,
        #[command(flatten)]
        look: Look,
    },
    /// Publish the entries of an Atom document
    Import {
        /// The document; - is standard input
        file: PathBuf,
        #[command(flatten)]
        at: At,
        /// For whom the blog is, if it is new [default: contacts]
        #[arg(long, value_parser = AUDIENCES)]
        audience: Option<String>,
    },
    /// Write the entries of a blog as an Atom document
    Export {
        /// JID of whose blog it is, or of a service [default: your own]
        jid: Option<String>,
        /// Its node [default: the person's own blog]
        #[arg(long)]
        node: Option<String>,
        /// The file to write; without it, standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Entries before this cursor
        #[arg(long, value_name = "CURSOR")]
        before: Option<String>,
    },
    /// Keep a blog in the feed; those of contacts are there by themselves
    Follow {
        /// JID of whose blog it is, or of a service
        jid: String,
        /// Its node [default: the person's own blog]
        #[arg(long)]
        node: Option<String>,
    },
    /// End that
    Unfollow {
        /// JID of whose blog it is, or of a service
        jid: String,
        /// Its node [default: the person's own blog]
        #[arg(long)]
        node: Option<String>,
    },
    /// List the blogs of the feed
    Followed,
}

/// Where an entry is.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// JID of whose blog it is, or of a service [default: your own]
    #[arg(long, value_name = "JID")]
    pub(crate) from: Option<String>,
    /// Node of the blog [default: the person's own blog]
    #[arg(long)]
    pub(crate) node: Option<String>,
}

/// What is in an entry.
#[derive(Debug, Args)]
pub(crate) struct Content {
    /// The text; - is standard input. Without it and without --file, an editor
    pub(crate) body: Option<String>,
    /// The text, from a file
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    pub(crate) file: Option<PathBuf>,
    /// Title; short posts have none
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// What the text is [default: text, of a file by its name]
    #[arg(long, value_parser = FORMATS)]
    pub(crate) format: Option<String>,
    /// A tag; may be given again
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Language of the text
    #[arg(long)]
    pub(crate) lang: Option<String>,
    /// URL of a file that belongs to it; may be given again
    #[arg(long = "attach", value_name = "URL")]
    pub(crate) attachments: Vec<String>,
}

/// Which entries.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Only those with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only those published since then
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those published before
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only those in this language
    #[arg(long)]
    lang: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Those before this cursor
    #[arg(long, value_name = "CURSOR", conflicts_with = "after")]
    before: Option<String>,
    /// Those after this cursor
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

impl Filter {
    fn parameters(&self) -> Map<String, Value> {
        let fields = [
            ("tag", json!(self.tag)),
            ("since", json!(self.since)),
            ("until", json!(self.until)),
            ("lang", json!(self.lang)),
            ("limit", json!(self.limit)),
            ("before", json!(self.before)),
            ("after", json!(self.after)),
            ("extra", json!([])),
        ];
        fields.map(|(k, v)| (k.to_owned(), v)).into_iter().collect()
    }
}

pub(crate) async fn run(session: &mut Session, command: Blog) -> Result<(), Failure> {
    match command {
        Blog::Publish {
            content,
            at,
            audience,
            comments,
            name,
            id,
        } => {
            let more = publish::More {
                audience,
                comments,
                name,
                id,
            };
            publish::publish(session, content, at, more).await
        }
        Blog::Edit {
            id,
            content,
            at,
            clear,
        } => publish::edit(session, id, content, at, clear).await,
        Blog::Delete { id, at } => {
            let parameters = entry(&id, &at);
            let result = session
                .call_profile("blog.delete", parameters.into())
                .await?;
            session.out.done(&result, &format!("{id} is deleted"))
        }
        Blog::Repeat { id, at, body } => {
            let mut parameters = entry(&id, &at);
            parameters.insert("body".into(), json!(body));
            let result = session
                .call_profile("blog.repeat", parameters.into())
                .await?;
            session
                .out
                .result(&result, |out, result| out.line(&text(result, "id")))
        }
        Blog::Get { id, at, lang, look } => {
            let mut parameters = entry(&id, &at);
            parameters.insert("lang".into(), json!(lang));
            let result = session.call_profile("blog.get", parameters.into()).await?;
            session
                .out
                .result(&result, |out, entry| look.entry(out, entry))
        }
        Blog::Feed { filter, look } => page(session, "blog.feed", filter.parameters(), &look).await,
        Blog::List {
            jid,
            node,
            filter,
            look,
        } => {
            let mut parameters = filter.parameters();
            parameters.insert("service".into(), json!(jid));
            parameters.insert("node".into(), json!(node));
            page(session, "blog.list", parameters, &look).await
        }
        Blog::Search {
            text,
            limit,
            before,
            look,
        } => {
            let fields = [
                ("text", json!(text)),
                ("limit", json!(limit)),
                ("before", json!(before)),
                ("extra", json!([])),
            ];
            let fields = fields.map(|(k, v)| (k.to_owned(), v));
            page(session, "blog.search", fields.into_iter().collect(), &look).await
        }
        Blog::Import { file, at, audience } => import(session, &file, &at, audience).await,
        Blog::Export {
            jid,
            node,
            output,
            before,
        } => {
            let parameters = json!({"service": jid, "node": node, "before": before, "extra": []});
            let result = session.call_profile("blog.export_atom", parameters).await?;
            match output {
                Some(file) => {
                    fs::write(&file, text(&result, "document"))
                        .map_err(|e| Failure::internal(&file.display().to_string(), e))?;
                    let message = format!("{} entries are written", text(&result, "entries"));
                    note(&message);
                }
                None if session.out.is_json() => session.out.json(&result)?,
                None => raw(text(&result, "document").trim_end())?,
            }
            more(&result, "last", "--before");
            Ok(())
        }
        Blog::Follow { jid, node } => {
            let parameters = json!({"service": jid, "node": node, "extra": []});
            let result = session.call_profile("blog.follow", parameters).await?;
            let message = format!("{jid} is followed: {} entries", text(&result, "items"));
            session.out.done(&result, &message)
        }
        Blog::Unfollow { jid, node } => {
            let parameters = json!({"service": jid, "node": node, "extra": []});
            let result = session.call_profile("blog.unfollow", parameters).await?;
            session
                .out
                .done(&result, &format!("{jid} is no longer followed"))
        }
        Blog::Followed => {
            let parameters = json!({"limit": 1000, "extra": []});
            let result = session.call_profile("blog.followed", parameters).await?;
            session.out.result(&result, |out, page| {
                let mut table = Table::new(&["BLOG", "NODE", "WHY", "ENTRIES", "ERROR"]);
                for blog in list(page) {
                    table.row(
                        ["service", "node", "reason", "items", "error"].map(|f| text(blog, f)),
                    );
                }
                out.table(&table, "No blog is followed")
            })
        }
    }
}

/// The parameters that name an entry.
fn entry(id: &str, at: &At) -> Map<String, Value> {
    let fields = [
        ("service", json!(at.from)),
        ("node", json!(at.node)),
        ("id", json!(id)),
        ("extra", json!([])),
    ];
    fields.map(|(k, v)| (k.to_owned(), v)).into_iter().collect()
}

async fn page(
    session: &mut Session,
    method: &str,
    parameters: Map<String, Value>,
    look: &Look,
) -> Result<(), Failure> {
    let forward = parameters.get("after").is_some_and(Value::is_string);
    let page = session
        .call_profile(method, Value::Object(parameters))
        .await?;
    session
        .out
        .result(&page, |out, page| look.entries(out, list(page)))?;
    if forward {
        more(&page, "first", "--after");
    } else {
        more(&page, "last", "--before");
    }
    Ok(())
}

/// Imports a document part by part.
async fn import(
    session: &mut Session,
    file: &std::path::Path,
    at: &At,
    audience: Option<String>,
) -> Result<(), Failure> {
    let document = source::file(file)?;
    let (mut entries, mut refused, mut start) = (0, Vec::new(), json!(0));
    while !start.is_null() {
        let parameters = json!({"service": at.from, "node": at.node, "document": document,
            "start": start, "audience": audience, "extra": []});
        let part = session.call_profile("blog.import_atom", parameters).await?;
        entries += part.get("entries").and_then(Value::as_u64).unwrap_or(0);
        refused.extend(part.get("refused").map(list).unwrap_or_default().to_vec());
        start = part.get("next").cloned().unwrap_or_default();
    }
    for entry in &refused {
        note(&format!(
            "Entry {} is not imported: {}",
            text(entry, "index"),
            text(entry, "message")
        ));
    }
    let result = json!({"entries": entries, "refused": refused, "complete": refused.is_empty()});
    session
        .out
        .done(&result, &format!("{entries} entries are imported"))?;
    if is_true(&result, "complete") {
        return Ok(());
    }
    let message = format!("{} entries are not imported", refused.len());
    Err(Failure::new("limit-reached", message))
}
