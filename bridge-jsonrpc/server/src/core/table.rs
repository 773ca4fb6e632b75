//! Which core methods there are: the one place for their names, parameters and documentation.

use crate::params::{Kind, Param};

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everybody who passed the door; the method itself looks at what it is about.
    Open,
    /// The administrator.
    Admin,
    /// Who may use the profile.
    Profile,
}

/// A core method.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) name: &'static str,
    pub(crate) scope: Scope,
    pub(crate) doc: &'static str,
    pub(crate) params: &'static [Param],
    /// JSON schema of the answer.
    pub(crate) result: &'static str,
}

const NULL: &str = r#"{"type":"null"}"#;

const fn need(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param {
        name,
        kind,
        required: true,
        doc,
    }
}

const fn may(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param {
        name,
        kind,
        required: false,
        doc,
    }
}

const PROFILE: Param = may(
    "profile",
    Kind::Text,
    "Name of the profile; without it `@DEFAULT@`.",
);
const NAMED: Param = need("profile", Kind::Text, "Name of the profile.");
const PASSWORD: Param = need("password", Kind::Text, "A password of the profile.");
const KEY_FILE: Param = may(
    "key_file",
    Kind::Text,
    "Instead of a password: the contents of a key file in base64, at least 32 random bytes.",
);
const PLUGIN: Param = need("id", Kind::Text, "Id of the plugin.");
const ONLY: Param = may("profile", Kind::Text, "Only for this profile.");
const TOPICS: Param = may(
    "topics",
    Kind::Texts,
    "`*`, `chat.*` or `chat.message`; without it all.",
);
const SINCE: Param = may(
    "since",
    Kind::Cursors,
    "Per profile the cursor behind which to begin, or null for now. `@HOST@` has the backend's own events.",
);

/// Every core method, by name.
pub(crate) const METHODS: &[Core] = &[
    Core {
        name: "events.poll",
        scope: Scope::Open,
        params: &[
            TOPICS,
            SINCE,
            may(
                "limit",
                Kind::Number,
                "At most so many events, at most 500; without it 100.",
            ),
            may(
                "wait_ms",
                Kind::Number,
                "When there are none, wait so long for the first; at most 60000.",
            ),
        ],
        result: r##"{"type":"object","properties":{"events":{"type":"array","items":{"$ref":"#/components/schemas/event"}},"since":{"type":"object"}}}"##,
        doc: "Events behind cursors, and the cursors to ask with next time.",
    },
    Core {
        name: "events.subscribe",
        scope: Scope::Open,
        params: &[
            TOPICS,
            SINCE,
            may(
                "profiles",
                Kind::Texts,
                "Further profiles, from now on. Without this and `since`: all that this connection may use.",
            ),
        ],
        result: r#"{"type":"string"}"#,
        doc: "Sends events as notifications `events.event {subscription, event}`, from each cursor on and then live. Returns the subscription's id. WebSocket only.",
    },
    Core {
        name: "events.unsubscribe",
        scope: Scope::Open,
        params: &[need("subscription", Kind::Text, "Id of the subscription.")],
        result: r#"{"type":"boolean"}"#,
        doc: "Ends a subscription; false when there was none.",
    },
    Core {
        name: "host.status",
        scope: Scope::Admin,
        params: &[],
        result: r#"{"type":"object"}"#,
        doc: "What the backend is doing.",
    },
    Core {
        name: "host.stop",
        scope: Scope::Admin,
        params: &[],
        result: NULL,
        doc: "Stops the backend.",
    },
    Core {
        name: "plugin.disable",
        scope: Scope::Admin,
        params: &[PLUGIN, ONLY],
        result: NULL,
        doc: "Switches a plugin off.",
    },
    Core {
        name: "plugin.enable",
        scope: Scope::Admin,
        params: &[PLUGIN, ONLY],
        result: NULL,
        doc: "Switches a plugin on again.",
    },
    Core {
        name: "plugin.list",
        scope: Scope::Admin,
        params: &[],
        result: r#"{"type":"array","items":{"type":"object"}}"#,
        doc: "All plugins, also those that were refused, and why.",
    },
    Core {
        name: "plugin.logs",
        scope: Scope::Admin,
        params: &[
            PLUGIN,
            ONLY,
            may(
                "limit",
                Kind::Number,
                "At most so many lines, at most 1000; without it 100.",
            ),
        ],
        result: r#"{"type":"array","items":{"type":"object"}}"#,
        doc: "The last lines of a plugin's log.",
    },
    Core {
        name: "profile.add_password",
        scope: Scope::Open,
        params: &[
            PROFILE,
            PASSWORD,
            may("new_password", Kind::Text, "The password to add."),
            KEY_FILE,
            may("label", Kind::Text, "What it is for."),
        ],
        result: NULL,
        doc: "Lets another password open the profile too, or a key file for starting unattended (option `key_dir`).",
    },
    Core {
        name: "profile.connect",
        scope: Scope::Profile,
        params: &[PROFILE],
        result: NULL,
        doc: "Connects the profile, and keeps it connected. Returns when the stream is there, or why it isn't.",
    },
    Core {
        name: "profile.create",
        scope: Scope::Admin,
        params: &[
            need("profile", Kind::Text, "Its name."),
            may(
                "password",
                Kind::Text,
                "Its own password, which protects the account's; none is no protection.",
            ),
            need("jid", Kind::Text, "The account's bare JID."),
            need("jid_password", Kind::Text, "The account's password."),
            may("host", Kind::Text, "The server, instead of what DNS says."),
            may("port", Kind::Number, "The port, instead of what DNS says."),
            may("security", Kind::Text, "`starttls`, `tls` or `plain`."),
            may(
                "ca_file",
                Kind::Text,
                "PEM file with the certificate authorities to trust.",
            ),
        ],
        result: NULL,
        doc: "Creates a profile; the first becomes `@DEFAULT@`.",
    },
    Core {
        name: "profile.delete",
        scope: Scope::Admin,
        params: &[NAMED],
        result: NULL,
        doc: "Deletes a profile with everything that it has.",
    },
    Core {
        name: "profile.disconnect",
        scope: Scope::Profile,
        params: &[PROFILE],
        result: NULL,
        doc: "Closes the profile's stream.",
    },
    Core {
        name: "profile.get_settings",
        scope: Scope::Profile,
        params: &[PROFILE],
        result: "{}",
        doc: "The profile's settings, with what is known about each.",
    },
    Core {
        name: "profile.list",
        scope: Scope::Open,
        params: &[],
        result: r#"{"type":"array","items":{"type":"object"}}"#,
        doc: "All profiles; for others than the administrator those that they may use.",
    },
    Core {
        name: "profile.lock",
        scope: Scope::Open,
        params: &[PROFILE],
        result: NULL,
        doc: "Forgets the profile's key, closes its stream and ends all its tokens.",
    },
    Core {
        name: "profile.remove_password",
        scope: Scope::Open,
        params: &[
            PROFILE,
            may(
                "password",
                Kind::Text,
                "The password to remove; the last one stays.",
            ),
            KEY_FILE,
        ],
        result: NULL,
        doc: "Lets a password, or a key file, open the profile no longer.",
    },
    Core {
        name: "profile.set_default",
        scope: Scope::Admin,
        params: &[NAMED],
        result: NULL,
        doc: "Makes a profile the one that `@DEFAULT@` means.",
    },
    Core {
        name: "profile.set_setting",
        scope: Scope::Profile,
        params: &[
            PROFILE,
            may("owner", Kind::Text, "Id of a plugin; without it `host`."),
            need("name", Kind::Text, "Name of the setting."),
            need("value", Kind::Any, "Its value; null sets the default."),
        ],
        result: NULL,
        doc: "Changes a setting of the profile.",
    },
    Core {
        name: "profile.unlock",
        scope: Scope::Open,
        params: &[
            PROFILE,
            may(
                "password",
                Kind::Text,
                "A password of the profile; without it the empty one.",
            ),
        ],
        result: r#"{"type":"object","properties":{"profile":{"type":"string"},"token":{"type":"string"}}}"#,
        doc: "Opens the profile with its password for this connection. The token opens it for others, as `Authorization: Bearer` or in session.hello, until the profile is locked.",
    },
    Core {
        name: "rpc.discover",
        scope: Scope::Open,
        params: &[],
        result: r#"{"type":"object"}"#,
        doc: "This document: what is loaded now, as OpenRPC.",
    },
    Core {
        name: "session.hello",
        scope: Scope::Open,
        params: &[
            may("client", Kind::Text, "Name and version of the client."),
            may(
                "token",
                Kind::Text,
                "A token of profile.unlock, or the token file's.",
            ),
        ],
        result: r#"{"type":"object"}"#,
        doc: "Version, limits, and the profiles that this connection may use.",
    },
];

/// A core method by its name.
pub(crate) fn find(name: &str) -> Option<&'static Core> {
    METHODS
        .binary_search_by_key(&name, |m| m.name)
        .ok()
        .and_then(|i| METHODS.get(i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_its_schemas_are_json() {
        assert!(METHODS.is_sorted_by_key(|m| m.name));
        for method in METHODS {
            serde_json::from_str::<serde_json::Value>(method.result).unwrap();
            assert_eq!(find(method.name).map(|m| m.name), Some(method.name));
        }
    }
}
