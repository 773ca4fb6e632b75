use super::*;

const NODE: &str = "princely_musings";
const ENTRY: &str = "<entry xmlns='http://www.w3.org/2005/Atom'><title>Soliloquy</title></entry>";

fn same(written: &str, expected: &str) {
    assert_eq!(xml::parse(written).unwrap(), xml::parse(expected).unwrap());
}

fn event(inside: &str) -> Option<Event> {
    Event::parse(&format!("<event xmlns='{EVENT}'>{inside}</event>"))
}

/// Examples of §6.5.
#[test]
fn asks_for_items() {
    let ask = |inside: &str| format!("<pubsub xmlns='{NS}'>{inside}</pubsub>");
    same(
        &items(NODE, None, None),
        &ask("<items node='princely_musings'/>"),
    );
    let newest = ask("<items node='princely_musings' max_items='2'/>");
    same(&items(NODE, Some(2), None), &newest);
    let set = rsm::request(10, rsm::Position::First);
    let page = ask(&format!("<items node='princely_musings'/>{set}"));
    same(&items(NODE, None, Some(&set)), &page);
    let two = ask(
        "<items node='princely_musings'><item id='368866411b877c30064a5f62b917cffe'/>\
         <item id='4e30f35051b7b8b42abe083742187228'/></items>",
    );
    let ids = [
        "368866411b877c30064a5f62b917cffe",
        "4e30f35051b7b8b42abe083742187228",
    ];
    same(&items_by_id(NODE, &ids), &two);
}

/// §6.5.2 and §6.5.4.
#[test]
fn reads_items() {
    let answer = format!(
        "<pubsub xmlns='{NS}'><items node='princely_musings'>\
         <item id='a' publisher='hamlet@denmark.lit'>{ENTRY}</item><item id='b'/></items>\
         <set xmlns='http://jabber.org/protocol/rsm'><first index='0'>a</first><last>b</last>\
         <count>19</count></set></pubsub>"
    );
    let found = read_items(&answer).unwrap();
    assert_eq!((found.node.as_str(), found.items.len()), (NODE, 2));
    assert_eq!(
        found.items[0].publisher.as_deref(),
        Some("hamlet@denmark.lit")
    );
    assert!(
        found.items[0]
            .payload
            .as_ref()
            .unwrap()
            .is("entry", "http://www.w3.org/2005/Atom")
    );
    assert_eq!(found.items[1].payload, None);
    assert_eq!(
        (found.page.count, found.page.last.as_deref()),
        (Some(19), Some("b"))
    );
    let none = read_items(&format!("<pubsub xmlns='{NS}'/>")).unwrap();
    assert!(none.items.is_empty());
    for bad in [
        "",
        "<pubsub xmlns='x'/>",
        "<query xmlns='http://jabber.org/protocol/pubsub'/>",
    ] {
        assert!(read_items(bad).is_err(), "{bad}");
    }
}

/// Examples of §7.1 and §7.2.
#[test]
fn publishes_and_retracts() {
    let item = Item::new(Some("bnd81g37d61f49fgn581"), xml::parse(ENTRY).unwrap());
    let expected = format!(
        "<pubsub xmlns='{NS}'><publish node='princely_musings'>\
         <item id='bnd81g37d61f49fgn581'>{ENTRY}</item></publish></pubsub>"
    );
    same(&publish(NODE, &item, None), &expected);
    let options = Form::submit(PUBLISH_OPTIONS).with("pubsub#access_model", "presence");
    let with_options = xml::parse(&publish(NODE, &item, Some(&options))).unwrap();
    let form = Form::of(with_options.get_child("publish-options", NS).unwrap()).unwrap();
    assert_eq!(form.form_type(), Some(PUBLISH_OPTIONS));
    assert_eq!(form.value("pubsub#access_model"), Some("presence"));
    let retracted = format!(
        "<pubsub xmlns='{NS}'><retract node='princely_musings'>\
         <item id='ae890ac52d0df67ed7cfdf51b644e901'/></retract></pubsub>"
    );
    same(
        &retract(NODE, "ae890ac52d0df67ed7cfdf51b644e901", false),
        &retracted,
    );
    assert!(retract(NODE, "x", true).contains("notify='true'"));
    let answer = format!(
        "<pubsub xmlns='{NS}'><publish node='princely_musings'><item id='x1'/></publish></pubsub>"
    );
    assert_eq!(published_id(&answer).unwrap().as_deref(), Some("x1"));
    assert_eq!(published_id("").unwrap(), None);
    assert!(published_id("<x/>").is_err());
}

/// Examples of §7.1.2, §7.2.2, §8.2, §8.4 and §8.5.
#[test]
fn reads_and_writes_events() {
    let node = || NODE.to_owned();
    let form = Form::new(
        crate::forms::Kind::Result,
        "http://jabber.org/protocol/pubsub#node_config",
    )
    .with("pubsub#title", "Princely Musings (Atom)");
    let item = Item::new(
        Some("ae890ac52d0df67ed7cfdf51b644e901"),
        xml::parse(ENTRY).unwrap(),
    );
    let retract = "<retract id='ae890ac52d0df67ed7cfdf51b644e901'/>";
    for (inside, expected) in [
        (
            format!(
                "<items node='princely_musings'>\
                 <item id='ae890ac52d0df67ed7cfdf51b644e901'>{ENTRY}</item></items>"
            ),
            Event::Items {
                node: node(),
                items: vec![item],
                retracted: vec![],
            },
        ),
        (
            format!("<items node='princely_musings'>{retract}</items>"),
            Event::Items {
                node: node(),
                items: vec![],
                retracted: vec!["ae890ac52d0df67ed7cfdf51b644e901".into()],
            },
        ),
        (
            "<purge node='princely_musings'/>".into(),
            Event::Purge { node: node() },
        ),
        (
            "<delete node='princely_musings'><redirect uri='xmpp:hamlet@denmark.lit?;node=blog'/>\
             </delete>"
                .into(),
            Event::Delete {
                node: node(),
                redirect: Some("xmpp:hamlet@denmark.lit?;node=blog".into()),
            },
        ),
        (
            "<configuration node='princely_musings'/>".into(),
            Event::Configuration {
                node: node(),
                form: None,
            },
        ),
        (
            format!("<configuration node='princely_musings'>{form}</configuration>"),
            Event::Configuration {
                node: node(),
                form: Some(form),
            },
        ),
    ] {
        let found = event(&inside).unwrap();
        assert_eq!(found, expected);
        assert_eq!(Event::parse(&found.tag().to_string()), Some(expected));
    }
}

#[test]
fn survives_bad_events() {
    for bad in [
        "",
        "<items/>",
        "<subscription node='a'/>",
        "<items xmlns='x' node='a'/>",
    ] {
        assert_eq!(event(bad), None, "{bad}");
    }
    assert_eq!(
        Event::parse("<event xmlns='x'><purge node='a'/></event>"),
        None
    );
    assert_eq!(Event::parse("<event"), None);
    let nameless = event("<items node='a'><item/><retract/></items>").unwrap();
    let expected = Event::Items {
        node: "a".into(),
        items: vec![Item::default()],
        retracted: vec![],
    };
    assert_eq!(nameless, expected);
}
