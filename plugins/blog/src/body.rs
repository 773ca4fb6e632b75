//! What somebody writes: plain text, Markdown or XHTML, and what is published of it.

use crate::{atom, html};
use sat_sdk::Error;

/// Longest body, in bytes.
const BODY: usize = 64 << 10;

/// A body to be published. Who writes XHTML must write plain text too (XEP-0277 §3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) text: String,
    /// Well-formed, and only what is allowed.
    pub(crate) xhtml: Option<String>,
}

impl Body {
    /// Reads a body in one of the formats.
    pub(crate) fn read(body: &str, format: Option<&str>) -> Result<Self, Error> {
        let body = body.replace("\r\n", "\n").replace('\r', "\n");
        if body.len() > BODY {
            return Err(too_long());
        }
        match format.unwrap_or("text") {
            "text" => Ok(Self {
                text: body.trim().to_owned(),
                xhtml: None,
            }),
            "markdown" => Self::from_html(&markdown(&body)),
            "xhtml" => Self::from_html(&body),
            other => Err(Error::new(
                "bad-request",
                format!("`format` is text, markdown or xhtml, not “{other}”"),
            )),
        }
    }

    /// From any HTML.
    pub(crate) fn from_html(html: &str) -> Result<Self, Error> {
        let safe = html::clean(html);
        if safe.reduced {
            return Err(too_long());
        }
        Ok(Self {
            xhtml: Some(html::to_xhtml(&safe.html)?),
            text: safe.text,
        })
    }

    /// The elements of an entry.
    pub(crate) fn content(&self, lang: Option<&str>) -> String {
        let text = atom::plain_text("content", &self.text, lang);
        let xhtml = self.xhtml.as_deref();
        text + &xhtml.map_or_else(String::new, |inside| atom::xhtml("content", inside, lang))
    }

    /// The elements of an entry that has no title of its own: Atom demands one, so the body is it
    /// (XEP-0277 §3.3), and only what has markup needs a content.
    pub(crate) fn short(&self, lang: Option<&str>) -> String {
        let title = atom::plain_text("title", &self.text, lang);
        if self.xhtml.is_none() {
            return title;
        }
        title + &self.content(lang)
    }
}

fn markdown(text: &str) -> String {
    use pulldown_cmark::{Options, Parser};
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, Parser::new_ext(text, options));
    html
}

fn too_long() -> Error {
    let message = format!(
        "a body has at most {BODY} bytes, also when it is rendered, and 3,000 tags: publish parts \
         of it"
    );
    Error::new("limit-reached", message)
}
