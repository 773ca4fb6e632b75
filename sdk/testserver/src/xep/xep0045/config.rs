//! How a room is (XEP-0045 §10.2).

use crate::{
    ns,
    stanza::Fault,
    xep::xep0004::{self, Fields},
    xml::Build,
};
use minidom::Element;

/// Fields with their type and what a new room has.
const FIELDS: &[(&str, &str, &str)] = &[
    ("muc#roomconfig_roomname", "text-single", ""),
    ("muc#roomconfig_roomdesc", "text-single", ""),
    ("muc#roomconfig_persistentroom", "boolean", "0"),
    ("muc#roomconfig_publicroom", "boolean", "1"),
    ("muc#roomconfig_membersonly", "boolean", "0"),
    ("muc#roomconfig_moderatedroom", "boolean", "0"),
    ("muc#roomconfig_changesubject", "boolean", "0"),
    ("muc#roomconfig_passwordprotectedroom", "boolean", "0"),
    ("muc#roomconfig_roomsecret", "text-private", ""),
    ("muc#roomconfig_whois", "list-single", "moderators"),
    ("muc#roomconfig_enablelogging", "boolean", "1"),
];

pub(super) struct Config(Fields);

impl Default for Config {
    fn default() -> Self {
        let fields = FIELDS.iter();
        let fields = fields.map(|(name, _, value)| ((*name).to_owned(), vec![(*value).to_owned()]));
        Self(fields.collect())
    }
}

impl Config {
    pub(super) fn value(&self, name: &str) -> &str {
        xep0004::value(&self.0, name).unwrap_or_default()
    }

    pub(super) fn is(&self, name: &str) -> bool {
        xep0004::is_true(self.value(name))
    }

    /// The password, when the room has one.
    pub(super) fn password(&self) -> Option<&str> {
        self.is("muc#roomconfig_passwordprotectedroom")
            .then(|| self.value("muc#roomconfig_roomsecret"))
    }

    /// Changes what a form says; fields that this server doesn't know are left alone, as
    /// clients send all that they know.
    pub(super) fn change(&mut self, form: Fields) -> Result<(), Fault> {
        for (name, values) in form {
            let Some((_, kind, _)) = FIELDS.iter().find(|(known, ..)| *known == name) else {
                continue;
            };
            let value = values.first().map(String::as_str).unwrap_or_default();
            let allowed = match *kind {
                "boolean" => matches!(value, "0" | "1" | "true" | "false"),
                "list-single" => matches!(value, "moderators" | "anyone"),
                _ => true,
            };
            if !allowed {
                return Err(Fault::new("not-acceptable").text(&format!("{name} can't be so.")));
            }
            self.0.insert(name, vec![value.to_owned()]);
        }
        Ok(())
    }

    pub(super) fn form(&self) -> Element {
        let fields = FIELDS.iter();
        let fields = fields.map(|(name, kind, _)| xep0004::field(name, kind, &[self.value(name)]));
        xep0004::form("form", ns::MUC_CONFIG).all(fields)
    }

    /// Features of disco#info (§15.3).
    pub(super) fn features(&self) -> [&'static str; 6] {
        let choose = |name: &str, yes, no| if self.is(name) { yes } else { no };
        [
            choose(
                "muc#roomconfig_persistentroom",
                "muc_persistent",
                "muc_temporary",
            ),
            choose("muc#roomconfig_publicroom", "muc_public", "muc_hidden"),
            choose("muc#roomconfig_membersonly", "muc_membersonly", "muc_open"),
            choose(
                "muc#roomconfig_moderatedroom",
                "muc_moderated",
                "muc_unmoderated",
            ),
            choose(
                "muc#roomconfig_passwordprotectedroom",
                "muc_passwordprotected",
                "muc_unsecured",
            ),
            match self.value("muc#roomconfig_whois") {
                "anyone" => "muc_nonanonymous",
                _ => "muc_semianonymous",
            },
        ]
    }
}
