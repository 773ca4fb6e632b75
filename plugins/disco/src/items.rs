//! disco#items: what an entity has (XEP-0030 §4).

use crate::bindings::sat::disco::types::Item;
use sat_sdk::{
    Error, fail,
    xml::{self, Element},
};

pub(crate) const NS: &str = "http://jabber.org/protocol/disco#items";

/// Reads a `<query/>`. Items without a JID are no items.
pub(crate) fn read(query: &Element) -> Result<Vec<Item>, Error> {
    if !query.is("query", NS) {
        fail!("bad-answer", "this is not disco#items");
    }
    Ok(xml::children(query, "item", NS).filter_map(item).collect())
}

fn item(element: &Element) -> Option<Item> {
    Some(Item {
        jid: element.attr("jid")?.to_owned(),
        node: element.attr("node").map(str::to_owned),
        name: element.attr("name").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_items() {
        let query = "<query xmlns='http://jabber.org/protocol/disco#items'>\
            <item jid='catalog.shakespeare.lit' node='books' name='Books'/><item node='x'/>\
            <item jid='plays.shakespeare.lit'/></query>";
        let items = read(&xml::parse(query).unwrap()).unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0].node.as_deref(), Some("books"));
        assert_eq!(
            (items[1].jid.as_str(), &items[1].name),
            ("plays.shakespeare.lit", &None)
        );
    }
}
