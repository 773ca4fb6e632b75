//! What services answer and tell, as XML (XEP-0060).

use crate::{
    form,
    payload::Payload,
    place::is_name,
    request::{NS, OWNER},
};
use sat_sdk::{
    Error, datetime, rsm,
    xml::{self, Element},
};

/// An item as a service sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) id: String,
    /// What the service says of it.
    pub(crate) publisher: Option<String>,
    /// Empty when it came without.
    pub(crate) payload: Payload,
    /// When it was published, in milliseconds since 1970, if the service says so.
    pub(crate) stamp: Option<i64>,
}

/// Items of one answer, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Items {
    pub(crate) items: Vec<Item>,
    /// Whether the service has more than these: it says so, or some were left out here.
    pub(crate) cut: bool,
    /// The service's page.
    pub(crate) page: rsm::Page,
    /// Items that were longer than [`crate::payload::PAYLOAD`].
    pub(crate) too_long: usize,
}

/// Reads an answer to a question of a node's items. Items of another node than was asked for are
/// none.
pub(crate) fn items(answer: &str, node: &str) -> Result<Items, Error> {
    let answer = xml::parse(answer)?;
    let items = answer
        .get_child("items", NS)
        .filter(|_| answer.is("pubsub", NS))
        .ok_or_else(|| bad("items"))?;
    if items.attr("node").is_some_and(|n| n != node) {
        return Err(Error::new(
            "bad-answer",
            "the service answered with items of another node than was asked for",
        ));
    }
    let mut read = self::read_items(items, NS);
    read.page = rsm::page(&answer);
    read.cut = read
        .page
        .count
        .is_some_and(|n| n > items.children().count() as u64);
    Ok(read)
}

/// Reads the `<item/>` elements of a list.
pub(crate) fn read_items(list: &Element, ns: &str) -> Items {
    let mut read = Items::default();
    for item in list.children().filter(|e| e.is("item", ns)) {
        let Some(id) = item.attr("id").filter(|id| is_name(id)) else {
            continue;
        };
        let payload = match item.children().next().map(Payload::of) {
            Some(Some(payload)) => payload,
            None => Payload::default(),
            Some(None) => {
                read.too_long += 1;
                continue;
            }
        };
        read.items.push(Item {
            id: id.to_owned(),
            publisher: item
                .attr("publisher")
                .filter(|jid| is_name(jid))
                .map(str::to_owned),
            payload,
            stamp: None,
        });
    }
    read
}

/// The time of a delayed notification (XEP-0203), if it is one.
pub(crate) fn delay(stamp: &str) -> Option<i64> {
    datetime::parse(stamp).map(|ms| ms.clamp(0, datetime::now_ms()))
}

/// The id in the answer to a publication, if there is one.
pub(crate) fn published(answer: &str) -> Option<String> {
    let answer = xml::parse(answer).ok()?;
    let item = answer.get_child("publish", NS)?.get_child("item", NS)?;
    item.attr("id").filter(|id| is_name(id)).map(str::to_owned)
}

/// The node in the answer to a creation, if there is one.
pub(crate) fn created(answer: &str) -> Option<String> {
    let answer = xml::parse(answer).ok()?;
    let node = answer.get_child("create", NS)?.attr("node")?;
    is_name(node).then(|| node.to_owned())
}

/// The configuration of a node, or of new ones.
pub(crate) fn configuration(answer: &str) -> Result<Vec<(String, String)>, Error> {
    let answer = xml::parse(answer)?;
    let inside = ["configure", "default"]
        .into_iter()
        .find_map(|name| answer.get_child(name, OWNER))
        .ok_or_else(|| bad("configure"))?;
    Ok(form::read(inside))
}

/// The attributes of an entry in a list of affiliations or subscriptions.
pub(crate) struct Entry {
    pub(crate) node: Option<String>,
    pub(crate) jid: Option<String>,
    /// The affiliation, or the state of the subscription.
    pub(crate) state: String,
    pub(crate) subid: Option<String>,
}

/// Reads lists of affiliations (`affiliation`) or subscriptions (`subscription`). What the list
/// says of its node goes for its entries.
pub(crate) fn entries(answer: &str, name: &str) -> Result<Vec<Entry>, Error> {
    let answer = xml::parse(answer)?;
    let ns = answer.ns();
    let list = answer
        .get_child(format!("{name}s"), ns.as_str())
        .filter(|_| ns == NS || ns == OWNER)
        .ok_or_else(|| bad(&format!("{name}s")))?;
    let entry = |e: &Element| {
        let text = |name| e.attr(name).map(str::to_owned);
        Some(Entry {
            node: text("node").or_else(|| list.attr("node").map(str::to_owned)),
            jid: text("jid"),
            state: text(name)?,
            subid: text("subid"),
        })
    };
    Ok(list
        .children()
        .filter(|e| e.is(name, ns.as_str()))
        .filter_map(entry)
        .collect())
}

/// The subscription in the answer to `<subscribe/>`: its state and id. Without one, it is as
/// asked for.
pub(crate) fn subscribed(answer: &str) -> (String, Option<String>) {
    let answer = xml::parse(answer).ok();
    let found = answer
        .as_ref()
        .and_then(|a| a.get_child("subscription", NS));
    let text = |name| found.and_then(|s| s.attr(name)).map(str::to_owned);
    (
        text("subscription").unwrap_or_else(|| "subscribed".into()),
        text("subid"),
    )
}

fn bad(what: &str) -> Error {
    Error::new(
        "bad-answer",
        format!("the service's answer has no <{what}/>"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::PAYLOAD;

    fn pubsub(inside: &str) -> String {
        format!("<pubsub xmlns='{NS}'>{inside}</pubsub>")
    }

    #[test]
    fn reads_items_of_6_5_4() {
        let set = "<set xmlns='http://jabber.org/protocol/rsm'><first index='0'>3688</first>\
                   <last>4e30</last><count>19</count></set>";
        let list = "<items node='princely_musings'><item id='3688' publisher='hamlet@denmark.lit'>\
                    <entry xmlns='http://www.w3.org/2005/Atom'><title>The Uses</title></entry>\
                    </item><item id='4e30'/><item/></items>";
        let read = items(&pubsub(&format!("{list}{set}")), "princely_musings").unwrap();
        let [first, second] = <[Item; 2]>::try_from(read.items).unwrap();
        assert_eq!(first.publisher.as_deref(), Some("hamlet@denmark.lit"));
        assert_eq!(first.payload.element, "entry");
        assert_eq!(first.payload.namespace, "http://www.w3.org/2005/Atom");
        assert_eq!(
            (second.id.as_str(), second.payload),
            ("4e30", Payload::default())
        );
        assert!(read.cut);
        assert_eq!(read.page.last.as_deref(), Some("4e30"));
        assert!(!items(&pubsub(list), "princely_musings").unwrap().cut);
    }

    #[test]
    fn foreign_nodes_and_other_answers_are_refused() {
        for bad in [
            pubsub("<items node='another'/>"),
            pubsub("<subscriptions/>"),
            "<pubsub xmlns='x'><items xmlns='http://jabber.org/protocol/pubsub'/></pubsub>".into(),
            String::new(),
        ] {
            assert!(items(&bad, "princely_musings").is_err(), "{bad}");
        }
    }

    #[test]
    fn giants_are_left_out() {
        let giant = format!(
            "<item id='a'><x xmlns='y'>{}</x></item>",
            "z".repeat(PAYLOAD)
        );
        let name = format!("<item id='{}'><x xmlns='y'/></item>", "i".repeat(2000));
        let list =
            format!("<items node='n'>{giant}{name}<item id='b'><x xmlns='y'/></item></items>");
        let read = items(&pubsub(&list), "n").unwrap();
        assert_eq!(read.too_long, 1);
        assert_eq!(read.items.iter().map(|i| &*i.id).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn reads_the_small_answers() {
        let publish = "<publish node='princely_musings'><item id='ae89'/></publish>";
        assert_eq!(published(&pubsub(publish)).as_deref(), Some("ae89"));
        assert_eq!(published(""), None);
        let create = "<create node='25e3d37dabbab9541f7523321421edc5bfeb2dae'/>";
        assert!(created(&pubsub(create)).is_some());
        let subscription = "<subscription node='n' jid='francisco@denmark.lit' subid='ba49' \
                            subscription='pending'/>";
        let (state, subid) = subscribed(&pubsub(subscription));
        assert_eq!(
            (state.as_str(), subid.as_deref()),
            ("pending", Some("ba49"))
        );
        assert_eq!(subscribed("").0, "subscribed");
    }

    #[test]
    fn reads_entries_of_5_6_and_8_9() {
        let list = "<subscriptions><subscription node='node1' jid='francisco@denmark.lit' \
                    subscription='subscribed'/><subscription node='node6' jid='a@b' \
                    subscription='unconfigured' subid='123-abc'/></subscriptions>";
        let read = entries(&pubsub(list), "subscription").unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].node.as_deref(), Some("node1"));
        assert_eq!(read[1].subid.as_deref(), Some("123-abc"));
        let owner = format!(
            "<pubsub xmlns='{OWNER}'><affiliations node='n'><affiliation jid='hamlet@denmark.lit' \
             affiliation='owner'/><other/></affiliations></pubsub>"
        );
        let read = entries(&owner, "affiliation").unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(
            (read[0].node.as_deref(), &*read[0].state),
            (Some("n"), "owner")
        );
        assert!(entries(&pubsub("<affiliations/>"), "subscription").is_err());
    }
}
