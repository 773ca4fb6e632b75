//! The `plugin!` macro: from a type, `plugin.toml` and `wit/` to a loadable component.

mod native;
mod wit;

use proc_macro::TokenStream;
use sat_manifest::Manifest;
use std::{env, fmt::Write as _, fs, path::PathBuf};

/// The hooks of `sat:plugin`: interface, SDK trait, and the glue between both, a method a line.
const HOOKS: &[(&str, &str, &[&str])] = &[
    (
        "lifecycle",
        "Lifecycle",
        &[
            "connected(resumed: bool)",
            "disconnected()",
            "settings_changed(names: Vec<String>)",
            "features_changed()",
            "unload()",
        ],
    ),
    (
        "iq-handler",
        "IqHandler",
        &["on_iq(header: Header, payload: String) -> Result<Option<String>, StanzaError>"],
    ),
    (
        "message-handler",
        "MessageHandler",
        &["on_message(header: Header, payloads: Vec<String>) -> Result<(), Error>"],
    ),
    (
        "presence-handler",
        "PresenceHandler",
        &["on_presence(header: Header, payloads: Vec<String>) -> Result<(), Error>"],
    ),
    (
        "presence-filter",
        "PresenceFilter",
        &["on_presence(stanza: String) -> Result<String, Error>"],
    ),
    (
        "unwrap-filter",
        "UnwrapFilter",
        &["unwrap(header: Header, stanza: String) -> Result<Verdict, Error>"],
    ),
    (
        "decrypt-filter",
        "DecryptFilter",
        &["decrypt(header: Header, stanza: String) -> Result<Verdict, Error>"],
    ),
    (
        "amend-filter",
        "AmendFilter",
        &["amend(header: Header, stanza: String) -> Result<Verdict, Error>"],
    ),
    (
        "compose-filter",
        "ComposeFilter",
        &["compose(stanza: String) -> Result<Verdict, Error>"],
    ),
    (
        "seal-filter",
        "SealFilter",
        &["seal(stanza: String) -> Result<Verdict, Error>"],
    ),
    (
        "outbox-handler",
        "OutboxHandler",
        &[
            "on_sent(ids: Vec<String>)",
            "on_failed(id: String, reason: Error)",
        ],
    ),
    (
        "timer-handler",
        "TimerHandler",
        &["on_timer(timer: Timer) -> Result<(), Error>"],
    ),
];

/// The interfaces whose types and functions the SDK already has.
const SHARED: &[&str] = &[
    "types", "xmpp", "deliver", "features", "peers", "storage", "secrets", "settings", "log",
    "timers", "http",
];

/// `sat_sdk::plugin!(Type: Hook, Hook);` makes `Type` the plugin of this crate.
///
/// The hooks are the traits of the SDK that `Type` implements and the host shall call. Reads
/// `plugin.toml` and, for a plugin that offers or uses a feature, `wit/` beside `Cargo.toml`,
/// makes the bindings (module `bindings`), and embeds the manifest (`sat:manifest`) and the WIT
/// text with its doc comments (`sat:wit`) in the component.
#[proc_macro]
pub fn plugin(input: TokenStream) -> TokenStream {
    expand(&input.to_string())
        .unwrap_or_else(|message| format!("compile_error!({message:?});"))
        .parse()
        .unwrap_or_default()
}

fn expand(input: &str) -> Result<String, String> {
    let (plugin, hooks) = arguments(input)?;
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(|e| e.to_string())?);
    let manifest_file = root.join("plugin.toml");
    let text = fs::read_to_string(&manifest_file)
        .map_err(|e| format!("{}: {e}; a plugin needs this file", manifest_file.display()))?;
    let manifest = Manifest::parse(&text).map_err(|e| format!("plugin.toml: {e}"))?;
    let has = |hook: &str| hooks.iter().any(|(name, ..)| *name == hook);
    manifest
        .check_hooks(has)
        .map_err(|e| format!("plugin.toml: {e}"))?;
    let names: Vec<&str> = hooks.iter().map(|(name, ..)| *name).collect();
    let wit = wit::collect(&root.join("wit"), &manifest.id, &names)?;

    let mut with = String::new();
    for name in SHARED {
        let module = name.replace('-', "_");
        write!(
            with,
            "\"sat:host/{name}@0.1.0\": ::sat_sdk::bindings::sat::host::{module},"
        )
        .ok();
    }
    if names
        .iter()
        .any(|hook| hook.ends_with("-filter") && *hook != "presence-filter")
    {
        with.push_str(
            "\"sat:plugin/filter-types@0.1.0\": ::sat_sdk::bindings::sat::plugin::filter_types,",
        );
    }

    let generate = format!(
        "::sat_sdk::wit_bindgen::generate!({{ path: [], inline: {:?}, generate_all, \
         additional_derives: [PartialEq], runtime_path: \"::sat_sdk::wit_bindgen::rt\", with: {{ {with} }} }});",
        wit.text
    );
    // A test of the plugin's own logic is a native program, which has no host to call.
    let shadows = native::shadows(&wit)?;
    let mut out = format!(
        "#[cfg(target_family = \"wasm\")]\n#[allow(missing_docs, unused, clippy::all)]\n\
         pub mod bindings {{ {generate} }}\n\
         #[cfg(not(target_family = \"wasm\"))]\n#[allow(missing_docs, unused, clippy::all)]\n\
         pub mod bindings {{ mod generated {{ {generate} }}\npub use generated::*;\n{shadows}}}\n"
    );
    facts(&mut out, plugin, &manifest);
    for (hook, name, methods) in &hooks {
        let module = hook.replace('-', "_");
        writeln!(
            out,
            "impl bindings::exports::sat::plugin::{module}::Guest for {plugin} {{"
        )
        .ok();
        for method in *methods {
            writeln!(out, "{}", glue(plugin, name, method)).ok();
        }
        out.push_str("}\n");
    }
    // A native program can't have component exports.
    writeln!(
        out,
        "#[cfg(target_family = \"wasm\")]\nbindings::export!({plugin} with_types_in bindings);"
    )
    .ok();
    section(&mut out, "sat:manifest", "SAT_MANIFEST", &text);
    section(&mut out, "sat:wit", "SAT_WIT", &wit.text);
    // Makes cargo build again when one of the files changes.
    for file in wit.files.iter().chain([&manifest_file]) {
        writeln!(
            out,
            "const _: &[u8] = include_bytes!({:?});",
            file.display().to_string()
        )
        .ok();
    }
    Ok(out)
}

type Hook = (&'static str, &'static str, &'static [&'static str]);

/// The type and its hooks: `Type: IqHandler, Lifecycle`.
fn arguments(input: &str) -> Result<(&str, Vec<Hook>), String> {
    let (plugin, names) = input.split_once(':').unwrap_or((input, ""));
    let plugin = plugin.trim();
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    if plugin.is_empty() || !plugin.chars().all(is_name) {
        return Err("write `plugin!(Type);` or `plugin!(Type: IqHandler, Lifecycle);`".into());
    }
    let names = names
        .split([',', '+'])
        .map(str::trim)
        .filter(|n| !n.is_empty());
    let find = |name: &str| {
        let known = || {
            HOOKS
                .iter()
                .map(|(_, name, _)| *name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        HOOKS
            .iter()
            .find(|(_, hook, _)| *hook == name)
            .copied()
            .ok_or_else(|| format!("there is no hook `{name}`; the hooks are {}", known()))
    };
    Ok((plugin, names.map(find).collect::<Result<_, _>>()?))
}

/// One method of a generated trait that calls the same method of the SDK's trait.
fn glue(plugin: &str, name: &str, method: &str) -> String {
    let (call, result) = method.split_once(" -> ").unwrap_or((method, "()"));
    let (function, params) = call.split_once('(').unwrap_or((call, ")"));
    let params = params.trim_end_matches(')');
    let full = |t: &str| {
        ["Header", "StanzaError", "Error", "Verdict", "Timer"]
            .iter()
            .fold(format!(" {t}"), |text, ty| {
                let mut out = String::new();
                // Whole words only: `Error` is also the end of `StanzaError`.
                for (i, part) in text.split(ty).enumerate() {
                    if i > 0 {
                        let word = out.ends_with(|c: char| c.is_alphanumeric() || c == ':');
                        out.push_str(if word { "" } else { "::sat_sdk::" });
                        out.push_str(ty);
                    }
                    out.push_str(part);
                }
                out
            })
    };
    let args: Vec<_> = params
        .split(',')
        .filter_map(|p| Some(p.split_once(':')?.0.trim()))
        .collect();
    format!(
        "async fn {function}({}) -> {} {{ <{plugin} as ::sat_sdk::{name}>::{function}({}).await }}",
        full(params),
        full(result),
        args.join(", ")
    )
}

/// What native tests know of the plugin.
fn facts(out: &mut String, plugin: &str, manifest: &Manifest) {
    let permissions: Vec<_> = manifest.permissions.keys().collect();
    let settings = manifest.settings.iter();
    let settings: Vec<_> = settings
        .map(|(name, setting)| (name, setting.default.to_string()))
        .collect();
    writeln!(
        out,
        "#[cfg(not(target_family = \"wasm\"))]\nimpl ::sat_sdk::native::Plugin for {plugin} {{\n\
         const ID: &'static str = {:?};\n\
         const PERMISSIONS: &'static [&'static str] = &{permissions:?};\n\
         const SETTINGS: &'static [(&'static str, &'static str)] = &{settings:?};\n\
         const FEATURES: &'static [&'static str] = &{:?};\n}}",
        manifest.id, manifest.features
    )
    .ok();
}

fn section(out: &mut String, section: &str, name: &str, text: &str) {
    writeln!(
        out,
        "#[cfg(target_family = \"wasm\")]\n#[unsafe(link_section = {section:?})]\n#[used]\n\
         static {name}: [u8; {}] = *b\"{}\";",
        text.len(),
        text.as_bytes().escape_ascii()
    )
    .ok();
}
