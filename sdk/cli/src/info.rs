//! `sat plugin info`: what a plugin file is, offers and asks for.

use std::path::Path;

use sat_client::errors::exit;
use sat_manifest::{Declaration, Manifest, Mode, Policy};
use serde_json::{Value, json};
use wit_parser::Function;

use crate::{
    check::uses,
    failure::Failure,
    paint,
    plugin::{Plugin, Port},
    signature::Signed,
    types,
};

/// Reads a file and tells.
pub(crate) fn run(file: &Path, as_json: bool) -> Result<(), Failure> {
    let plugin = Plugin::open(file)?;
    let fault = |why: String| Failure::new(exit::DATA, format!("{}: {why}", file.display()));
    let manifest =
        Manifest::parse(&plugin.manifest).map_err(|e| fault(format!("plugin.toml: {e}")))?;
    let info = Info {
        manifest,
        imports: plugin.imports().map_err(fault)?,
        exports: plugin.exports().map_err(fault)?,
        plugin: &plugin,
    };
    let value = info.json();
    if as_json {
        paint::line(&format!("{value:#}"))
    } else {
        paint::line(&text(file, &value))
    }
}

struct Info<'a> {
    plugin: &'a Plugin,
    manifest: Manifest,
    imports: Vec<Port<'a>>,
    exports: Vec<Port<'a>>,
}

impl Info<'_> {
    fn json(&self) -> Value {
        let m = &self.manifest;
        let modes = m.modes.iter().map(|mode| match mode {
            Mode::Client => "client",
            Mode::Component => "component",
        });
        let signature = match &self.plugin.signed {
            Signed::No => json!({"state": "none"}),
            Signed::By(key) => json!({"state": "valid", "key": key}),
            Signed::Wrong(why) => json!({"state": "wrong", "reason": why}),
        };
        let uses = uses(&self.imports);
        let unused: Vec<_> = m.unused(&uses).collect();
        json!({
            "id": m.id,
            "version": m.version,
            "summary": m.summary,
            "authors": m.authors,
            "size": self.plugin.size,
            "signature": signature,
            "modes": modes.collect::<Vec<_>>(),
            "xeps": m.xeps,
            "features": m.features,
            "identities": m.identities,
            "permissions": m.permissions,
            "uses": uses,
            "unused": unused,
            "http": m.http_hosts().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "settings": m.settings,
            "hooks": self.hooks(),
            "methods": self.methods(),
            "events": self.events(),
            "receives": self.receives(),
        })
    }

    fn hooks(&self) -> Vec<Value> {
        let declarations = self.manifest.declarations();
        let hooks = self.exports.iter().map(Port::name);
        let hooks = hooks.filter(|n| n.namespace == "sat" && n.package == "plugin");
        hooks
            .map(|name| {
                let section = sat_manifest::DECLARED
                    .iter()
                    .find(|(_, hook)| *hook == name.name)
                    .map(|(section, _)| *section);
                let declared = declarations.iter().find(|(s, _)| Some(*s) == section);
                let declared = declared.map(|(_, d)| *d).unwrap_or_default();
                json!({
                    "hook": name.name,
                    "declarations": declared.iter().map(declaration).collect::<Vec<_>>(),
                })
            })
            .collect()
    }

    fn features(&self) -> impl Iterator<Item = &Port<'_>> {
        self.exports
            .iter()
            .filter(|p| p.name().name == p.name().package)
    }

    fn methods(&self) -> Vec<Value> {
        let functions = self.features().flat_map(|port| {
            let described = self.plugin.described(&port.full);
            let functions = described.into_iter().flat_map(|i| i.functions.values());
            functions.map(|f| self.function(&port.name().method(&f.name), f))
        });
        functions.collect()
    }

    fn events(&self) -> Vec<Value> {
        let own = self.features().flat_map(|port| {
            let name = port.name();
            let events = format!("{}:{}/events", name.namespace, name.package);
            let events = self.plugin.described(&events);
            let functions = events.into_iter().flat_map(|i| i.functions.values());
            functions
                .map(|f| self.function(&name.method(&f.name), f))
                .collect::<Vec<_>>()
        });
        own.collect()
    }

    fn receives(&self) -> Vec<String> {
        let events = self.exports.iter().filter(|p| p.name().name == "events");
        let topics = events.flat_map(|p| p.functions().map(|f| p.name().method(&f.name)));
        topics.collect()
    }

    fn function(&self, name: &str, function: &Function) -> Value {
        json!({
            "name": name,
            "type": types::spelled(&self.plugin.wit, function),
            "doc": function.docs.contents.as_deref().unwrap_or_default().trim(),
        })
    }
}

fn declaration(d: &Declaration) -> Value {
    let senders = d.from.iter().map(|s| serde_name(format!("{s:?}")));
    json!({
        "types": d.types,
        "element": d.element,
        "namespace": d.namespace,
        "from": senders.collect::<Vec<_>>(),
        "with": d.with.iter().map(|p| json!({"element": p.element, "namespace": p.namespace})).collect::<Vec<_>>(),
        "policy": if d.policy == Policy::Block { "block" } else { "pass" },
    })
}

/// `ClaimedPeer` → `claimed-peer`, the word of the manifest.
fn serde_name(name: String) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The same for people.
fn text(file: &Path, info: &Value) -> String {
    let word = |key: &str| info[key].as_str().unwrap_or_default();
    let list = |key: &str| info[key].as_array().cloned().unwrap_or_default();
    let words = |key: &str| {
        let items = list(key);
        let items = items.iter().filter_map(Value::as_str);
        items.collect::<Vec<_>>().join(", ")
    };
    let signature = &info["signature"];
    let signed = match signature["state"].as_str() {
        Some("valid") => format!(
            "signed by {}",
            signature["key"].as_str().unwrap_or_default()
        ),
        Some("wrong") => format!(
            "WRONG SIGNATURE: {}",
            signature["reason"].as_str().unwrap_or_default()
        ),
        _ => "not signed".into(),
    };
    let size = info["size"]
        .as_u64()
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or_default();
    let mut out = format!(
        "{} {}: {}\n  {}, {}, {signed}\n",
        word("id"),
        word("version"),
        word("summary"),
        file.display(),
        paint::size(size)
    );
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out.push_str(&format!("\n{title}\n"));
            for line in lines {
                out.push_str(&format!("  {}\n", line.replace('\n', "\n    ")));
            }
        }
    };
    let one = |text: String| {
        if text.is_empty() {
            Vec::new()
        } else {
            vec![text]
        }
    };
    section("Authors", one(words("authors")));
    section("For profiles of the kind", one(words("modes")));
    let asks = info["permissions"].as_object().cloned().unwrap_or_default();
    let asks = asks.iter().map(|(name, why)| {
        let unused = list("unused").iter().any(|u| u == name);
        let unused = if unused { " (not used)" } else { "" };
        format!("{name}{unused}: {}", why.as_str().unwrap_or_default())
    });
    section("Asks for", asks.collect());
    section("Reaches of the web", one(words("http")));
    let xeps = list("xeps");
    let xeps = xeps.iter().map(|x| {
        let part = |key: &str| x[key].as_str().unwrap_or_default().to_owned();
        let note = part("note");
        let note = if note.is_empty() {
            note
        } else {
            format!(": {note}")
        };
        format!(
            "XEP-{} {} {}{note}",
            part("number"),
            part("version"),
            part("status")
        )
    });
    section("Follows", xeps.collect());
    let features = list("features");
    let features = features.iter().filter_map(Value::as_str).map(str::to_owned);
    section("Announces", features.collect());
    let hooks = list("hooks");
    section("Is called for", hooks.iter().flat_map(hook_lines).collect());
    let functions = |key: &str| {
        let all = list(key);
        let line = |f: &Value| {
            let part = |key: &str| f[key].as_str().unwrap_or_default().to_owned();
            let doc = part("doc");
            let doc = if doc.is_empty() {
                doc
            } else {
                format!("\n{doc}")
            };
            format!("{}: {}{doc}", part("name"), part("type"))
        };
        all.iter().map(line).collect::<Vec<_>>()
    };
    section("Methods", functions("methods"));
    section("Events", functions("events"));
    section("Receives", one(words("receives")));
    let settings = info["settings"].as_object().cloned().unwrap_or_default();
    let settings = settings.iter().map(|(name, s)| {
        format!(
            "{name} = {}: {}",
            s["default"],
            s["label"].as_str().unwrap_or_default()
        )
    });
    section("Settings", settings.collect());
    out.trim_end().to_owned()
}

fn hook_lines(hook: &Value) -> Vec<String> {
    let name = hook["hook"].as_str().unwrap_or_default();
    let declarations = hook["declarations"].as_array().cloned().unwrap_or_default();
    if declarations.is_empty() {
        return vec![name.to_owned()];
    }
    let line = |d: &Value| {
        let words = |key: &str| {
            let items = d[key].as_array().cloned().unwrap_or_default();
            let items = items.iter().filter_map(Value::as_str).map(str::to_owned);
            items.collect::<Vec<_>>().join(", ")
        };
        let mut out = format!("{name}:");
        if !words("types").is_empty() {
            out.push_str(&format!(" {}", words("types")));
        }
        if let (Some(element), Some(namespace)) = (d["element"].as_str(), d["namespace"].as_str()) {
            out.push_str(&format!(" <{element} xmlns='{namespace}'/>"));
        }
        if !words("from").is_empty() {
            out.push_str(&format!(" from {}", words("from")));
        }
        if d["policy"] == "block" {
            out.push_str(", and nothing passes while it fails");
        }
        out
    };
    declarations.iter().map(line).collect()
}
