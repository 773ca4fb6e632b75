//! The `plugin!` macro: from a type, `plugin.toml` and `wit/` to a loadable component.

mod wit;

use proc_macro::TokenStream;
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
];

/// The interfaces whose types and functions the SDK already has.
const SHARED: &[&str] = &[
    "types", "xmpp", "deliver", "features", "peers", "storage", "secrets", "settings", "log",
];

/// `sat_sdk::plugin!(Type);` makes `Type` the plugin of this crate.
///
/// Reads `plugin.toml` and `wit/` beside `Cargo.toml`, makes the bindings (module `bindings`),
/// exports the hooks that the world names through the SDK's traits, and embeds the manifest
/// (`sat:manifest`) and the WIT text with its doc comments (`sat:wit`) in the component.
#[proc_macro]
pub fn plugin(input: TokenStream) -> TokenStream {
    expand(&input.to_string())
        .unwrap_or_else(|message| format!("compile_error!({message:?});"))
        .parse()
        .unwrap_or_default()
}

fn expand(plugin: &str) -> Result<String, String> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(|e| e.to_string())?);
    let manifest_file = root.join("plugin.toml");
    let manifest = fs::read_to_string(&manifest_file)
        .map_err(|e| format!("{}: {e}; a plugin needs this file", manifest_file.display()))?;
    check_manifest(&manifest)?;
    let text = wit::collect(&root.join("wit"))?;
    if !text.own.contains("sat:plugin/imports@") {
        return Err("the world must `include sat:plugin/imports@0.1.0;`".into());
    }
    let exported = |hook: &str| {
        text.exports
            .iter()
            .any(|e| e == &format!("sat:plugin/{hook}"))
    };

    let mut with = String::new();
    for name in SHARED {
        let module = name.replace('-', "_");
        write!(
            with,
            "\"sat:host/{name}@0.1.0\": ::sat_sdk::bindings::sat::host::{module},"
        )
        .ok();
    }
    if HOOKS
        .iter()
        .any(|(hook, ..)| hook.ends_with("-filter") && *hook != "presence-filter" && exported(hook))
    {
        with.push_str(
            "\"sat:plugin/filter-types@0.1.0\": ::sat_sdk::bindings::sat::plugin::filter_types,",
        );
    }

    let mut out = format!(
        "#[allow(missing_docs, unused, clippy::all)]\npub mod bindings {{\n\
         ::sat_sdk::wit_bindgen::generate!({{ path: [], inline: {:?}, generate_all, \
         runtime_path: \"::sat_sdk::wit_bindgen::rt\", with: {{ {with} }} }});\n}}\n",
        text.full
    );
    for (hook, name, methods) in HOOKS.iter().filter(|(hook, ..)| exported(hook)) {
        let module = hook.replace('-', "_");
        write!(
            out,
            "impl bindings::exports::sat::plugin::{module}::Guest for {plugin} {{\n"
        )
        .ok();
        for method in *methods {
            write!(out, "{}\n", glue(plugin, name, method)).ok();
        }
        out.push_str("}\n");
    }
    // A test of the plugin's own logic is a native program, which can't have component exports.
    write!(
        out,
        "#[cfg(target_family = \"wasm\")]\nbindings::export!({plugin} with_types_in bindings);\n"
    )
    .ok();
    section(&mut out, "sat:manifest", "SAT_MANIFEST", &manifest);
    section(&mut out, "sat:wit", "SAT_WIT", &text.full);
    // Makes cargo build again when one of the files changes.
    for file in text.files.iter().chain([&manifest_file]) {
        write!(
            out,
            "const _: &[u8] = include_bytes!({:?});\n",
            file.display().to_string()
        )
        .ok();
    }
    Ok(out)
}

/// One method of a generated trait that calls the same method of the SDK's trait.
fn glue(plugin: &str, name: &str, method: &str) -> String {
    let (call, result) = method.split_once(" -> ").unwrap_or((method, "()"));
    let (function, params) = call.split_once('(').unwrap_or((call, ")"));
    let params = params.trim_end_matches(')');
    let full = |t: &str| {
        ["Header", "StanzaError", "Error", "Verdict"]
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

fn section(out: &mut String, section: &str, name: &str, text: &str) {
    write!(
        out,
        "#[cfg(target_family = \"wasm\")]\n#[unsafe(link_section = {section:?})]\n#[used]\n\
         static {name}: [u8; {}] = *b\"{}\";\n",
        text.len(),
        text.as_bytes().escape_ascii()
    )
    .ok();
}

/// What can be said about a manifest without the component: the host checks it all.
fn check_manifest(text: &str) -> Result<(), String> {
    let table: toml::Table = text.parse().map_err(|e| format!("plugin.toml: {e}"))?;
    for key in ["id", "version", "summary"] {
        if !table
            .get(key)
            .is_some_and(|v| v.as_str().is_some_and(|s| !s.is_empty()))
        {
            return Err(format!("plugin.toml: line 1: `{key} = \"…\"` is missing"));
        }
    }
    Ok(())
}
