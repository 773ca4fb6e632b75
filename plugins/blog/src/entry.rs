//! Reading entries, as Libervia, Movim, Gajim and others write them, and as strangers may.

use crate::{
    atom,
    bindings::sat::{
        blog::types::{Attachment, Author, Entry, Link, Origin, Place},
        pubsub::types::Item,
    },
    html::{self, Safe},
};
use sat_sdk::{
    datetime, jid, uri,
    xml::{self, Element},
    xmpp,
};

/// Longest title, in bytes.
const TITLE: usize = 1024;
/// Most tags, links, attachments, comment nodes and languages of an entry.
const MANY: usize = 100;
/// Longest tag or other short text, in bytes.
const WORD: usize = 256;
/// How far in the future an entry may say that it was published, in milliseconds: clocks differ.
const FUTURE: i64 = 86_400_000;

/// Reads an item; none when it is no entry. Of several languages `lang` is shown, or one of its
/// kind, or the first.
pub(crate) fn read(item: &Item, lang: Option<&str>) -> Option<Entry> {
    let entry = xml::parse(&item.payload).ok()?;
    if !entry.is("entry", atom::NS) {
        return None;
    }
    let languages = languages(&entry);
    let shown = choose(&languages, lang);
    let (title, body) = contents(&entry, shown.as_deref());
    let links = links(&entry);
    let repeated_from = origin(&entry, &links);
    let (published, updated) = times(&entry, item);
    Some(Entry {
        atom_id: atom::text(&entry, "id").map(word),
        author: author(&entry, item, repeated_from.is_some()),
        title,
        text: body.text,
        html: body.html,
        reduced: body.reduced,
        lang: shown,
        languages,
        tags: tags(&entry),
        published,
        updated,
        attachments: attachments(&entry),
        comments: comments(&entry),
        links,
        repeated_from,
        audience: None,
        extra: Vec::new(),
        service: item.service.clone(),
        node: item.node.clone(),
        id: item.id.clone(),
    })
}

/// The language of an element of an entry: its own, or the entry's (XML 1.0 §2.12).
pub(crate) fn lang_of<'a>(entry: &'a Element, element: &'a Element) -> Option<&'a str> {
    let lang = xml::lang(element).or_else(|| xml::lang(entry));
    lang.filter(|lang| !lang.is_empty())
}

/// Whether a language is the wanted one, or of its kind: `de-AT` is a kind of `de` (RFC 4647
/// §3.3.1).
pub(crate) fn is_kind_of(lang: &str, wanted: &str) -> bool {
    let head = lang.get(..wanted.len());
    let rest = lang.get(wanted.len()..).unwrap_or_default();
    head.is_some_and(|head| head.eq_ignore_ascii_case(wanted))
        && (rest.is_empty() || rest.starts_with('-'))
}

/// The languages that titles and bodies are in.
pub(crate) fn languages(entry: &Element) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for element in entry.children().filter(|e| is_text(e)) {
        if let Some(lang) = lang_of(entry, element)
            && found.len() < MANY
            && !found.iter().any(|f| f.eq_ignore_ascii_case(lang))
        {
            found.push(word(lang.to_owned()));
        }
    }
    found
}

fn choose(languages: &[String], wanted: Option<&str>) -> Option<String> {
    let wanted = wanted.and_then(|w| languages.iter().find(|l| is_kind_of(l, w)));
    wanted.or(languages.first()).cloned()
}

/// Whether it is a title or a body.
pub(crate) fn is_text(element: &Element) -> bool {
    let is = |name| element.is(name, atom::NS);
    is("title") || is("content") || is("summary")
}

/// The title and the body in a language. A short post has no title.
fn contents(entry: &Element, lang: Option<&str>) -> (String, Safe) {
    let of = |name: &'static str| {
        let all: Vec<&Element> = atom::all(entry, name).filter(|e| is_readable(e)).collect();
        let in_lang = |e: &&Element| match lang_of(entry, e) {
            Some(l) => lang.is_some_and(|lang| l.eq_ignore_ascii_case(lang)),
            None => lang.is_none(),
        };
        let fitting: Vec<&Element> = all.iter().copied().filter(in_lang).collect();
        if fitting.is_empty() { all } else { fitting }
    };
    let title = of("title").into_iter().next().map(safe);
    let body = [of("content"), of("summary")]
        .into_iter()
        .map(|all| body(&all))
        .find(|body| !body.text.is_empty() || !body.html.is_empty());
    match (title, body) {
        (Some(title), Some(body)) if title.text == body.text => (String::new(), body),
        (Some(title), Some(body)) => (clip(one_line(&title.text), TITLE), body),
        (Some(title), None) => (String::new(), title),
        (None, body) => (String::new(), body.unwrap_or_default()),
    }
}

/// Of the alternatives, plain text for the text and markup for the HTML.
fn body(all: &[&Element]) -> Safe {
    let find = |is_plain: bool| all.iter().find(|e| (kind(e) == Kind::Text) == is_plain);
    match (find(true).map(|e| safe(e)), find(false).map(|e| safe(e))) {
        (Some(text), Some(markup)) if !markup.html.is_empty() => Safe {
            text: text.text,
            html: markup.html,
            reduced: text.reduced || markup.reduced,
        },
        (text, markup) => text.or(markup).unwrap_or_default(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Html,
    Xhtml,
    /// Pictures and other things that are no text for people.
    Other,
}

/// The type of a text construct or a content (RFC 4287 §3.1.1, §4.1.3.1).
fn kind(element: &Element) -> Kind {
    match element.attr("type").unwrap_or("text").trim() {
        "html" | "text/html" => Kind::Html,
        "xhtml" | "application/xhtml+xml" => Kind::Xhtml,
        "text" | "" => Kind::Text,
        media if media.starts_with("text/") => Kind::Text,
        _ => Kind::Other,
    }
}

/// Whether it is text for people, and here: a `src` points elsewhere.
fn is_readable(element: &Element) -> bool {
    kind(element) != Kind::Other && element.attr("src").is_none()
}

fn safe(element: &Element) -> Safe {
    match kind(element) {
        Kind::Html => html::clean(&element.text()),
        Kind::Xhtml => html::xhtml(element),
        Kind::Text | Kind::Other => html::plain(&element.text()),
    }
}

/// Who published it, and who it says that it is from.
fn author(entry: &Element, item: &Item, repeats: bool) -> Author {
    let person = entry.get_child("author", atom::NS);
    let said = person.and_then(atom::person_jid);
    let publisher = item
        .publisher
        .as_deref()
        .and_then(|p| jid::normalize(p).ok());
    // Only its owner writes into a person's blog, but others comment there.
    let is_personal = item.service.contains('@') && !item.node.starts_with(atom::COMMENTS);
    let owner = is_personal.then(|| xmpp::bare(&item.service).to_owned());
    let verified = item.verified && publisher.is_some();
    let jid = if verified {
        publisher
    } else {
        owner.or(publisher).or_else(|| said.clone())
    };
    let is_other = said.is_some() && said != jid;
    let name = person.and_then(|p| atom::text(p, "name")).map(word);
    Author {
        name: name.filter(|_| !is_other && !repeats),
        claimed: said.filter(|_| is_other && !repeats),
        verified,
        jid,
    }
}

fn times(entry: &Element, item: &Item) -> (String, String) {
    let seen = datetime::parse(&item.updated).unwrap_or_else(datetime::now_ms);
    let said = |name| atom::moment(entry, name).filter(|at| *at < seen + FUTURE);
    let first = datetime::parse(&item.stamp).unwrap_or(seen);
    let published = said("published")
        .or_else(|| said("updated"))
        .unwrap_or(first);
    let updated = said("updated").unwrap_or(published);
    (
        datetime::format(published),
        datetime::format(updated.max(published)),
    )
}

fn tags(entry: &Element) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for category in atom::all(entry, "category").take(MANY) {
        let term = category.attr("term").or(category.attr("label"));
        let tag = word(one_line(term.unwrap_or_default()));
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// The relation of a link (RFC 4287 §4.2.7.2).
pub(crate) fn rel(link: &Element) -> &str {
    link.attr("rel").unwrap_or("alternate")
}

/// The links whose relation fits.
fn hrefs<'a>(
    entry: &'a Element,
    fits: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = (&'a Element, String)> {
    atom::all(entry, "link")
        .filter(move |link| fits(rel(link)))
        .filter_map(|link| Some((link, link.attr("href")?.trim().to_owned())))
        .take(MANY)
}

fn links(entry: &Element) -> Vec<Link> {
    hrefs(entry, |rel| rel != "enclosure")
        .filter(|(_, href)| html::is_safe_link(href, &html::SCHEMES))
        .map(|(link, href)| Link {
            rel: word(rel(link).to_owned()),
            media_type: attribute(link, "type"),
            title: attribute(link, "title"),
            href,
        })
        .collect()
}

fn attachments(entry: &Element) -> Vec<Attachment> {
    hrefs(entry, |rel| rel == "enclosure")
        .filter(|(_, url)| html::is_safe_link(url, &["http", "https", "xmpp"]))
        .map(|(link, url)| Attachment {
            media_type: attribute(link, "type"),
            title: attribute(link, "title"),
            size: link.attr("length").and_then(|n| n.trim().parse().ok()),
            url,
        })
        .collect()
}

fn comments(entry: &Element) -> Vec<Place> {
    hrefs(entry, |rel| rel == "replies")
        .filter_map(|(_, href)| {
            let place = uri::parse(&href)?;
            Some(Place {
                service: jid::normalize(&place.service).ok()?,
                node: place.node.filter(|_| place.item.is_none())?,
            })
        })
        .collect()
}

fn origin(entry: &Element, links: &[Link]) -> Option<Origin> {
    let via = links.iter().find(|link| link.rel == "via")?;
    let place = uri::parse(&via.href);
    let person = entry.get_child("author", atom::NS);
    Some(Origin {
        uri: via.href.clone(),
        service: place.as_ref().map(|p| p.service.clone()),
        node: place.as_ref().and_then(|p| p.node.clone()),
        id: place.and_then(|p| p.item),
        jid: person.and_then(atom::person_jid),
        name: person.and_then(|p| atom::text(p, "name")).map(word),
    })
}

fn attribute(element: &Element, name: &str) -> Option<String> {
    let value = element.attr(name).map(|v| word(one_line(v)));
    value.filter(|v| !v.is_empty())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn word(text: String) -> String {
    clip(text, WORD)
}

fn clip(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
pub(crate) mod tests;
