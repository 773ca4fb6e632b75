//! Finding links in messages, and in pages what they say about themselves (Open Graph, and what
//! HTML has always had).

use crate::Preview;
use sat_sdk::payload;

/// Longest title, longest description, in characters.
const TITLE: usize = 200;
const DESCRIPTION: usize = 500;
/// Longest address of a picture, in bytes.
const PICTURE: usize = 2000;

/// The first link in a text.
pub(crate) fn first_link(text: &str) -> Option<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "<>\"".contains(c));
    let mut links = words.filter_map(|word| {
        let link = word.get(word.find("https://").or_else(|| word.find("http://"))?..)?;
        // What ends a sentence is no part of it.
        let link = link.trim_end_matches(|c| ".,;:!?)]}'".contains(c));
        link.split_once("://")
            .filter(|(_, host)| !host.is_empty())
            .map(|_| link)
    });
    links.next()
}

/// What a page says about itself; none when that is nothing.
pub(crate) fn preview(html: &str, url: &str) -> Option<Preview> {
    // Names of elements are of any case. ASCII letters are a byte in both.
    let lower = html.to_ascii_lowercase();
    let mut found = Preview {
        url: url.into(),
        title: None,
        description: None,
        picture: None,
    };
    let (mut title, mut description) = (None, None);
    for (start, _) in lower.match_indices("<meta") {
        let Some(tag) = html
            .get(start..)
            .and_then(|rest| rest.split_inclusive('>').next())
        else {
            continue;
        };
        let name = payload::attribute(tag, "property").or_else(|| payload::attribute(tag, "name"));
        let content = payload::attribute(tag, "content");
        let (Some(name), Some(content)) = (name, content) else {
            continue;
        };
        let field = match name.as_str() {
            "og:title" => &mut found.title,
            "og:description" => &mut found.description,
            "og:image" => &mut found.picture,
            "description" => &mut description,
            _ => continue,
        };
        field.get_or_insert(content);
    }
    if let (Some(start), Some(end)) = (lower.find("<title"), lower.find("</title>")) {
        title = html
            .get(start..end)
            .map(|t| payload::text(&format!("{t}</title>")));
    }
    found.title = clipped(found.title.or(title), TITLE);
    found.description = clipped(found.description.or(description), DESCRIPTION);
    // One that frontends can fetch as it is, and nothing that they would run.
    let is_link = |p: &String| first_link(p) == Some(p) && p.len() <= PICTURE;
    found.picture = found.picture.filter(is_link);
    (found.title.is_some() || found.description.is_some()).then_some(found)
}

/// A text without more blanks than it needs, cut where it is too long.
fn clipped(text: Option<String>, longest: usize) -> Option<String> {
    let text = text?.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut clipped: String = text.chars().take(longest).collect();
    if clipped.len() < text.len() {
        clipped.push('…');
    }
    (!clipped.is_empty()).then_some(clipped)
}
