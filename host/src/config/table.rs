//! The options of `sat.conf`: one row each.

use std::{fmt::Write as _, path::Path};

use super::{Config, Consent, LogLevel, value::Given};

/// One option.
#[derive(Debug)]
pub struct Spec {
    /// Its section.
    pub section: &'static str,
    /// Its name, in lower case.
    pub name: &'static str,
    /// What it takes, for people.
    pub takes: &'static str,
    /// Its value where no file gives one, written as in a file.
    pub default: &'static str,
    /// One line on what it is for.
    pub why: &'static str,
    /// Reads a value. Rows are applied in order: only `local_dir`'s own can't refer to it.
    pub(super) set: fn(&mut Config, &Given<'_>) -> Result<(), String>,
    /// The value in use, for `sat config`.
    pub show: fn(&Config) -> String,
}

const LEVELS: &[(&str, LogLevel)] = &[
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

const SWITCH: &[(&str, bool)] = &[("true", true), ("false", false)];

const CONSENTS: &[(&str, Consent)] = &[("auto", Consent::Auto), ("ask", Consent::Ask)];

/// Every option there is, sections together.
pub const OPTIONS: &[Spec] = &[
    Spec {
        section: "DEFAULT",
        name: "local_dir",
        takes: "path",
        default: "$XDG_DATA_HOME/sat",
        why: "Databases, profiles, the log and the pid file; one backend per folder.",
        set: |config, given| given.path().map(|path| config.local_dir = path),
        show: |config| show(&config.local_dir),
    },
    Spec {
        section: "DEFAULT",
        name: "media_dir",
        takes: "path",
        default: "/usr/share/sat/media",
        why: "Pictures and sounds that frontends share.",
        set: |config, given| given.path().map(|path| config.media_dir = path),
        show: |config| show(&config.media_dir),
    },
    Spec {
        section: "DEFAULT",
        name: "log_level",
        takes: "error | warn | info | debug | trace",
        default: "info",
        why: "How much is logged; the variable SAT_LOG (targets and levels) goes before it.",
        set: |config, given| given.word(LEVELS).map(|level| config.log_level = level),
        show: |config| config.log_level.as_str().to_owned(),
    },
    Spec {
        section: "plugins",
        name: "dirs",
        takes: "paths between commas or on indented lines",
        default: "${local_dir}/plugins, ${prefix}/plugins, /usr/lib/sat/plugins",
        why: "Folders of plugins; the first that can be written to is yours.",
        set: |config, given| given.paths().map(|paths| config.plugin_dirs = paths),
        show: |config| {
            let dirs: Vec<_> = config.plugin_dirs.iter().map(|dir| show(dir)).collect();
            dirs.join(", ")
        },
    },
    Spec {
        section: "plugins",
        name: "consent",
        takes: "auto | ask",
        default: "auto",
        why: "Whether a new plugin gets the permissions that it asks for, or waits for a yes.",
        set: |config, given| given.word(CONSENTS).map(|consent| config.consent = consent),
        show: |config| config.consent.as_str().to_owned(),
    },
    Spec {
        section: "plugins",
        name: "deny",
        takes: "plugin:permission, between commas or on indented lines",
        default: "",
        why: "Permissions that plugins don't get; what needs them fails with `forbidden`.",
        set: |config, given| given.permissions().map(|denied| config.denied = denied),
        show: |config| {
            let denied: Vec<_> = config.denied.iter().map(ToString::to_string).collect();
            denied.join(", ")
        },
    },
    Spec {
        section: "plugins",
        name: "http_private",
        takes: "true | false",
        default: "false",
        why: "Lets plugins reach private addresses of hosts that their manifest names, not by *.",
        set: |config, given| {
            given
                .word(SWITCH)
                .map(|on| config.plugins.http_private = on)
        },
        show: |config| config.plugins.http_private.to_string(),
    },
    Spec {
        section: "plugins",
        name: "stanzas_per_second",
        takes: "a number; 0 is no limit",
        default: "500",
        why: "What a plugin sends at once, in each profile; ten times as much may go together.",
        set: |config, given| {
            given
                .number()
                .map(|n| config.plugins.stanzas_per_second = n)
        },
        show: |config| config.plugins.stanzas_per_second.to_string(),
    },
    Spec {
        section: "bridge",
        name: "socket",
        takes: "path",
        default: "${runtime_dir}/bridge.sock",
        why: "Unix socket on which frontends find the backend; its folder is for you alone.",
        set: |config, given| given.path().map(|path| config.bridge_socket = path),
        show: |config| show(&config.bridge_socket),
    },
    Spec {
        section: "bridge",
        name: "listen",
        takes: "loopback host:port, or nothing",
        default: "",
        why: "TCP address beside the socket (127.0.0.1:7500, say); needs the token; empty is off.",
        set: |config, given| {
            given
                .loopback()
                .map(|address| config.bridge_listen = address)
        },
        show: |config| {
            config
                .bridge_listen
                .map(|address| address.to_string())
                .unwrap_or_default()
        },
    },
    Spec {
        section: "bridge",
        name: "token_file",
        takes: "path",
        default: "${local_dir}/bridge.token",
        why: "Holds the administrator's token for listen; made at the start when missing.",
        set: |config, given| given.path().map(|path| config.bridge_token_file = path),
        show: |config| show(&config.bridge_token_file),
    },
    Spec {
        section: "profiles",
        name: "key_dir",
        takes: "path, or nothing",
        default: "$CREDENTIALS_DIRECTORY",
        why: "Key files <profile>.key that open profiles unattended; systemd sets the default.",
        set: |config, given| given.optional_path().map(|path| config.key_dir = path),
        show: |config| config.key_dir.as_deref().map(show).unwrap_or_default(),
    },
];

/// The sections, in order.
pub(super) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> = OPTIONS.iter().map(|spec| spec.section).collect();
    sections.dedup();
    sections
}

/// The options of a section.
pub(super) fn names(section: &str) -> Vec<&'static str> {
    OPTIONS
        .iter()
        .filter(|spec| spec.section == section)
        .map(|spec| spec.name)
        .collect()
}

/// The text of `sat.conf.example`.
pub fn example() -> String {
    let mut text = String::from(HEAD);
    let mut section = "";
    for spec in OPTIONS {
        if spec.section != section {
            section = spec.section;
            let _ = write!(text, "\n[{section}]\n");
        }
        let value = format!("{} = {}", spec.name, spec.default);
        let _ = write!(
            text,
            "\n# {}\n# Takes: {}.\n# {}\n",
            spec.why,
            spec.takes,
            value.trim_end()
        );
    }
    text
}

const HEAD: &str = "\
# Options of the SàT backend, with their defaults.
#
# Looked for as sat.conf and .sat.conf in /etc, the home directory, $XDG_CONFIG_HOME/sat and the
# working directory; a later file's option replaces an earlier one's. `sat --config FILE` reads
# that file only. `sat config` shows what is in use and where it comes from.
#
# In paths, ~ is the home directory, $NAME or ${NAME} an environment variable, $$ a dollar sign;
# besides, ${local_dir} is that option, ${prefix} the folder above that of the program, and
# ${runtime_dir} $XDG_RUNTIME_DIR/sat or, without that, ${local_dir}/run. Relative paths start
# from the folder of the file they stand in. An indented line goes on with the value above it.
#
# Made from the table in host/src/config/table.rs by `sat config --example`.
";

fn show(path: &Path) -> String {
    path.display().to_string()
}
