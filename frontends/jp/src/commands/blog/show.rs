//! How entries look on a terminal.

use clap::Args;
use serde_json::Value;

use crate::{
    failure::Failure,
    json::{list, plain, text, time, words},
    output::Output,
    table::Table,
};

/// So much of a short post's text is shown in a table, in characters.
const GLIMPSE: usize = 60;

/// How entries are shown.
#[derive(Debug, Args)]
pub(crate) struct Look {
    /// One line for each, such as "{title} by {author.name}": fields of the JSON
    #[arg(long, value_name = "TEXT", conflicts_with = "json")]
    template: Option<String>,
}

impl Look {
    /// Many entries, as a table.
    pub(crate) fn entries(&self, out: &Output, entries: &[Value]) -> Result<(), Failure> {
        if let Some(template) = &self.template {
            return entries
                .iter()
                .try_for_each(|entry| out.line(&fill(template, entry)));
        }
        let mut table = Table::new(&["PUBLISHED", "FROM", "TITLE", "TAGS", "ID"]);
        for entry in entries {
            table.row([
                time(entry, "published"),
                author(entry),
                headline(entry),
                words(entry, "tags"),
                text(entry, "id"),
            ]);
        }
        out.table(&table, "There is no entry")
    }

    /// One entry, whole.
    pub(crate) fn entry(&self, out: &Output, entry: &Value) -> Result<(), Failure> {
        if let Some(template) = &self.template {
            return out.line(&fill(template, entry));
        }
        let mut body = Vec::new();
        let title = text(entry, "title");
        body.extend((!title.is_empty()).then_some(title));
        body.push(text(entry, "text"));
        let origin = entry.get("repeated_from").unwrap_or(&Value::Null);
        let facts = [
            ("Repeated from", text(origin, "uri")),
            ("Tags", words(entry, "tags")),
            ("For", text(entry, "audience")),
        ];
        let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
        let mut facts: Vec<_> = facts.map(|(name, v)| format!("{name}: {v}")).collect();
        for attachment in entry.get("attachments").map(list).unwrap_or_default() {
            facts.push(format!("Attached: {}", text(attachment, "url")));
        }
        if !facts.is_empty() {
            body.push(facts.join("\n"));
        }
        let head = format!("{} {}:", time(entry, "published"), author(entry));
        out.entry(&head, &body.join("\n\n"))
    }
}

/// Who it is from: the JID, and what it is marked with.
pub(crate) fn author(entry: &Value) -> String {
    let author = entry.get("author").unwrap_or(&Value::Null);
    let (jid, name) = (text(author, "jid"), text(author, "name"));
    let mut out = match (name.is_empty(), jid.is_empty()) {
        (true, _) => jid,
        (false, true) => name,
        (false, false) => format!("{name} <{jid}>"),
    };
    let claimed = text(author, "claimed");
    if !claimed.is_empty() {
        out.push_str(&format!(" (says it is {claimed})"));
    }
    out
}

/// The title, or what a short post begins with.
fn headline(entry: &Value) -> String {
    let title = text(entry, "title");
    let line = if title.is_empty() {
        text(entry, "text")
    } else {
        title
    };
    let line = line.lines().next().unwrap_or_default();
    line.chars().take(GLIMPSE).collect()
}

/// Puts fields into a template: `{author.name}`; `{{` is a brace. What isn't there is empty.
fn fill(template: &str, entry: &Value) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        out.push_str(before);
        if let Some(behind) = behind.strip_prefix('{') {
            out.push('{');
            rest = behind;
            continue;
        }
        let Some((path, behind)) = behind.split_once('}') else {
            out.push('{');
            rest = behind;
            continue;
        };
        let value = path
            .split('.')
            .try_fold(entry, |value, field| match field.parse::<usize>() {
                Ok(index) => value.get(index),
                Err(_) => value.get(field),
            });
        out.push_str(&match value {
            Some(Value::Array(all)) => all.iter().map(plain).collect::<Vec<_>>().join(", "),
            value => value.map(plain).unwrap_or_default(),
        });
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates() {
        let entry = json!({"title": "T", "author": {"name": "R"}, "tags": ["a", "b"],
            "attachments": [{"url": "u"}], "n": 1});
        for (template, filled) in [
            ("{title} by {author.name}", "T by R"),
            ("{tags} {attachments.0.url} {n}", "a, b u 1"),
            ("{none.at.all}{author.none}|", "|"),
            ("{{title}} {title", "{title}} {title"),
            ("", ""),
        ] {
            assert_eq!(fill(template, &entry), filled, "{template}");
        }
    }

    #[test]
    fn who_lies_is_seen() {
        let entry = json!({"author": {"jid": "romeo@m.lit", "claimed": "juliet@c.lit"}});
        assert_eq!(author(&entry), "romeo@m.lit (says it is juliet@c.lit)");
        let entry = json!({"author": {"jid": "romeo@m.lit", "name": "Romeo"}});
        assert_eq!(author(&entry), "Romeo <romeo@m.lit>");
        assert_eq!(headline(&json!({"title": "", "text": "a\nb"})), "a");
    }
}
