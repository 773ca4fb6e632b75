//! Pages of long lists (XEP-0059: Result Set Management).

use crate::xml::{Element, escape};

const NS: &str = "http://jabber.org/protocol/rsm";

/// Where a page begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position<'a> {
    /// The first page.
    First,
    /// The page behind the item with this id.
    After(&'a str),
    /// The page before the item with this id.
    Before(&'a str),
    /// The last page.
    Last,
}

/// The `<set/>` that asks for a page of at most `max` items.
pub fn request(max: u32, position: Position<'_>) -> String {
    let position = match position {
        Position::First => String::new(),
        Position::After(id) => format!("<after>{}</after>", escape(id)),
        Position::Before(id) => format!("<before>{}</before>", escape(id)),
        Position::Last => "<before/>".into(),
    };
    format!("<set xmlns='{NS}'><max>{max}</max>{position}</set>")
}

/// What an answer says of its page.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Page {
    /// Id of its first item; none when the page is empty.
    pub first: Option<String>,
    /// Id of its last item; none when the page is empty.
    pub last: Option<String>,
    /// How many items there are on all pages, if the answer says so.
    pub count: Option<u64>,
}

/// The page that the `<set/>` in `answer` describes; an empty one when there is none.
pub fn page(answer: &Element) -> Page {
    let Some(set) = answer.get_child("set", NS) else {
        return Page::default();
    };
    let text = |name| {
        set.get_child(name, NS)
            .map(Element::text)
            .filter(|text| !text.is_empty())
    };
    Page {
        first: text("first"),
        last: text("last"),
        count: text("count").and_then(|n| n.trim().parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    #[test]
    fn asks() {
        for (position, xml) in [
            (Position::First, ""),
            (Position::After("<1>"), "<after>&lt;1&gt;</after>"),
            (Position::Before("2"), "<before>2</before>"),
            (Position::Last, "<before/>"),
        ] {
            let expected =
                format!("<set xmlns='http://jabber.org/protocol/rsm'><max>7</max>{xml}</set>");
            assert_eq!(request(7, position), expected);
        }
    }

    #[test]
    fn reads() {
        let set = "<first index='0'>a</first><last>b</last><count>20</count>";
        let fin = parse(&format!(
            "<fin xmlns='x'><set xmlns='http://jabber.org/protocol/rsm'>{set}</set></fin>"
        ));
        let expected = Page {
            first: Some("a".into()),
            last: Some("b".into()),
            count: Some(20),
        };
        assert_eq!(page(&fin.unwrap()), expected);
        assert_eq!(
            page(&parse("<fin xmlns='x'><set xmlns='x'/></fin>").unwrap()),
            Page::default()
        );
    }
}
