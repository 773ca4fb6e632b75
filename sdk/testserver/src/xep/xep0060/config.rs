//! The configuration of a node (XEP-0060 §16.4.4).

use crate::{
    stanza::Fault,
    xep::xep0004::{self, Fields},
    xml::Build,
};
use minidom::Element;

/// Items that a node keeps at most; what `max` means.
const MAX_ITEMS: usize = 256;

/// Fields that a node has: name, type and the values that are allowed (empty: any).
const FIELDS: &[(&str, &str, &[&str])] = &[
    ("pubsub#title", "text-single", &[]),
    ("pubsub#description", "text-single", &[]),
    ("pubsub#type", "text-single", &[]),
    ("pubsub#language", "text-single", &[]),
    (
        "pubsub#access_model",
        "list-single",
        &["open", "presence", "roster", "whitelist"],
    ),
    ("pubsub#roster_groups_allowed", "list-multi", &[]),
    (
        "pubsub#publish_model",
        "list-single",
        &["publishers", "subscribers", "open"],
    ),
    ("pubsub#max_items", "text-single", &[]),
    ("pubsub#persist_items", "boolean", BOOLEAN),
    ("pubsub#deliver_notifications", "boolean", BOOLEAN),
    ("pubsub#deliver_payloads", "boolean", BOOLEAN),
    ("pubsub#notify_config", "boolean", BOOLEAN),
    ("pubsub#notify_delete", "boolean", BOOLEAN),
    ("pubsub#notify_retract", "boolean", BOOLEAN),
    (
        "pubsub#notification_type",
        "list-single",
        &["headline", "normal", "chat"],
    ),
    (
        "pubsub#send_last_published_item",
        "list-single",
        &["never", "on_sub", "on_sub_and_presence"],
    ),
    (
        "pubsub#itemreply",
        "list-single",
        &["owner", "publisher", "none"],
    ),
];
const BOOLEAN: &[&str] = &["0", "1", "true", "false"];

#[derive(Debug, Clone)]
pub(crate) struct Config(Fields);

impl Config {
    fn new(values: &[(&str, &str)]) -> Self {
        let common = [
            ("pubsub#persist_items", "1"),
            ("pubsub#deliver_notifications", "1"),
            ("pubsub#deliver_payloads", "1"),
            ("pubsub#notify_config", "0"),
            ("pubsub#notify_delete", "1"),
            ("pubsub#notify_retract", "1"),
            ("pubsub#notification_type", "headline"),
            ("pubsub#publish_model", "publishers"),
            ("pubsub#itemreply", "none"),
        ];
        let all = common.iter().chain(values);
        let field = |(name, value): &(&str, &str)| ((*name).to_owned(), vec![(*value).to_owned()]);
        Self(all.map(field).collect())
    }

    /// What a node of an account begins with (XEP-0163 §8).
    pub(crate) fn of_account() -> Self {
        Self::new(&[
            ("pubsub#access_model", "presence"),
            ("pubsub#max_items", "1"),
            ("pubsub#send_last_published_item", "on_sub_and_presence"),
        ])
    }

    /// What a node of the service begins with.
    pub(crate) fn of_service() -> Self {
        Self::new(&[
            ("pubsub#access_model", "open"),
            ("pubsub#max_items", "max"),
            ("pubsub#send_last_published_item", "never"),
        ])
    }

    /// Changes what a form says.
    pub(crate) fn change(&mut self, form: &Fields) -> Result<(), Fault> {
        for (name, values) in form {
            if name == "FORM_TYPE" {
                continue;
            }
            let field = FIELDS.iter().find(|(known, ..)| known == name);
            let allowed = field.is_some_and(|(_, _, allowed)| {
                allowed.is_empty() || values.iter().all(|v| allowed.contains(&v.as_str()))
            });
            let counts = name != "pubsub#max_items"
                || values
                    .iter()
                    .all(|v| v == "max" || v.parse::<usize>().is_ok());
            if !allowed || !counts {
                let text = format!("The node can't have this value of {name}.");
                return Err(Fault::new("not-acceptable").text(&text));
            }
            self.0.insert(name.clone(), values.clone());
        }
        Ok(())
    }

    /// Whether it is already as a form wants it (XEP-0060 §7.1.5).
    pub(crate) fn meets(&self, form: &Fields) -> bool {
        let plain = |value: &String| match value.as_str() {
            "true" => "1".to_owned(),
            "false" => "0".to_owned(),
            other => other.to_owned(),
        };
        form.iter().all(|(name, values)| {
            let own = self.0.get(name).map(|own| own.iter().map(plain));
            name == "FORM_TYPE" || own.is_some_and(|own| own.eq(values.iter().map(plain)))
        })
    }

    pub(crate) fn form(&self, kind: &str, form_type: &str) -> Element {
        let fields = FIELDS.iter().map(|(name, kind, _)| {
            let values = self.0.get(*name).into_iter().flatten();
            let values: Vec<&str> = values.map(String::as_str).collect();
            xep0004::field(name, kind, &values)
        });
        xep0004::form(kind, form_type).all(fields)
    }

    fn value(&self, name: &str) -> &str {
        xep0004::value(&self.0, name).unwrap_or_default()
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        xep0004::is_true(self.value(name))
    }

    pub(crate) fn access(&self) -> &str {
        self.value("pubsub#access_model")
    }

    pub(crate) fn publish_model(&self) -> &str {
        self.value("pubsub#publish_model")
    }

    pub(crate) fn groups(&self) -> &[String] {
        let groups = self.0.get("pubsub#roster_groups_allowed");
        groups.map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn title(&self) -> Option<&str> {
        xep0004::value(&self.0, "pubsub#title").filter(|title| !title.is_empty())
    }

    pub(crate) fn max_items(&self) -> usize {
        let max = self.value("pubsub#max_items").parse();
        max.unwrap_or(MAX_ITEMS).min(MAX_ITEMS)
    }

    pub(crate) fn message_type(&self) -> &str {
        self.value("pubsub#notification_type")
    }

    pub(crate) fn sends_last_on_presence(&self) -> bool {
        self.value("pubsub#send_last_published_item") == "on_sub_and_presence"
    }

    pub(crate) fn sends_last_on_subscribing(&self) -> bool {
        self.value("pubsub#send_last_published_item") != "never"
    }

    pub(crate) fn names_publisher(&self) -> bool {
        self.value("pubsub#itemreply") == "publisher"
    }
}
