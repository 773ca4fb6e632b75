//! Publishing and editing.

use serde_json::{Map, Value, json};

use super::{
    At, Content,
    draft::Draft,
    entry,
    source::{self, Edited},
};
use crate::{failure::Failure, json::text, session::Session};

/// What only new entries have.
pub(super) struct More {
    pub(super) audience: Option<String>,
    pub(super) comments: bool,
    pub(super) name: Option<String>,
    pub(super) id: Option<String>,
}

pub(super) async fn publish(
    session: &mut Session,
    content: Content,
    at: At,
    more: More,
) -> Result<(), Failure> {
    let (draft, edited) = match text_of(&content)? {
        Some(draft) => (draft, None),
        None if source::can_edit() => {
            let start = Draft {
                title: content.title.clone(),
                tags: content.tags.clone(),
                format: content.format.clone().or_else(|| Some("markdown".into())),
                lang: content.lang.clone(),
                audience: more.audience.clone(),
                comments: Some(more.comments),
                body: String::new(),
            };
            let edited = Edited::open(&start.write(true))?;
            match Draft::parse(&edited.text) {
                Ok(draft) if draft.body.is_empty() && draft.title.is_none() => {
                    return Err(Failure::cancelled());
                }
                Ok(draft) => (draft, Some(edited)),
                failed => return edited.settle(failed.map(drop)),
            }
        }
        None => (Draft::parse(&source::input()?)?, None),
    };
    // In the editor, the options were the beginning; they may have been changed there.
    let content = if edited.is_some() {
        Content::none()
    } else {
        content
    };
    let tags = if content.tags.is_empty() {
        draft.tags
    } else {
        content.tags
    };
    let parameters = json!({
        "service": at.from,
        "node": at.node,
        "id": more.id,
        "title": content.title.or(draft.title),
        "body": draft.body,
        "format": content.format.or(draft.format),
        "tags": tags,
        "lang": content.lang.or(draft.lang),
        "attachments": attachments(&content.attachments),
        "name": more.name,
        "audience": if edited.is_some() { draft.audience } else { more.audience.or(draft.audience) },
        "comments": draft.comments.unwrap_or(false) || (edited.is_none() && more.comments),
        "extra": [],
    });
    let result = session.call_profile("blog.publish", parameters).await;
    let result = match edited {
        Some(edited) => edited.settle(result)?,
        None => result?,
    };
    session
        .out
        .result(&result, |out, result| out.line(&text(result, "id")))
}

pub(super) async fn edit(
    session: &mut Session,
    id: String,
    content: Content,
    at: At,
    clear: Vec<String>,
) -> Result<(), Failure> {
    let draft = text_of(&content)?;
    let has_options = content.title.is_some()
        || content.lang.is_some()
        || !content.tags.is_empty()
        || !content.attachments.is_empty()
        || !clear.is_empty();
    let (changes, edited) = match draft {
        Some(draft) => (options(&content, Some(draft), clear), None),
        None if has_options => (options(&content, None, clear), None),
        None if source::can_edit() => {
            let shown = session
                .call_profile("blog.get", entry(&id, &at).into())
                .await?;
            let old = Draft::of(&shown);
            let edited = Edited::open(&old.write(false))?;
            match Draft::parse(&edited.text) {
                Ok(new) if new == old => return Err(Failure::cancelled()),
                Ok(new) => (new.changes(&old), Some(edited)),
                failed => return edited.settle(failed.map(drop)),
            }
        }
        None => {
            let message = "Give the new text, or an option for what to change";
            return Err(Failure::usage(message));
        }
    };
    let mut parameters = entry(&id, &at);
    parameters.extend(changes);
    let result = session.call_profile("blog.edit", parameters.into()).await;
    let result = match edited {
        Some(edited) => edited.settle(result)?,
        None => result?,
    };
    session.out.done(&result, &format!("{id} is changed"))
}

/// What options change; what isn't given is absent.
fn options(content: &Content, draft: Option<Draft>, clear: Vec<String>) -> Map<String, Value> {
    let is_new = draft.is_some();
    let draft = draft.unwrap_or_default();
    let tags = if content.tags.is_empty() {
        draft.tags
    } else {
        content.tags.clone()
    };
    let attachments = (!content.attachments.is_empty()).then(|| attachments(&content.attachments));
    let fields = [
        ("title", json!(content.title.clone().or(draft.title))),
        ("body", json!(is_new.then_some(draft.body))),
        ("format", json!(content.format.clone().or(draft.format))),
        ("tags", json!((!tags.is_empty()).then_some(tags))),
        ("lang", json!(content.lang.clone().or(draft.lang))),
        ("attachments", json!(attachments)),
        ("clear", json!(clear)),
    ];
    fields.map(|(k, v)| (k.to_owned(), v)).into_iter().collect()
}

/// The text that the command line names; none when it names none.
fn text_of(content: &Content) -> Result<Option<Draft>, Failure> {
    let draft = match (&content.body, &content.file) {
        (Some(body), _) if body == "-" => Draft::parse(&source::input()?)?,
        (Some(body), _) => Draft {
            body: body.clone(),
            ..Draft::default()
        },
        (None, Some(file)) => {
            let mut draft = Draft::parse(&source::file(file)?)?;
            let by_name = || source::format_of(file).map(str::to_owned);
            draft.format = draft.format.or_else(by_name);
            draft
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(draft))
}

fn attachments(urls: &[String]) -> Vec<Value> {
    urls.iter().map(|url| json!({"url": url})).collect()
}

impl Content {
    fn none() -> Self {
        Self {
            body: None,
            file: None,
            title: None,
            format: None,
            tags: Vec::new(),
            lang: None,
            attachments: Vec::new(),
        }
    }
}
