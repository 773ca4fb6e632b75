//! Questions to services, as XML (XEP-0060).

use crate::form;
use sat_sdk::{rsm, xml::escape};

pub(crate) const NS: &str = "http://jabber.org/protocol/pubsub";
pub(crate) const OWNER: &str = "http://jabber.org/protocol/pubsub#owner";
/// XEP-0413.
pub(crate) const ORDER: &str = "urn:xmpp:order-by:1";
/// XEP-0376 and XEP-0465.
pub(crate) const PAM: &str = "urn:xmpp:pam:0";
pub(crate) const PUBLIC: &str = "urn:xmpp:pps:0";

/// Options as requests have them.
pub(crate) type Options = [(String, String)];

fn pubsub(ns: &str, inside: &str) -> String {
    format!("<pubsub xmlns='{ns}'>{inside}</pubsub>")
}

fn node(name: Option<&str>) -> String {
    name.map_or_else(String::new, |n| format!(" node='{}'", escape(n)))
}

/// §7.1.1: one item, since many services take only the first of several.
pub(crate) fn publish(to: &str, id: &str, payload: &str, options: &Options) -> String {
    let preconditions = if options.is_empty() {
        String::new()
    } else {
        let form = form::submit(form::PUBLISH, options);
        format!("<publish-options>{form}</publish-options>")
    };
    let (to, id) = (escape(to), escape(id));
    pubsub(
        NS,
        &format!("<publish node='{to}'><item id='{id}'>{payload}</item></publish>{preconditions}"),
    )
}

/// §7.2.1: one item, as it has to be.
pub(crate) fn retract(from: &str, id: &str, notify: bool) -> String {
    let (from, id) = (escape(from), escape(id));
    let notify = if notify { " notify='true'" } else { "" };
    pubsub(
        NS,
        &format!("<retract node='{from}'{notify}><item id='{id}'/></retract>"),
    )
}

/// §6.5.8: these items.
pub(crate) fn items_by_id<'a>(of: &str, ids: impl IntoIterator<Item = &'a str>) -> String {
    let ids: String = ids
        .into_iter()
        .map(|id| format!("<item id='{}'/>", escape(id)))
        .collect();
    pubsub(NS, &format!("<items node='{}'>{ids}</items>", escape(of)))
}

/// §6.5.7: the most recent items.
pub(crate) fn recent_items(of: &str, max: u32) -> String {
    pubsub(
        NS,
        &format!("<items node='{}' max_items='{max}'/>", escape(of)),
    )
}

/// §6.5.4: a page of items; `order` (XEP-0413) is by what, and whether the newest are first.
pub(crate) fn item_page(
    of: &str,
    max: u32,
    position: rsm::Position<'_>,
    order: Option<(&str, bool)>,
) -> String {
    let order = order.map_or_else(String::new, |(by, descending)| {
        let desc = if descending { " desc='true'" } else { "" };
        format!("<order xmlns='{ORDER}' by='{}'{desc}/>", escape(by))
    });
    let (of, set) = (escape(of), rsm::request(max, position));
    pubsub(NS, &format!("<items node='{of}'/>{order}{set}"))
}

/// §8.1.
pub(crate) fn create(name: Option<&str>, options: &Options) -> String {
    let configure = if options.is_empty() {
        String::new()
    } else {
        format!(
            "<configure>{}</configure>",
            form::submit(form::CONFIG, options)
        )
    };
    pubsub(NS, &format!("<create{}/>{configure}", node(name)))
}

/// §8.2.4.
pub(crate) fn configure(of: &str, options: &Options) -> String {
    let form = form::submit(form::CONFIG, options);
    let of = escape(of);
    pubsub(OWNER, &format!("<configure node='{of}'>{form}</configure>"))
}

/// §8.2.1, and §8.3 without a node.
pub(crate) fn configuration(of: Option<&str>) -> String {
    let element = if of.is_some() { "configure" } else { "default" };
    pubsub(OWNER, &format!("<{element}{}/>", node(of)))
}

/// §8.4.
pub(crate) fn delete(name: &str, redirect: Option<&str>) -> String {
    let redirect = redirect.map_or_else(String::new, |uri| {
        format!("<redirect uri='{}'/>", escape(uri))
    });
    let name = escape(name);
    pubsub(OWNER, &format!("<delete node='{name}'>{redirect}</delete>"))
}

/// §8.5.
pub(crate) fn purge(name: &str) -> String {
    pubsub(OWNER, &format!("<purge node='{}'/>", escape(name)))
}

/// §8.9.1 for a node's owner, §5.7 for oneself.
pub(crate) fn affiliations(of: Option<&str>) -> String {
    let ns = if of.is_some() { OWNER } else { NS };
    pubsub(ns, &format!("<affiliations{}/>", node(of)))
}

/// §8.9.2.
pub(crate) fn set_affiliation(of: &str, jid: &str, affiliation: &str) -> String {
    let (of, jid, affiliation) = (escape(of), escape(jid), escape(affiliation));
    pubsub(
        OWNER,
        &format!(
            "<affiliations node='{of}'><affiliation jid='{jid}' affiliation='{affiliation}'/>\
             </affiliations>"
        ),
    )
}

/// §6.1, §6.3.7.
pub(crate) fn subscribe(to: &str, jid: &str, options: &Options) -> String {
    let form = if options.is_empty() {
        String::new()
    } else {
        format!(
            "<options>{}</options>",
            form::submit(form::SUBSCRIBE, options)
        )
    };
    let (to, jid) = (escape(to), escape(jid));
    pubsub(NS, &format!("<subscribe node='{to}' jid='{jid}'/>{form}"))
}

/// XEP-0376, and XEP-0465 §5.1: through the own server, which lets everybody know.
pub(crate) fn subscribe_publicly(service: &str, to: &str, jid: &str) -> String {
    let (service, to, jid) = (escape(service), escape(to), escape(jid));
    format!(
        "<pam xmlns='{PAM}' jid='{service}'><subscribe xmlns='{NS}' node='{to}' jid='{jid}'>\
         <public xmlns='{PUBLIC}'/></subscribe></pam>"
    )
}

/// §6.2.
pub(crate) fn unsubscribe(from: &str, jid: &str, subid: Option<&str>) -> String {
    let subid = subid.map_or_else(String::new, |id| format!(" subid='{}'", escape(id)));
    let (from, jid) = (escape(from), escape(jid));
    pubsub(
        NS,
        &format!("<unsubscribe node='{from}' jid='{jid}'{subid}/>"),
    )
}

/// §5.6.
pub(crate) fn subscriptions(of: Option<&str>) -> String {
    pubsub(NS, &format!("<subscriptions{}/>", node(of)))
}

/// §8.8.1.
pub(crate) fn subscribers(of: &str) -> String {
    pubsub(OWNER, &format!("<subscriptions{}/>", node(Some(of))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sat_sdk::xml::{Element, parse};

    fn options(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    /// Both mean the same: the texts of the XEPs are laid out for people.
    fn same(ours: &str, theirs: &str) {
        fn bare(element: &Element) -> Element {
            let mut builder = Element::builder(element.name(), element.ns());
            for ((_, name), value) in element.attrs() {
                builder = builder.attr(name.clone(), value);
            }
            for node in element.nodes() {
                builder = match (node.as_element(), node.as_text()) {
                    (Some(child), _) => builder.append(bare(child)),
                    (_, Some(text)) if !text.trim().is_empty() => builder.append(text.trim()),
                    _ => builder,
                };
            }
            builder.build()
        }
        let (ours, theirs) = (parse(ours).unwrap(), parse(theirs).unwrap());
        assert_eq!(bare(&ours), bare(&theirs));
    }

    #[test]
    fn publishes_as_in_7_1() {
        same(
            &publish(
                "princely_musings",
                "bnd81g37d61f49fgn581",
                "<entry xmlns='a'/>",
                &[],
            ),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'>
               <publish node='princely_musings'>
                 <item id='bnd81g37d61f49fgn581'><entry xmlns='a'/></item>
               </publish></pubsub>",
        );
        same(
            &publish(
                "n",
                "ae89",
                "<entry xmlns='a'/>",
                &options("access_model", "presence"),
            ),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'>
               <publish node='n'><item id='ae89'><entry xmlns='a'/></item></publish>
               <publish-options><x xmlns='jabber:x:data' type='submit'>
                 <field var='FORM_TYPE' type='hidden'>
                   <value>http://jabber.org/protocol/pubsub#publish-options</value></field>
                 <field var='pubsub#access_model'><value>presence</value></field>
               </x></publish-options></pubsub>",
        );
        same(
            &retract(
                "princely_musings",
                "ae890ac52d0df67ed7cfdf51b644e901",
                false,
            ),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><retract node='princely_musings'>
               <item id='ae890ac52d0df67ed7cfdf51b644e901'/></retract></pubsub>",
        );
    }

    #[test]
    fn retrieves_as_in_6_5() {
        same(
            &items_by_id("princely_musings", ["3688", "4e30"]),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='princely_musings'>
               <item id='3688'/><item id='4e30'/></items></pubsub>",
        );
        same(
            &recent_items("princely_musings", 2),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'>
               <items node='princely_musings' max_items='2'/></pubsub>",
        );
        // XEP-0413 §4.5.
        same(
            &item_page(
                "balcony",
                2,
                rsm::Position::After("C"),
                Some(("creation", true)),
            ),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='balcony'/>
               <order xmlns='urn:xmpp:order-by:1' by='creation' desc='true'/>
               <set xmlns='http://jabber.org/protocol/rsm'><max>2</max><after>C</after></set>
             </pubsub>",
        );
    }

    #[test]
    fn subscribes_as_in_6() {
        same(
            &subscribe("princely_musings", "francisco@denmark.lit", &[]),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'>
               <subscribe node='princely_musings' jid='francisco@denmark.lit'/></pubsub>",
        );
        same(
            &subscribe("n", "a@b", &options("deliver", "1")),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscribe node='n' jid='a@b'/>
               <options><x xmlns='jabber:x:data' type='submit'>
                 <field var='FORM_TYPE' type='hidden'>
                   <value>http://jabber.org/protocol/pubsub#subscribe_options</value></field>
                 <field var='pubsub#deliver'><value>1</value></field></x></options></pubsub>",
        );
        same(
            &unsubscribe("n", "a@b", Some("1")),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'>
               <unsubscribe node='n' jid='a@b' subid='1'/></pubsub>",
        );
        same(
            &subscribe_publicly(
                "benvolio@montague.lit",
                "urn:xmpp:microblog:0",
                "romeo@montague.lit",
            ),
            "<pam xmlns='urn:xmpp:pam:0' jid='benvolio@montague.lit'>
               <subscribe xmlns='http://jabber.org/protocol/pubsub' node='urn:xmpp:microblog:0'
                 jid='romeo@montague.lit'><public xmlns='urn:xmpp:pps:0'/></subscribe></pam>",
        );
        same(
            &subscriptions(None),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscriptions/></pubsub>",
        );
    }

    #[test]
    fn owns_as_in_8() {
        same(
            &create(
                Some("princely_musings"),
                &options("access_model", "whitelist"),
            ),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='princely_musings'/>
               <configure><x xmlns='jabber:x:data' type='submit'>
                 <field var='FORM_TYPE' type='hidden'>
                   <value>http://jabber.org/protocol/pubsub#node_config</value></field>
                 <field var='pubsub#access_model'><value>whitelist</value></field></x>
               </configure></pubsub>",
        );
        same(
            &create(None, &[]),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><create/></pubsub>",
        );
        let owner = "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>";
        for (ours, theirs) in [
            (configuration(Some("n")), "<configure node='n'/>"),
            (configuration(None), "<default/>"),
            (purge("n"), "<purge node='n'/>"),
            (affiliations(Some("n")), "<affiliations node='n'/>"),
            (subscribers("n"), "<subscriptions node='n'/>"),
            (
                delete("n", Some("xmpp:hamlet@denmark.lit?;node=blog")),
                "<delete node='n'><redirect uri='xmpp:hamlet@denmark.lit?;node=blog'/></delete>",
            ),
            (
                set_affiliation("n", "bard@shakespeare.lit", "publisher"),
                "<affiliations node='n'>
                   <affiliation jid='bard@shakespeare.lit' affiliation='publisher'/></affiliations>",
            ),
        ] {
            same(&ours, &format!("{owner}{theirs}</pubsub>"));
        }
        same(
            &affiliations(None),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><affiliations/></pubsub>",
        );
    }

    #[test]
    fn names_are_escaped() {
        for request in [
            publish("'<", "'&", "<a xmlns='x'/>", &options("'", "<")),
            retract("'", "<", true),
            items_by_id("'", ["<", "'"]),
            create(Some("'/><"), &[]),
            delete("'", Some("'")),
            subscribe_publicly("'", "<", "'"),
            set_affiliation("'", "'", "<"),
        ] {
            parse(&request).unwrap();
        }
    }
}
