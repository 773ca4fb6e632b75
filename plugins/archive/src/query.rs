//! Questions to the archive and its answers, as XML.

use sat_sdk::{
    Error, rsm,
    xml::{self, escape},
};

pub(crate) const NS: &str = "urn:xmpp:mam:2";

/// Which messages to ask for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// To or from this JID.
    pub(crate) with: Option<String>,
    /// Not before this moment.
    pub(crate) start: Option<String>,
}

/// The `<query/>` for a page.
pub(crate) fn query(id: &str, filter: &Filter, max: u32, position: rsm::Position<'_>) -> String {
    let field = |name: &str, value: &Option<String>| {
        let value = value.as_deref().map(escape)?;
        Some(format!(
            "<field var='{name}'><value>{value}</value></field>"
        ))
    };
    let fields: Vec<_> = [field("with", &filter.with), field("start", &filter.start)]
        .into_iter()
        .flatten()
        .collect();
    let form = if fields.is_empty() {
        String::new()
    } else {
        format!(
            "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>\
             <value>{NS}</value></field>{}</x>",
            fields.concat()
        )
    };
    let set = rsm::request(max, position);
    format!(
        "<query xmlns='{NS}' queryid='{}'>{form}{set}</query>",
        escape(id)
    )
}

/// How a page ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fin {
    /// Ids of the first and the last message of the page.
    pub(crate) page: rsm::Page,
    /// Whether there are no more in this direction.
    pub(crate) complete: bool,
    /// Whether the archive may still change its mind (§5.3).
    pub(crate) unstable: bool,
}

/// Reads the answer to a query.
pub(crate) fn fin(answer: &str) -> Result<Fin, Error> {
    let fin = xml::parse(answer)?;
    if !fin.is("fin", NS) {
        return Err(Error::new(
            "bad-answer",
            "the archive's answer has no <fin/>",
        ));
    }
    let is = |name: &str, words: [&str; 2]| fin.attr(name).is_some_and(|v| words.contains(&v));
    Ok(Fin {
        page: rsm::page(&fin),
        complete: is("complete", ["true", "1"]),
        unstable: is("stable", ["false", "0"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sat_sdk::rsm::Position;

    #[test]
    fn asks() {
        let plain = query("q1", &Filter::default(), 100, Position::After("a'1"));
        let plain = xml::parse(&plain).unwrap();
        assert_eq!(
            (plain.attr("queryid"), plain.children().count()),
            (Some("q1"), 1)
        );
        let filter = Filter {
            with: Some("juliet@capulet.lit".into()),
            start: Some("2024-01-01T00:00:00.000Z".into()),
        };
        let full = xml::parse(&query("q2", &filter, 50, Position::Last)).unwrap();
        let form = full.get_child("x", "jabber:x:data").unwrap();
        let fields: Vec<_> = form
            .children()
            .map(|f| (f.attr("var").unwrap(), f.children().next().unwrap().text()))
            .collect();
        assert_eq!(
            fields,
            [
                ("FORM_TYPE", NS.to_owned()),
                ("with", "juliet@capulet.lit".to_owned()),
                ("start", "2024-01-01T00:00:00.000Z".to_owned()),
            ]
        );
    }

    #[test]
    fn reads_the_end() {
        let set =
            "<set xmlns='http://jabber.org/protocol/rsm'><first>a</first><last>b</last></set>";
        let read =
            |attributes: &str| fin(&format!("<fin xmlns='{NS}' {attributes}>{set}</fin>")).unwrap();
        let last = read("complete='true'");
        assert!(last.complete && !last.unstable);
        assert_eq!(last.page.last.as_deref(), Some("b"));
        let unstable = read("stable='false'");
        assert!(unstable.unstable && !unstable.complete);
        for bad in ["", "<fin/>", "<query xmlns='urn:xmpp:mam:2'/>"] {
            assert!(fin(bad).is_err(), "{bad}");
        }
    }
}
