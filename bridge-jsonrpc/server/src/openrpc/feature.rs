//! The methods and events of one plugin, from its WIT text.

use super::{Parts, schema::Schemas};
use serde_json::{Value, json};
use wit_parser::{Function, PackageId, Resolve, Type, TypeDefKind};

/// Adds what a plugin offers.
pub(super) fn describe(
    plugin: &str,
    wit: &str,
    interfaces: &[String],
    parts: &mut Parts,
) -> Result<(), String> {
    let mut resolve = Resolve::default();
    resolve
        .push_source("sat:wit", wit)
        .map_err(|e| format!("{e:#}"))?;
    for (id, interface) in resolve.interfaces.iter() {
        let Some(package) = interface.package else {
            continue;
        };
        let offered = |p: PackageId, name: &str| interfaces.contains(&resolve.id_of_name(p, name));
        let Some(feature) = resolve.packages.get(package).map(|p| p.name.name.as_str()) else {
            continue;
        };
        if resolve
            .id_of(id)
            .is_some_and(|full| interfaces.contains(&full))
        {
            for function in interface.functions.values() {
                method(&resolve, plugin, package, function, parts);
            }
        } else if interface.name.as_deref() == Some("events") && offered(package, feature) {
            for function in interface.functions.values() {
                event(&resolve, plugin, package, function, parts);
            }
        }
    }
    Ok(())
}

fn method(
    resolve: &Resolve,
    plugin: &str,
    package: PackageId,
    function: &Function,
    parts: &mut Parts,
) {
    let mut schemas = Schemas {
        resolve,
        out: &mut parts.schemas,
    };
    let mut params = vec![json!({
        "name": "profile",
        "description": "Name of the profile; without it `@DEFAULT@`.",
        "required": false,
        "schema": {"type": "string"},
    })];
    for (name, docs, ty) in parameters(resolve, function) {
        params.push(json!({
            "name": name.replace('-', "_"),
            "description": docs.unwrap_or_default(),
            "required": schemas.is_required(&ty),
            "schema": schemas.of(&ty),
        }));
    }
    let result = match function.result.as_ref().and_then(|t| schemas.result_ok(t)) {
        Some(ok) => schemas.of(&ok),
        None => json!({"type": "null"}),
    };
    let docs = function.docs.contents.as_deref().unwrap_or_default();
    parts.methods.push(json!({
        "name": dotted(resolve, package, &function.name),
        "summary": docs.split("\n\n").next().unwrap_or_default(),
        "description": docs,
        "paramStructure": "by-name",
        "params": params,
        "result": {"name": "result", "schema": result},
        "tags": [{"name": resolve.packages.get(package).map(|p| p.name.name.as_str())}],
        "x-scope": "profile",
        "x-plugin": plugin,
    }));
}

fn event(
    resolve: &Resolve,
    plugin: &str,
    package: PackageId,
    function: &Function,
    parts: &mut Parts,
) {
    let mut schemas = Schemas {
        resolve,
        out: &mut parts.schemas,
    };
    let schema = function
        .params
        .first()
        .map_or(Value::Null, |p| schemas.of(&p.ty));
    parts.events.push(json!({
        "topic": dotted(resolve, package, &function.name),
        "description": function.docs.contents.as_deref().unwrap_or_default(),
        "schema": schema,
        "x-plugin": plugin,
    }));
}

/// Name, documentation and type of what JSON calls the parameters.
fn parameters(resolve: &Resolve, function: &Function) -> Vec<(String, Option<String>, Type)> {
    if let [one] = function.params.as_slice()
        && one.name == "request"
        && let Some(TypeDefKind::Record(record)) = super::schema::kind(resolve, &one.ty)
    {
        let fields = record.fields.iter();
        return fields
            .map(|f| (f.name.clone(), f.docs.contents.clone(), f.ty))
            .collect();
    }
    function
        .params
        .iter()
        .map(|p| (p.name.clone(), None, p.ty))
        .collect()
}

/// `sat:blog`, `get-items` → `blog.get_items`; other namespaces keep theirs.
fn dotted(resolve: &Resolve, package: PackageId, function: &str) -> String {
    let Some(name) = resolve.packages.get(package).map(|p| &p.name) else {
        return function.to_owned();
    };
    let function = function.replace('-', "_");
    let feature = name.name.replace('-', "_");
    match name.namespace.as_str() {
        "sat" => format!("{feature}.{function}"),
        other => format!("{}.{feature}.{function}", other.replace('-', "_")),
    }
}
