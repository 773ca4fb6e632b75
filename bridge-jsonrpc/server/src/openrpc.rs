//! `rpc.discover`: an OpenRPC document of what is loaded now, made from the WIT texts that the
//! plugins embed.

mod feature;
mod schema;

use crate::{
    core::{METHODS, Scope},
    tokens::lock,
};
use sat_client::errors::WORDS;
use sat_host::{Catalog, Error, Result};
use serde_json::{Map, Value, json, value::RawValue};
use std::sync::Mutex;

/// The document of the last catalog that was asked for.
#[derive(Default)]
pub(crate) struct Documents {
    cached: Mutex<Option<(u64, Box<RawValue>)>>,
}

impl Documents {
    /// The document of this catalog.
    pub(crate) fn current(&self, catalog: &Catalog) -> Result<Box<RawValue>> {
        if let Some((generation, document)) = &*lock(&self.cached)
            && *generation == catalog.generation
        {
            return Ok(document.clone());
        }
        let plugins: Vec<_> = catalog
            .plugins
            .iter()
            .map(|p| (p.id(), p.wit(), p.interfaces()))
            .collect();
        let document = document(catalog.generation, &plugins);
        let document = serde_json::value::to_raw_value(&document)
            .map_err(|e| Error::internal("Write JSON", e))?;
        *lock(&self.cached) = Some((catalog.generation, document.clone()));
        Ok(document)
    }
}

/// What goes into a document.
#[derive(Default)]
struct Parts {
    methods: Vec<Value>,
    events: Vec<Value>,
    schemas: Map<String, Value>,
}

/// The document of plugins: id, WIT text, offered feature interfaces.
fn document(generation: u64, plugins: &[(&str, &str, &[String])]) -> Value {
    let mut parts = Parts::default();
    core(&mut parts);
    for (id, wit, interfaces) in plugins {
        if let Err(e) = feature::describe(id, wit, interfaces, &mut parts) {
            // Its methods work all the same.
            tracing::warn!("Plugin {id} embeds a WIT text that can't be read: {e:#}");
        }
    }
    parts
        .methods
        .sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
    parts
        .events
        .sort_by(|a, b| a["topic"].as_str().cmp(&b["topic"].as_str()));
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Salut à Toi",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the backend can do now: its core and the loaded plugins. Parameters go by name.",
        },
        "methods": parts.methods,
        "components": { "schemas": parts.schemas },
        "x-generation": generation,
        "x-events": parts.events,
        "x-errors": WORDS,
    })
}

/// The core methods, from their table.
fn core(parts: &mut Parts) {
    for method in METHODS {
        let params: Vec<Value> = method
            .params
            .iter()
            .map(|p| json!({"name": p.name, "description": p.doc, "required": p.required, "schema": p.kind.schema()}))
            .collect();
        let result: Value = serde_json::from_str(method.result).unwrap_or_default();
        let scope = match method.scope {
            Scope::Open => "open",
            Scope::Admin => "admin",
            Scope::Profile => "profile",
        };
        parts.methods.push(json!({
            "name": method.name,
            "summary": method.doc,
            "paramStructure": "by-name",
            "params": params,
            "result": {"name": "result", "schema": result},
            "x-scope": scope,
        }));
    }
    let text = json!({"type": "string"});
    parts.schemas.insert("event".into(), json!({
        "type": "object",
        "required": ["cursor", "at", "profile", "topic"],
        "properties": {
            "cursor": text, "at": text, "profile": text, "topic": text, "data": {},
            "oversize": {"type": "integer", "description": "Instead of data that is too big for a notification"},
        },
    }));
}

#[cfg(test)]
mod tests;
