//! Questions to the archive and its answers, as XML.

use sat_sdk::{
    Error,
    forms::Form,
    rsm,
    stanza::{Tag, tag},
    xml,
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
pub(crate) fn query(id: &str, filter: &Filter, max: u32, position: rsm::Position<'_>) -> Tag {
    let form = Form::submit(NS)
        .with("with", filter.with.as_deref())
        .with("start", filter.start.as_deref());
    let asked = (*filter != Filter::default()).then(|| form.tag());
    let query = tag("query").ns(NS).attr("queryid", id).children(asked);
    query.raw(&rsm::request(max, position))
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
    let fin = xml::parse_as(answer, "fin", NS)?;
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
        let plain = xml::parse(&plain.to_string()).unwrap();
        assert_eq!(
            (plain.attr("queryid"), plain.children().count()),
            (Some("q1"), 1)
        );
        let filter = Filter {
            with: Some("juliet@capulet.lit".into()),
            start: Some("2024-01-01T00:00:00.000Z".into()),
        };
        let full = query("q2", &filter, 50, Position::Last).to_string();
        let form = Form::of(&xml::parse(&full).unwrap()).unwrap();
        assert_eq!(form.form_type(), Some(NS));
        assert_eq!(form.value("with"), Some("juliet@capulet.lit"));
        assert_eq!(form.value("start"), Some("2024-01-01T00:00:00.000Z"));
        assert_eq!(form.fields.len(), 3);
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
