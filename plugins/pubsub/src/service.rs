//! What services are and can do.

use crate::{
    ask,
    bindings::sat::{
        disco::{disco, types::Info},
        pubsub::types::{Node, NodePage, NodesRequest, ServiceInfo},
    },
    cursor, place,
    request::{NS, ORDER, PAM, PUBLIC},
};
use sat_sdk::{
    Error,
    xml::{self, Element, escape},
    xmpp,
};
use std::{cell::RefCell, collections::BTreeMap};

/// Services whose features are remembered, until the next connection.
const REMEMBERED: usize = 256;
/// Longest answer that is taken for a whole one, in bytes: of longer ones the host may have left
/// the end out.
pub(crate) const WHOLE: usize = 256 << 10;
pub(crate) const DISCO_ITEMS: &str = "http://jabber.org/protocol/disco#items";

thread_local! {
    static SERVICES: RefCell<BTreeMap<String, Vec<String>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Words for features beyond those of XEP-0060.
const WORDS: [(&str, &str); 5] = [
    ("http://jabber.org/protocol/rsm", "rsm"),
    (ORDER, "order-by"),
    (PAM, "pam"),
    (PUBLIC, "public-subscriptions"),
    ("urn:xmpp:mam:2", "mam"),
];

/// Features that are used here, and what their absence means.
const WANTED: [(&str, &str); 14] = [
    ("publish", "nothing can be published"),
    (
        "publish-options",
        "nodes are configured before something is published with options",
    ),
    (
        "auto-create",
        "nodes are created before the first publication",
    ),
    ("create-nodes", "nodes can't be created"),
    ("config-node", "nodes can't be configured"),
    (
        "persistent-items",
        "items are lost after their notification",
    ),
    (
        "retrieve-items",
        "items can't be read, so following misses what came before",
    ),
    ("retract-items", "items can't be taken back"),
    ("purge-nodes", "items can be taken back one by one only"),
    ("delete-nodes", "nodes can't be deleted"),
    (
        "subscribe",
        "new items of followed nodes come with the next comparison only",
    ),
    (
        "modify-affiliations",
        "who may publish and read can't be set",
    ),
    ("rsm", "long nodes are read by the ids of their items"),
    ("order-by", "items can't be asked for by `creation`"),
];

/// What a service can do: words. Empty when that can't be found out.
pub(crate) async fn features(service: &str) -> Vec<String> {
    if let Some(known) = SERVICES.with_borrow(|all| all.get(service).cloned()) {
        return known;
    }
    let Ok(info) = disco::info(Some(service.to_owned()), None).await else {
        return Vec::new();
    };
    let words = words(&info.features);
    SERVICES.with_borrow_mut(|all| {
        if all.len() >= REMEMBERED {
            all.pop_first();
        }
        all.insert(service.to_owned(), words.clone());
    });
    words
}

/// Forgets what services can do: they may be others after a reconnection.
pub(crate) fn forget() {
    SERVICES.with_borrow_mut(BTreeMap::clear);
}

/// Whether a service can do something, as far as it says so.
pub(crate) async fn has(service: &str, feature: &str) -> bool {
    features(service).await.iter().any(|f| f == feature)
}

fn words(features: &[String]) -> Vec<String> {
    let word = |feature: &String| {
        let feature = feature.as_str();
        if let Some(word) = feature.strip_prefix(NS) {
            return word.strip_prefix('#').map(str::to_owned);
        }
        let known = WORDS.iter().find(|(name, _)| *name == feature);
        known.map(|(_, word)| (*word).to_owned())
    };
    let mut words: Vec<String> = features.iter().filter_map(word).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// What a service is and can do, for people.
pub(crate) async fn service(service: Option<String>) -> Result<ServiceInfo, Error> {
    let service = place::service(service.as_deref())?;
    let info = disco::info(Some(service.clone()), None).await?;
    describe(service, &info)
}

fn describe(service: String, info: &Info) -> Result<ServiceInfo, Error> {
    let features = words(&info.features);
    let pubsub = info.identities.iter().filter(|i| i.category == "pubsub");
    let identity = pubsub.max_by_key(|i| i.kind == "pep" || i.kind == "service");
    if identity.is_none() && !info.features.iter().any(|f| f == NS) {
        return Err(Error::new(
            "feature-not-implemented",
            format!("{service} is no pubsub service: it lacks the feature `{NS}`"),
        ));
    }
    let has = |word: &str| features.iter().any(|f| f == word);
    // Two words for one thing.
    let can = |word: &str| has(word) || word == "retract-items" && has("delete-items");
    let missing = WANTED.iter().filter(|(word, _)| !can(word));
    let missing = missing.map(|(word, what)| format!("{word}: {what}"));
    Ok(ServiceInfo {
        kind: identity.map_or("service", |i| i.kind.as_str()).to_owned(),
        name: identity.and_then(|i| i.name.clone()),
        missing: missing.collect(),
        features,
        service,
    })
}

/// What disco#items says: the items as elements, and whether those are all.
pub(crate) async fn disco_items(
    service: &str,
    node: Option<&str>,
) -> Result<(Vec<Element>, bool), Error> {
    let node = node.map_or_else(String::new, |n| format!(" node='{}'", escape(n)));
    let query = format!("<query xmlns='{DISCO_ITEMS}'{node}/>");
    let answer = ask::get(service, query, "disco#items").await?;
    let whole = answer.len() < WHOLE;
    let query = xml::parse(&answer)?;
    if !query.is("query", DISCO_ITEMS) {
        return Err(Error::new(
            "bad-answer",
            format!("{service} answered something else than was asked"),
        ));
    }
    let items: Vec<_> = query
        .children()
        .filter(|e| e.is("item", DISCO_ITEMS))
        .cloned()
        .collect();
    let count = sat_sdk::rsm::page(&query).count;
    let all = whole && count.is_none_or(|n| n <= items.len() as u64);
    Ok((items, all))
}

/// The nodes of a service.
pub(crate) async fn nodes(request: NodesRequest) -> Result<NodePage, Error> {
    let service = place::service(request.service.as_deref())?;
    let limit = cursor::node_limit(request.limit)?;
    let (items, all) = disco_items(&service, request.collection.as_deref()).await?;
    page(&service, &items, all, limit, request.after.as_deref())
}

fn page(
    service: &str,
    items: &[Element],
    all: bool,
    limit: usize,
    after: Option<&str>,
) -> Result<NodePage, Error> {
    let mut nodes: Vec<Node> = items
        .iter()
        .filter(|e| e.attr("jid").is_none_or(|jid| xmpp::bare(jid) == service))
        .filter_map(|e| {
            Some(Node {
                service: service.to_owned(),
                node: e.attr("node").filter(|n| place::is_name(n))?.to_owned(),
                name: e.attr("name").map(str::to_owned),
            })
        })
        .collect();
    if let Some(after) = after {
        let at = nodes.iter().position(|n| n.node == after);
        let at = at.ok_or_else(|| {
            Error::new("item-not-found", format!("{service} has no node “{after}”"))
        })?;
        nodes.drain(..=at);
    }
    let complete = all && nodes.len() <= limit;
    nodes.truncate(limit);
    Ok(NodePage {
        first: nodes.first().map(|n| n.node.clone()),
        last: nodes.last().map(|n| n.node.clone()),
        items: nodes,
        complete,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::sat::disco::types::Identity;

    fn info(kind: &str, features: &[&str]) -> Info {
        Info {
            identities: vec![Identity {
                category: "pubsub".into(),
                kind: kind.into(),
                name: Some("Musings".into()),
                lang: None,
            }],
            features: features.iter().map(|f| (*f).to_owned()).collect(),
            forms: Vec::new(),
        }
    }

    #[test]
    fn says_what_is_there_and_what_is_missing() {
        let features = [
            "http://jabber.org/protocol/pubsub",
            "http://jabber.org/protocol/pubsub#publish",
            "http://jabber.org/protocol/pubsub#rsm",
            "http://jabber.org/protocol/rsm",
            "http://jabber.org/protocol/pubsub#delete-items",
            "urn:xmpp:order-by:1",
            "jabber:iq:version",
        ];
        let described = describe("pubsub.capulet.lit".into(), &info("service", &features)).unwrap();
        assert_eq!(
            described.features,
            ["delete-items", "order-by", "publish", "rsm"]
        );
        assert_eq!(
            (&*described.kind, described.name.as_deref()),
            ("service", Some("Musings"))
        );
        let missing = |word: &str| described.missing.iter().any(|m| m.starts_with(word));
        assert!(missing("create-nodes:") && missing("purge-nodes:"));
        assert!(!missing("publish:") && !missing("retract-items") && !missing("order-by"));
        let mut none = info("service", &["jabber:iq:version"]);
        none.identities.clear();
        let error = describe("capulet.lit".into(), &none).unwrap_err();
        assert_eq!(error.code, "feature-not-implemented");
    }

    #[test]
    fn pages_nodes() {
        let items: Vec<_> = ["a", "b", "c", "d"]
            .iter()
            .map(|n| {
                xml::parse(&format!(
                    "<item xmlns='{DISCO_ITEMS}' jid='s.lit' node='{n}'/>"
                ))
                .unwrap()
            })
            .collect();
        let names = |page: &NodePage| {
            page.items
                .iter()
                .map(|n| n.node.clone())
                .collect::<String>()
        };
        let first = page("s.lit", &items, true, 3, None).unwrap();
        assert_eq!((names(&first).as_str(), first.complete), ("abc", false));
        let rest = page("s.lit", &items, true, 3, first.last.as_deref()).unwrap();
        assert_eq!((names(&rest).as_str(), rest.complete), ("d", true));
        assert!(!page("s.lit", &items, false, 10, None).unwrap().complete);
        assert!(page("s.lit", &items, true, 3, Some("x")).is_err());
        // Items of others are no nodes of this service.
        assert!(
            page("other.lit", &items, true, 3, None)
                .unwrap()
                .items
                .is_empty()
        );
    }
}
