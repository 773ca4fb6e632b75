//! What we tell others about ourselves.

use crate::{
    bindings::sat::disco::types::{Identity, Info},
    caps::Caps,
    info, items,
};
use sat_sdk::{
    StanzaError, features,
    stanza::{Tag, tag},
    xml,
};

/// What the loaded plugins make of us.
pub(crate) fn own() -> Info {
    let all = features::all();
    let identity = |i: features::Identity| Identity {
        category: i.category,
        kind: i.kind,
        name: i.name,
        lang: None,
    };
    Info {
        identities: all.identities.into_iter().map(identity).collect(),
        features: all.features,
        forms: Vec::new(),
    }
}

/// Answers a `<query/>` of either namespace.
pub(crate) fn answer(payload: &str, own: &Info) -> Result<String, StanzaError> {
    let query = xml::parse(payload).map_err(|_| StanzaError::new("bad-request"))?;
    let node = query.attr("node").filter(|node| !node.is_empty());
    if query.is("query", items::NS) {
        return match node {
            None => Ok(self::query(items::NS, None).into()),
            Some(_) => Err(StanzaError::new("item-not-found")),
        };
    }
    // The only node is that of our capabilities (XEP-0115 §6.2).
    if node.is_some_and(|node| node != Caps::of(own).node()) {
        return Err(StanzaError::new("item-not-found"));
    }
    Ok(info::write(node, own).into())
}

/// A `<query/>`; an answer names the node that was asked for (XEP-0030 §3.2).
pub(crate) fn query(ns: &str, node: Option<&str>) -> Tag {
    tag("query").ns(ns).maybe("node", node)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Info {
        let name = Some("Salut à Toi".to_owned());
        let identity = Identity {
            category: "client".into(),
            kind: "console".into(),
            name,
            lang: None,
        };
        Info {
            identities: vec![identity],
            features: vec![info::NS.into()],
            forms: Vec::new(),
        }
    }

    #[test]
    fn answers_info_of_ourselves_and_of_our_caps_node() {
        let caps = Caps::of(&me());
        for node in [None, Some(caps.node())] {
            let asked = query(info::NS, node.as_deref()).to_string();
            let answer = xml::parse(&answer(&asked, &me()).unwrap()).unwrap();
            assert_eq!(answer.attr("node"), node.as_deref());
            let info = info::read(&answer).unwrap();
            assert!(caps.prove(&answer, &info));
        }
    }

    #[test]
    fn knows_no_other_node_and_has_no_items() {
        for (ns, node) in [(info::NS, "https://salut-a-toi.org#old"), (items::NS, "x")] {
            let error = answer(&query(ns, Some(node)).to_string(), &me()).unwrap_err();
            assert_eq!(error.condition, "item-not-found");
        }
        let none = answer(&query(items::NS, None).to_string(), &me()).unwrap();
        assert!(items::read(&xml::parse(&none).unwrap()).unwrap().is_empty());
        assert_eq!(
            answer("<query", &me()).unwrap_err().condition,
            "bad-request"
        );
    }
}
