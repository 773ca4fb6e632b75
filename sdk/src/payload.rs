//! Payloads as handlers get them, one element as XML text each, read without building a tree:
//! what a handler of every message wants to do. A plugin that reads all its payloads so is 70 KB
//! smaller, since it links no parser.

use std::borrow::Cow;

/// The name of the element: `body` of `<body xmlns='jabber:client'>Hi</body>`.
pub fn name(payload: &str) -> &str {
    let name = payload.trim_start().strip_prefix('<').unwrap_or_default();
    let end = name.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'));
    name.get(..end.unwrap_or(name.len())).unwrap_or_default()
}

/// The value of an attribute of the element, under the name that it has in the text.
pub fn attribute(payload: &str, name: &str) -> Option<String> {
    let (tag, _) = start_tag(payload)?;
    let mut rest = tag;
    while let Some((before, after)) = rest.split_once('=') {
        let found = before.split_whitespace().next_back()?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (value, behind) = after.get(1..)?.split_once(quote)?;
        if found == name {
            return Some(unescape(value).into_owned());
        }
        rest = behind;
    }
    None
}

/// The text of the element, without that of elements in it.
pub fn text(payload: &str) -> String {
    let Some((tag, content)) = start_tag(payload) else {
        return String::new();
    };
    if tag.ends_with('/') {
        return String::new();
    }
    let content = content
        .rfind("</")
        .and_then(|end| content.get(..end))
        .unwrap_or_default();
    unescape(&outside_of_elements(content)).into_owned()
}

/// What of a content is not in elements of its own.
fn outside_of_elements(content: &str) -> Cow<'_, str> {
    let Some((first, mut rest)) = content.split_once('<') else {
        return Cow::Borrowed(content);
    };
    let (mut out, mut depth) = (first.to_owned(), 0usize);
    while let Some((tag, behind)) = tag(rest) {
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => depth = depth.saturating_sub(1),
            (false, true) => {}
            (false, false) => depth += 1,
        }
        let (text, next) = behind.split_once('<').unwrap_or((behind, ""));
        if depth == 0 {
            out.push_str(text);
        }
        rest = next;
    }
    Cow::Owned(out)
}

/// What is inside of the start tag, and what comes behind it.
fn start_tag(payload: &str) -> Option<(&str, &str)> {
    tag(payload.trim_start().strip_prefix('<')?)
}

/// What is inside of a tag whose `<` is gone, and what comes behind it.
fn tag(payload: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let end = payload.find(|c: char| {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), _) if q == c => quote = None,
            _ => {}
        }
        quote.is_none() && c == '>'
    })?;
    Some((payload.get(..end)?, payload.get(end + 1..)?))
}

/// Replaces the references that XML knows without a DTD (XML 1.0 §4.1, §4.6).
fn unescape(text: &str) -> Cow<'_, str> {
    let Some((first, rest)) = text.split_once('&') else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len());
    out.push_str(first);
    for part in rest.split('&') {
        let Some((reference, behind)) = part.split_once(';') else {
            out.push('&');
            out.push_str(part);
            continue;
        };
        let number = |digits: &str, radix| {
            u32::from_str_radix(digits, radix)
                .ok()
                .and_then(char::from_u32)
        };
        let c = match reference {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => match reference.strip_prefix('#') {
                Some(n) => n
                    .strip_prefix('x')
                    .map_or_else(|| number(n, 10), |hex| number(hex, 16)),
                None => None,
            },
        };
        out.push(c.unwrap_or('\u{fffd}'));
        out.push_str(behind);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml;

    #[test]
    fn reads_what_minidom_writes() {
        let said = "a < b && \"c\" > 'd'\n\té \u{1F600} </body>";
        let body = xml::Element::builder("body", "jabber:client")
            .append(said)
            .build();
        let body = xml::text(&body);
        assert_eq!((name(&body), text(&body).as_str()), ("body", said));
        let id =
            xml::parse("<origin-id xmlns='urn:xmpp:sid:0' other='1' id='x=&lt;&apos;&gt;&#x41;'/>")
                .unwrap();
        let id = xml::text(&id);
        assert_eq!(name(&id), "origin-id");
        assert_eq!(attribute(&id, "id").as_deref(), Some("x=<'>A"));
        assert_eq!(attribute(&id, "xmlns").as_deref(), Some("urn:xmpp:sid:0"));
        assert_eq!((attribute(&id, "i"), text(&id).as_str()), (None, ""));
    }

    #[test]
    fn takes_only_the_elements_own_text() {
        assert_eq!(
            text("<body xmlns='jabber:client'>a<b xmlns='x'>no</b>c</body>"),
            "ac"
        );
        let nested = "<a>1<b c='>'>2<b/>3<d>4</d></b>5&amp;<e/>6<f>7</f></a>";
        assert_eq!(text(nested), "15&6");
        assert_eq!(
            xml::parse(&nested.replacen("<a", "<a xmlns='x'", 1))
                .unwrap()
                .text(),
            "15&6"
        );
        assert_eq!(text("<a title='>'>b</a>"), "b");
        assert_eq!(
            attribute("<a b = \"c\" >d='e'</a>", "b").as_deref(),
            Some("c")
        );
        assert_eq!(attribute("<a b='c'>d='e'</a>", "d"), None);
    }

    #[test]
    fn what_is_no_xml_has_nothing() {
        for bad in [
            "", "<", "<a", "<a b", "<a b=", "<a b='", "a", "<a>b", "<a b='c", "<>", "é", "<a b=c>",
        ] {
            assert_eq!(text(bad), "", "{bad}");
            assert_eq!(attribute(bad, "b"), None, "{bad}");
            name(bad);
        }
        assert_eq!(text("<a>&bad;&#0;&#xffffffff;&</a>"), "\u{fffd}\0\u{fffd}&");
    }
}
