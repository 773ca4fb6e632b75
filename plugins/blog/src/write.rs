//! Writing entries.

use crate::{
    atom,
    bindings::sat::blog::types::{Attachment, EditRequest, PublishRequest},
    body::Body,
    entry,
};
use sat_sdk::{
    Error,
    minidom::{Node, rxml},
    uri,
    xml::{self, Element, escape},
};

/// Most tags, and most attachments.
const MANY: usize = 100;
/// Longest title and tag, in bytes.
const TITLE: usize = 1024;
const TAG: usize = 256;

/// What an entry says of itself, whatever is in it.
pub(crate) struct Head<'a> {
    /// Where it will be.
    pub(crate) service: &'a str,
    pub(crate) node: &'a str,
    pub(crate) id: &'a str,
    /// RFC 3339.
    pub(crate) published: &'a str,
    pub(crate) updated: &'a str,
}

impl Head<'_> {
    pub(crate) fn uri(&self) -> String {
        uri::item(self.service, self.node, self.id)
    }

    /// The elements. The `xmpp:` URI is the entry's id too: nothing else is as unique.
    fn write(&self) -> String {
        let uri = self.uri();
        let link = atom::link("alternate", &uri, &[]);
        atom::plain("id", &uri)
            + &atom::plain("published", self.published)
            + &atom::plain("updated", self.updated)
            + &link
    }
}

/// A new entry.
pub(crate) fn new(
    head: &Head<'_>,
    author: &str,
    comments: Option<&str>,
    request: &PublishRequest,
) -> Result<String, Error> {
    let body = Body::read(&request.body, request.format.as_deref())?;
    let title = request.title.as_deref().map(check_title).transpose()?;
    if title.is_none() && body.text.is_empty() {
        let message = "`body` is empty, and there is no `title`";
        return Err(Error::new("bad-request", message));
    }
    let content = match title {
        Some(title) if body.text.is_empty() => atom::plain_text("title", title, None),
        Some(title) => atom::plain_text("title", title, None) + &body.content(None),
        None => body.short(None),
    };
    let name = request.name.as_deref().unwrap_or_else(|| local(author));
    let lang = request.lang.as_deref().map(check_lang).transpose()?;
    let lang = lang.map_or_else(String::new, |lang| format!(" xml:lang='{}'", escape(lang)));
    let comments = comments.map(comments_link).unwrap_or_default();
    Ok(format!(
        "<entry xmlns='{}'{lang}>{content}{}{}{}{}{comments}</entry>",
        atom::NS,
        person(author, name),
        head.write(),
        tags(&request.tags)?,
        attachments(&request.attachments)?,
    ))
}

/// An entry that repeats another one (XEP-0277 §3.5): what people see of it, who it is from, and
/// where.
pub(crate) fn repetition(
    head: &Head<'_>,
    original: &crate::bindings::sat::blog::types::Entry,
    source: &Element,
    words: Option<&str>,
) -> Result<String, Error> {
    let at = uri::item(&original.service, &original.node, &original.id);
    let via = atom::link("via", &at, &[("ref", original.atom_id.as_deref())]);
    let author = original.author.jid.as_deref().unwrap_or(&original.service);
    let name = original
        .author
        .name
        .as_deref()
        .unwrap_or_else(|| local(author));
    let mut out = format!("<entry xmlns='{}'>{}{via}", atom::NS, person(author, name));
    out += &head.write();
    if let Some(words) = words {
        let quoted = format!(
            "<blockquote>{}</blockquote>{}",
            original.html,
            crate::html::plain(words).html
        );
        let body = Body::from_html(&quoted)?;
        out += &match original.title.as_str() {
            "" => body.short(None),
            title => atom::plain_text("title", title, None) + &body.content(None),
        };
    }
    let keep = |e: &&Element| {
        let discussion = e.is("link", atom::NS) && matches!(entry::rel(e), "replies" | "enclosure");
        (words.is_none() && entry::is_text(e)) || e.is("category", atom::NS) || discussion
    };
    let mut tree = xml::parse(&(out + "</entry>"))?;
    if let Some(lang) = xml::lang(source) {
        set_lang(&mut tree, Some(lang));
    }
    for child in source.children().filter(keep) {
        tree.append_child(child.clone());
    }
    Ok(xml::text(&tree))
}

/// Changes an entry; what isn't mentioned stays, whatever it is.
pub(crate) fn edit(tree: &mut Element, request: &EditRequest, updated: &str) -> Result<(), Error> {
    let clears = |field: &str| request.clear.iter().any(|f| f == field);
    let known = ["title", "tags", "lang", "attachments"];
    if let Some(field) = request.clear.iter().find(|f| !known.contains(&f.as_str())) {
        let message = format!(
            "`clear` has “{field}”, which is none of {}",
            known.join(", ")
        );
        return Err(Error::new("bad-request", message));
    }
    edit_text(tree, request, clears("title"))?;
    if request.tags.is_some() || clears("tags") {
        remove(tree, |e| e.is("category", atom::NS));
        append(tree, &tags(request.tags.as_deref().unwrap_or_default())?)?;
    }
    if request.attachments.is_some() || clears("attachments") {
        remove(tree, |e| {
            e.is("link", atom::NS) && entry::rel(e) == "enclosure"
        });
        let new = request.attachments.as_deref().unwrap_or_default();
        append(tree, &attachments(new)?)?;
    }
    remove(tree, |e| e.is("updated", atom::NS));
    append(tree, &atom::plain("updated", updated))
}

/// Changes title, body and language. Of several languages it is the one that `lang` names.
fn edit_text(tree: &mut Element, request: &EditRequest, no_title: bool) -> Result<(), Error> {
    let lang = request.lang.as_deref().map(check_lang).transpose()?;
    let languages = entry::languages(tree);
    let several = languages.len() > 1;
    let target = if several {
        lang.or(languages.first().map(String::as_str))
    } else {
        None
    };
    let of_target = |tree: &Element, e: &Element| {
        target.is_none_or(|t| entry::lang_of(tree, e).is_some_and(|l| l.eq_ignore_ascii_case(t)))
    };
    let names = |e: &Element, names: &[&str]| names.iter().any(|n| e.is(*n, atom::NS));
    let parts: Vec<Element> = tree
        .children()
        .filter(|e| entry::is_text(e) && of_target(tree, e))
        .cloned()
        .collect();
    let has_body = parts.iter().any(|e| names(e, &["content", "summary"]));
    let old_title = parts.iter().find(|e| names(e, &["title"]));
    let body = match &request.body {
        Some(body) => Some(Body::read(body, request.format.as_deref())?),
        None => None,
    };
    let title = request.title.as_deref().map(check_title).transpose()?;
    if body.is_some() || title.is_some() || no_title {
        // A short post has its body as title: either becomes what it is meant to be.
        let is_short = old_title.is_none() || !has_body || {
            let text = |name| parts.iter().find(|e| names(e, &[name])).map(Element::text);
            text("title") == text("content")
        };
        let title = match title {
            Some(title) => Some(atom::plain_text("title", title, target)),
            None if is_short || no_title => None,
            None => old_title.map(xml::text),
        };
        let content = match (&body, &title) {
            (Some(body), None) => body.short(target),
            (Some(body), Some(title)) => title.clone() + &body.content(target),
            (None, title) => {
                let old = kept_body(&parts, title.is_some())?;
                title.clone().unwrap_or_default() + &old
            }
        };
        let doomed: Vec<String> = parts.iter().map(xml::text).collect();
        remove(tree, |e| doomed.contains(&xml::text(e)));
        append(tree, &content)?;
    }
    if !several && (lang.is_some() || request.clear.iter().any(|f| f == "lang")) {
        set_lang(tree, lang);
    }
    Ok(())
}

/// The body that stays while the title changes: as content beside a title, else as both.
fn kept_body(parts: &[Element], titled: bool) -> Result<String, Error> {
    let bodies = || parts.iter().filter(|e| !e.is("title", atom::NS));
    let renamed = |element: &Element, name: &str| {
        let mut new = atom::tree(&atom::plain(name, ""))?;
        *new.attrs_mut() = element.attrs().clone();
        for node in element.nodes() {
            new.append_node(node.clone());
        }
        Ok::<_, Error>(xml::text(&new))
    };
    let all: String = bodies().map(xml::text).collect();
    match (titled, parts.iter().find(|e| e.is("title", atom::NS))) {
        (true, Some(title)) if all.is_empty() => renamed(title, "content"),
        (true, _) => Ok(all),
        (false, title) => match bodies().next().or(title) {
            Some(body) => Ok(renamed(body, "title")? + &all),
            None => Ok(all),
        },
    }
}

/// Removes the children that fit.
fn remove(tree: &mut Element, fits: impl Fn(&Element) -> bool) {
    for node in tree.take_nodes() {
        if !matches!(&node, Node::Element(e) if fits(e)) {
            tree.append_node(node);
        }
    }
}

/// Adds elements of Atom.
fn append(tree: &mut Element, elements: &str) -> Result<(), Error> {
    let mut new = xml::parse(&format!("<entry xmlns='{}'>{elements}</entry>", atom::NS))?;
    for node in new.take_nodes() {
        tree.append_node(node);
    }
    Ok(())
}

/// Sets or removes `xml:lang`.
pub(crate) fn set_lang(tree: &mut Element, lang: Option<&str>) {
    let attributes = tree.attrs_mut();
    attributes.retain(|ns, name, _| !(*ns == rxml::Namespace::XML && name == "lang"));
    // Read from text, which knows how the attribute is named.
    let lang = lang.map(|lang| format!("<entry xmlns='' xml:lang='{}'/>", escape(lang)));
    if let Some(Ok(source)) = lang.map(|text| xml::parse(&text)) {
        for ((ns, name), value) in source.attrs().iter() {
            attributes.insert(ns.clone(), name.clone(), value.clone());
        }
    }
}

fn person(jid: &str, name: &str) -> String {
    let inside = atom::plain("name", name) + &atom::plain("uri", &uri::jid(jid));
    format!("<author>{inside}</author>")
}

/// What stands for a name where there is none, since Atom demands one.
fn local(jid: &str) -> &str {
    jid.split('@').next().unwrap_or(jid)
}

/// XEP-0277 §4: the relation and the title are prescribed.
fn comments_link(uri: &str) -> String {
    atom::link("replies", uri, &[("title", Some("comments"))])
}

fn tags(tags: &[String]) -> Result<String, Error> {
    check_count("tags", tags.len())?;
    let mut out = String::new();
    for tag in tags.iter().map(|tag| tag.trim()) {
        if tag.is_empty() || tag.len() > TAG || tag.contains(char::is_control) {
            let message = format!("a tag has 1 to {TAG} bytes on one line");
            return Err(Error::new("bad-request", message));
        }
        out += &format!("<category term='{}'/>", escape(tag));
    }
    Ok(out)
}

fn attachments(attachments: &[Attachment]) -> Result<String, Error> {
    check_count("attachments", attachments.len())?;
    let mut out = String::new();
    for attachment in attachments {
        if !crate::html::is_safe_link(&attachment.url, &["http", "https", "xmpp"]) {
            let message = format!("“{}” is no http:, https: or xmpp: URL", attachment.url);
            return Err(Error::new("bad-request", message));
        }
        let size = attachment.size.map(|n| n.to_string());
        let others = [
            ("type", attachment.media_type.as_deref()),
            ("title", attachment.title.as_deref()),
            ("length", size.as_deref()),
        ];
        out += &atom::link("enclosure", &attachment.url, &others);
    }
    Ok(out)
}

fn check_count(what: &str, count: usize) -> Result<(), Error> {
    if count <= MANY {
        return Ok(());
    }
    let message = format!("an entry has at most {MANY} {what}");
    Err(Error::new("limit-reached", message))
}

fn check_title(title: &str) -> Result<&str, Error> {
    let title = title.trim();
    if title.is_empty() || title.len() > TITLE || title.contains(['\n', '\r']) {
        let message =
            format!("`title` has 1 to {TITLE} bytes on one line; without it, a short post");
        return Err(Error::new("bad-request", message));
    }
    Ok(title)
}

/// Letters, digits and hyphens, as every language tag (RFC 5646 §2.1).
fn check_lang(lang: &str) -> Result<&str, Error> {
    let is_tag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if lang.len() <= 64 && lang.split('-').all(is_tag) {
        return Ok(lang);
    }
    Err(Error::new(
        "bad-request",
        format!("“{lang}” is no language tag like `en` or `de-AT`"),
    ))
}

#[cfg(test)]
mod tests;
