//! What is going to be published, as people write it: a text with fields before it.

use serde_json::{Map, Value, json};

use crate::{
    failure::Failure,
    json::{list, plain, text},
};

pub(crate) const FORMATS: [&str; 3] = ["text", "markdown", "xhtml"];
pub(crate) const AUDIENCES: [&str; 3] = ["public", "contacts", "private"];
/// The line around the fields.
const FENCE: &str = "---";

pub(crate) const HELP: &str = "\
A text from a file, from standard input or from the editor may begin with fields:\n\n  \
---\n  title: On balconies\n  tags: Verona, night\n  format: markdown\n  \
lang: en\n  audience: contacts\n  comments: yes\n  ---\n  But **soft** …";

/// A text with its fields; options of the command line come before them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) title: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) format: Option<String>,
    pub(crate) lang: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) comments: Option<bool>,
    pub(crate) body: String,
}

impl Draft {
    /// Reads a text.
    pub(crate) fn parse(source: &str) -> Result<Self, Failure> {
        let source = source.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let mut draft = Self::default();
        let fields = source.strip_prefix(&format!("{FENCE}\n"));
        let Some(fields) = fields else {
            draft.body = source.trim().to_owned();
            return Ok(draft);
        };
        let mut lines = fields.lines();
        for line in lines.by_ref().take_while(|line| line.trim_end() != FENCE) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (field, value) = line
                .split_once(':')
                .ok_or_else(|| Failure::usage(format!("“{line}” is no field like `title: …`")))?;
            draft.set(field.trim(), value.trim())?;
        }
        draft.body = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
        Ok(draft)
    }

    fn set(&mut self, field: &str, value: &str) -> Result<(), Failure> {
        let some = Some(value.to_owned()).filter(|v| !v.is_empty());
        let one_of = |words: &[&str]| match words.contains(&value) || value.is_empty() {
            true => Ok(()),
            false => Err(Failure::usage(format!(
                "`{field}` is {}, not “{value}”",
                words.join(", ")
            ))),
        };
        match field {
            "title" => self.title = some,
            "tags" => self.tags = words(value),
            "lang" => self.lang = some,
            "format" => {
                one_of(&FORMATS)?;
                self.format = some;
            }
            "audience" => {
                one_of(&AUDIENCES)?;
                self.audience = some;
            }
            "comments" => {
                one_of(&["yes", "no"])?;
                self.comments = some.map(|word| word == "yes");
            }
            other => {
                let message = format!(
                    "`{other}` is no field: there are title, tags, format, lang, audience and \
                     comments"
                );
                return Err(Failure::usage(message));
            }
        }
        Ok(())
    }

    /// The text for an editor, with the fields that a new entry or one that is edited has.
    pub(crate) fn write(&self, is_new: bool) -> String {
        let word = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut out = format!(
            "{FENCE}\ntitle: {}\ntags: {}\nformat: {}\nlang: {}\n",
            word(&self.title),
            self.tags.join(", "),
            word(&self.format),
            word(&self.lang)
        );
        if is_new {
            let comments = match self.comments {
                Some(true) => "yes",
                _ => "no",
            };
            let audience = word(&self.audience);
            out += &format!("audience: {audience}\ncomments: {comments}\n");
        }
        out + FENCE + "\n" + &self.body + "\n"
    }

    /// From an entry that is there. What has markup is edited with it.
    pub(crate) fn of(entry: &Value) -> Self {
        let html = text(entry, "html");
        let has_markup = html.split('<').skip(1).any(|tag| {
            let tag = tag.trim_start_matches('/');
            !(tag.starts_with("p>") || tag.starts_with("br>"))
        });
        let some = |field| Some(text(entry, field)).filter(|v| !v.is_empty());
        Self {
            title: some("title"),
            tags: entry
                .get("tags")
                .map(|tags| list(tags).iter().map(plain).collect())
                .unwrap_or_default(),
            format: Some(if has_markup { "xhtml" } else { "text" }.to_owned()),
            lang: some("lang"),
            body: if has_markup {
                html
            } else {
                text(entry, "text")
            },
            ..Self::default()
        }
    }

    /// The parameters of `blog.edit` that make an entry what this is and `old` isn't.
    pub(crate) fn changes(&self, old: &Self) -> Map<String, Value> {
        let mut changes = Map::new();
        let mut set = |field: &str, value: Value| changes.insert(field.into(), value);
        let mut clear = Vec::new();
        if self.title != old.title {
            set("title", json!(self.title));
            clear.extend(self.title.is_none().then_some("title"));
        }
        if self.lang != old.lang {
            set("lang", json!(self.lang));
            clear.extend(self.lang.is_none().then_some("lang"));
        }
        if self.tags != old.tags {
            set("tags", json!(self.tags));
        }
        if (&self.body, &self.format) != (&old.body, &old.format) {
            set("body", json!(self.body));
            set("format", json!(self.format));
        }
        set("clear", json!(clear));
        changes
    }
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(',').map(|tag| tag.trim().to_owned());
    words.filter(|tag| !tag.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let draft = Draft {
            title: Some("On: balconies".into()),
            tags: vec!["a b".into(), "c".into()],
            format: Some("markdown".into()),
            lang: Some("en".into()),
            audience: Some("public".into()),
            comments: Some(true),
            body: "But **soft**\n---\nwhat light".into(),
        };
        assert_eq!(Draft::parse(&draft.write(true)).unwrap(), draft);
        let empty = Draft::parse(&Draft::default().write(false)).unwrap();
        assert_eq!(empty, Draft::default());
    }

    #[test]
    fn a_text_alone() {
        let draft = Draft::parse("Hello\r\n--- there\n").unwrap();
        assert_eq!(
            (draft.body.as_str(), draft.title),
            ("Hello\n--- there", None)
        );
        for bad in [
            "---\ntitel: x\n---\n",
            "---\njust text\n---\n",
            "---\nformat: rtf\n---\n",
            "---\ncomments: maybe\n---\n",
        ] {
            assert!(Draft::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_changes_are_sent() {
        let entry = json!({"title": "T", "tags": ["a"], "lang": "en", "text": "x", "html": "<p>x<br>y</p>"});
        let old = Draft::of(&entry);
        assert_eq!(old.format.as_deref(), Some("text"));
        assert_eq!(Value::from(old.changes(&old)), json!({"clear": []}));
        let new = Draft {
            title: None,
            tags: Vec::new(),
            ..old.clone()
        };
        assert_eq!(
            Value::from(new.changes(&old)),
            json!({"title": null, "tags": [], "clear": ["title"]})
        );
        let marked = Draft::of(&json!({"html": "<p>x <b>y</b></p>"}));
        assert_eq!(marked.format.as_deref(), Some("xhtml"));
        assert_eq!(marked.body, "<p>x <b>y</b></p>");
    }
}
