//! HTML of strangers: made safe, turned into plain text, and into XHTML.

use ammonia::{Builder, UrlRelative};
use sat_sdk::{
    Error,
    xml::{Element, escape},
};
use std::{collections::HashSet, sync::LazyLock};

/// Most tags of a body: the time that browsers' rules take grows with the square of what is
/// nested, and there are 200 ms for a call.
const TAGS: usize = 3000;
/// Most tags times tags of formatting with attributes: browsers' rules open each of the latter
/// again in each paragraph that comes behind, which is how a small body fills the memory.
const REOPENED: usize = 30_000;
/// Such elements (HTML, “list of active formatting elements”); without attributes browsers open
/// three of a kind at most.
const FORMATTING: [&str; 13] = [
    "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];
/// Longest body that is shown, in bytes.
const BODY: usize = 64 << 10;
/// Deepest XHTML that is published: with what is around it a stanza has at most 64 levels, and
/// receivers cut off what is deeper.
const DEPTH: usize = 40;
/// What links may begin with.
pub(crate) const SCHEMES: [&str; 6] = ["http", "https", "xmpp", "mailto", "tel", "geo"];
/// Elements without content, which HTML doesn't close.
const VOID: [&str; 7] = ["area", "br", "col", "hr", "img", "wbr", "input"];
/// Elements that begin a new line of plain text.
const BLOCKS: [&str; 22] = [
    "article",
    "aside",
    "blockquote",
    "br",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "li",
    "p",
    "pre",
    "tr",
];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::Deny)
        // Image maps have no use without their names.
        .rm_tags(["map", "area"]);
    builder
});

/// A body that can be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Safe {
    pub(crate) text: String,
    pub(crate) html: String,
    /// Whether something was left out because there was too much.
    pub(crate) reduced: bool,
}

/// Makes HTML safe.
pub(crate) fn clean(html: &str) -> Safe {
    let (html, cut) = clip(html);
    let html: String = html.chars().filter(|c| is_xml(*c)).collect();
    if is_entangled(&html) {
        let text = to_text(&html);
        return Safe {
            html: from_text(&text),
            text,
            reduced: true,
        };
    }
    let html = CLEANER.clean(&html).to_string().trim().to_owned();
    Safe {
        text: to_text(&html),
        html,
        reduced: cut,
    }
}

/// Plain text as a body.
pub(crate) fn plain(text: &str) -> Safe {
    let (text, reduced) = clip(text.trim());
    let text: String = text.chars().filter(|c| is_xml(*c)).collect();
    Safe {
        html: from_text(&text),
        text,
        reduced,
    }
}

/// XHTML as it stands in an entry: its elements written as HTML, and made safe.
pub(crate) fn xhtml(parent: &Element) -> Safe {
    let mut out = String::new();
    write_html(parent, &mut out);
    clean(&out)
}

/// Whether a link is of a kind that is harmless to follow.
pub(crate) fn is_safe_link(href: &str, schemes: &[&str]) -> bool {
    let scheme = href.split_once(':').map(|(scheme, _)| scheme);
    let known = |scheme: &str| schemes.iter().any(|s| s.eq_ignore_ascii_case(scheme));
    scheme.is_some_and(known) && !href.contains(char::is_control)
}

/// Safe HTML as XHTML, for entries: well-formed, whatever HTML allows.
pub(crate) fn to_xhtml(safe: &str) -> Result<String, Error> {
    let mut out = String::with_capacity(safe.len());
    let (mut rest, mut depth) = (safe, 0usize);
    while let Some((text, tag, behind)) = next_tag(rest) {
        out.push_str(&entities(text));
        rest = behind;
        let name = tag_name(tag);
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !VOID.contains(&name) {
            depth += 1;
        }
        if depth > DEPTH {
            let message = format!("the body has more than {DEPTH} elements inside of each other");
            return Err(Error::new("limit-reached", message));
        }
        let end = if VOID.contains(&name) { "/>" } else { ">" };
        out.push('<');
        out.push_str(&entities(tag));
        out.push_str(end);
    }
    out.push_str(&entities(rest));
    Ok(out)
}

/// The one entity that HTML's writer uses and XML doesn't know.
fn entities(text: &str) -> String {
    text.replace("&nbsp;", "\u{a0}")
}

/// Whether XML can carry it (XML 1.0 §2.2).
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | ' '..) && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Paragraphs, with their lines.
fn from_text(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|p| p.trim_matches('\n'));
    paragraphs
        .filter(|p| !p.trim().is_empty())
        .map(|p| format!("<p>{}</p>", escape(p).replace('\n', "<br>")))
        .collect()
}

/// Whether making it safe would take too long, or too much memory.
fn is_entangled(html: &str) -> bool {
    let (mut tags, mut formatting) = (0, 0);
    for tag in html.split('<').skip(1) {
        tags += 1;
        let end = tag.find(|c: char| !c.is_ascii_alphanumeric());
        let (name, behind) = tag.split_at(end.unwrap_or(tag.len()));
        let is_formatting = FORMATTING.iter().any(|f| f.eq_ignore_ascii_case(name));
        formatting += usize::from(is_formatting && !behind.starts_with('>'));
    }
    tags > TAGS || tags * formatting > REOPENED
}

/// The text of HTML.
pub(crate) fn to_text(html: &str) -> String {
    let mut out = String::new();
    let (mut rest, mut is_pre) = (html, false);
    while let Some((text, tag, behind)) = next_tag(rest) {
        push_text(&mut out, text, is_pre);
        rest = behind;
        let (name, opens) = (tag_name(tag), !tag.starts_with('/'));
        match name {
            "p" if opens => line(&mut out, 2),
            "pre" => is_pre = opens,
            _ => {}
        }
        if BLOCKS.contains(&name) {
            line(&mut out, 1);
        }
        if name == "li" && opens {
            out.push_str("• ");
        }
    }
    push_text(&mut out, rest, is_pre);
    out.trim().to_owned()
}

/// Ends a line, and leaves so many line ends; at the beginning none.
fn line(out: &mut String, ends: usize) {
    out.truncate(out.trim_end_matches(' ').len());
    let there = out.len() - out.trim_end_matches('\n').len();
    if there < out.len() {
        (there..ends).for_each(|_| out.push('\n'));
    }
}

/// Text of HTML, in which white space is one space.
fn push_text(out: &mut String, text: &str, is_pre: bool) {
    // The references that HTML's writer uses; `&amp;` last.
    let text = text
        .replace("&nbsp;", "\u{a0}")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&");
    for c in text.chars() {
        if is_pre || !c.is_ascii_whitespace() {
            out.push(c);
        } else if !out.ends_with(char::is_whitespace) {
            out.push(' ');
        }
    }
}

/// The next tag: the text before it, what is between `<` and `>`, and what comes behind. A `>`
/// within quotes ends no tag.
fn next_tag(html: &str) -> Option<(&str, &str, &str)> {
    let (text, behind) = html.split_once('<')?;
    let mut quote = None;
    let end = behind.find(|c: char| {
        match (quote, c) {
            (None, '"') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            _ => {}
        }
        quote.is_none() && c == '>'
    });
    let end = end.unwrap_or(behind.len());
    let tag = behind.get(..end)?;
    Some((text, tag, behind.get(end + 1..).unwrap_or_default()))
}

fn tag_name(tag: &str) -> &str {
    let tag = tag.trim_start_matches('/');
    let end = tag.find(|c: char| c.is_whitespace() || c == '/');
    tag.get(..end.unwrap_or(tag.len())).unwrap_or_default()
}

/// XHTML elements as HTML; those of other namespaces, SVG say, are left out with what is in them.
fn write_html(parent: &Element, out: &mut String) {
    for node in parent.nodes() {
        if let Some(text) = node.as_text() {
            out.push_str(&escape(text));
        }
        let Some(element) = node.as_element().filter(|e| e.ns() == super::atom::XHTML) else {
            continue;
        };
        let name = element.name();
        out.push('<');
        out.push_str(name);
        for attribute in [
            "href", "src", "alt", "title", "cite", "colspan", "rowspan", "start",
        ] {
            if let Some(value) = element.attr(attribute) {
                out.push_str(&format!(" {attribute}=\"{}\"", escape(value)));
            }
        }
        out.push('>');
        if !VOID.contains(&name) {
            write_html(element, out);
            out.push_str(&format!("</{name}>"));
        }
    }
}

fn clip(text: &str) -> (&str, bool) {
    let end = text.floor_char_boundary(BODY);
    (text.get(..end).unwrap_or_default(), end < text.len())
}

#[cfg(test)]
mod tests;
