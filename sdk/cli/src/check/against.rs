//! What others can't build on any more, compared with a release: the rules of growing.

use std::collections::BTreeMap;

use sat_manifest::Manifest;
use wit_parser::{Function, Interface, Resolve, Type, TypeDef, TypeDefKind};

use super::{Finding, imports::uses};
use crate::{
    plugin::{Plugin, Port},
    types,
};

/// Compares two versions of a plugin.
pub(super) fn findings(old: &Plugin, new: &Plugin) -> Vec<Finding> {
    let mut found = Vec::new();
    manifests(old, new, &mut found);
    let (Ok(before), Ok(now)) = (old.exports(), new.exports()) else {
        return found;
    };
    let mut changed = BTreeMap::new();
    for port in before.iter().filter(|p| p.name().name == p.name().package) {
        let name = port.name();
        let feature = name.feature();
        let same = |p: &&Port<'_>| p.name().unversioned() == name.unversioned();
        let Some(new_port) = now.iter().find(same) else {
            found.push(Finding::error(format!(
                "The feature {feature} was removed; a released feature stays. Offer it again, or release \
                 this as another plugin with another id"
            )));
            continue;
        };
        let package = format!("{}:{}", name.namespace, name.package);
        let pair = |interface: &str| {
            let full = format!("{package}/{interface}");
            (old.described(&full), new.described(&full))
        };
        if let (Some(a), Some(b)) = (old.described(&port.full), new.described(&new_port.full)) {
            functions((old, a), (new, b), &feature, "function", &mut found);
            reach(old, new, (a, b), &mut changed);
        }
        match pair("events") {
            (Some(a), Some(b)) => {
                functions((old, a), (new, b), &feature, "event", &mut found);
                reach(old, new, (a, b), &mut changed);
            }
            (Some(a), None) => {
                for event in a.functions.keys() {
                    found.push(removed(&feature, "event", event));
                }
            }
            _ => {}
        }
        // Also those that only the keys of an `extra` name.
        if let (Some(a), b) = pair("types") {
            reach(old, new, (a, b.unwrap_or(a)), &mut changed);
            for name in a.types.keys() {
                if b.is_none_or(|b| !b.types.contains_key(name)) {
                    found.push(Finding::error(format!(
                        "The type `{package}/types.{name}` was removed; a released type stays. Put it back"
                    )));
                }
            }
        }
    }
    found.extend(changed.into_values());
    found
}

fn manifests(old: &Plugin, new: &Plugin, found: &mut Vec<Finding>) {
    let (Ok(a), Ok(b)) = (
        Manifest::parse(&old.manifest),
        Manifest::parse(&new.manifest),
    ) else {
        return;
    };
    if a.id != b.id {
        found.push(Finding::error(format!(
            "The id was `{}` and is `{}`; an id never changes, since tables and settings are kept under \
             it. Put the old one back, or compare with a release of this plugin",
            a.id, b.id
        )));
        return;
    }
    if numbers(&b.version) <= numbers(&a.version) {
        found.push(Finding::warning(format!(
            "The version is {}, and {} was released already: choose a higher one",
            b.version, a.version
        )));
    }
    if let (Ok(before), Ok(now)) = (old.imports(), new.imports()) {
        let before = uses(&before);
        let more: Vec<_> = uses(&now)
            .into_iter()
            .filter(|u| !before.contains(u))
            .collect();
        if !more.is_empty() {
            found.push(Finding::note(format!(
                "It asks for more than before: {}",
                more.join(", ")
            )));
        }
    }
}

/// The three numbers; a pre-release counts as older than its release.
fn numbers(version: &str) -> (Vec<u64>, bool) {
    let version = version.split('+').next().unwrap_or_default();
    let (numbers, rest) = version.split_once('-').unwrap_or((version, ""));
    let numbers = numbers.split('.').map(|n| n.parse().unwrap_or(0)).collect();
    (numbers, rest.is_empty())
}

fn removed(feature: &str, what: &str, name: &str) -> Finding {
    let instead = if what == "event" {
        "Put it back in the WIT; it needs not be emitted"
    } else {
        "Put it back; it may answer with an error that says what to call instead"
    };
    let name = name.replace('-', "_");
    Finding::error(format!(
        "The {what} {feature}.{name} was removed; what is released stays. {instead}"
    ))
}

/// Functions of one interface, with the names of types: what is in the types is compared apart.
fn functions(
    (old, a): (&Plugin, &Interface),
    (new, b): (&Plugin, &Interface),
    feature: &str,
    what: &str,
    found: &mut Vec<Finding>,
) {
    for (name, before) in &a.functions {
        let Some(now) = b.functions.get(name) else {
            found.push(removed(feature, what, name));
            continue;
        };
        let spelled = (
            types::spelled(&old.wit, before),
            types::spelled(&new.wit, now),
        );
        if spelled.0 != spelled.1 {
            let part = part_changed(&old.wit, before, &new.wit, now);
            let instead = if what == "event" {
                "Add an event with another name, and emit both"
            } else {
                "Add a function with another name; where one may grow, give it a record `request` with \
                 an `extra`"
            };
            found.push(Finding::error(format!(
                "The {what} {feature}.{} has another {part}: it was `{}` and is `{}`; the type of a \
                 released {what} never changes. {instead}",
                name.replace('-', "_"),
                spelled.0,
                spelled.1
            )));
        }
    }
}

fn part_changed(old: &Resolve, before: &Function, new: &Resolve, now: &Function) -> &'static str {
    let result = |r: &Resolve, f: &Function| f.result.as_ref().map(|ty| types::named(r, ty));
    let params = |r: &Resolve, f: &Function| -> Vec<_> {
        let each = f.params.iter();
        each.map(|p| (p.name.clone(), types::named(r, &p.ty)))
            .collect()
    };
    if params(old, before) != params(new, now) {
        "parameter"
    } else if result(old, before) != result(new, now) {
        "result"
    } else {
        "kind (`async` or not)"
    }
}

/// Compares every named type that an interface defines or reaches with the one of the same name
/// that the new one reaches.
fn reach(
    old: &Plugin,
    new: &Plugin,
    (a, b): (&Interface, &Interface),
    changed: &mut BTreeMap<String, Finding>,
) {
    let before = reachable(&old.wit, a);
    let now = reachable(&new.wit, b);
    for (name, was) in before {
        let Some(is) = now.get(&name) else { continue };
        let texts = (text(&old.wit, was), text(&new.wit, is));
        if texts.0 != texts.1 {
            let finding = type_changed(&name, was, is, &texts);
            changed.insert(name, finding);
        }
    }
}

fn text(resolve: &Resolve, def: &TypeDef) -> String {
    types::kind(resolve, &def.kind, &|ty| types::named(resolve, ty))
}

fn reachable<'a>(resolve: &'a Resolve, interface: &Interface) -> BTreeMap<String, &'a TypeDef> {
    let params = interface
        .functions
        .values()
        .flat_map(|f| f.params.iter().map(|p| p.ty));
    let results = interface.functions.values().filter_map(|f| f.result);
    let own = interface.types.values().map(|id| Type::Id(*id));
    let mut todo: Vec<Type> = own.chain(params).chain(results).collect();
    let mut found = BTreeMap::new();
    while let Some(ty) = todo.pop() {
        let Some(def) = types::definition(resolve, &ty) else {
            continue;
        };
        let known = match types::home(resolve, def) {
            Some(name) => found.insert(name, def).is_some(),
            None => false,
        };
        if !known {
            todo.extend(types::parts(&def.kind));
        }
    }
    found
}

fn type_changed(name: &str, was: &TypeDef, is: &TypeDef, texts: &(String, String)) -> Finding {
    let instead = match &was.kind {
        TypeDefKind::Record(_) => {
            "Put what is new into its `extra`, or make a new record for a new function"
        }
        TypeDefKind::Enum(_) => {
            "Make a new function with a new type; a set that may grow is a string"
        }
        TypeDefKind::Variant(_) => {
            "Make a new function with a new type; what may grow goes into an `extra`"
        }
        TypeDefKind::Flags(_) => {
            "Make a new function with a new type; a set that may grow is a list of strings"
        }
        _ => "Make a new type under another name, for a new function",
    };
    let kind = was.kind.as_str();
    let difference =
        difference(was, is).unwrap_or_else(|| format!("it was `{}` and is `{}`", texts.0, texts.1));
    Finding::error(format!(
        "The {kind} `{name}` was changed: {difference}. A released {kind} never changes: plugins that were \
         built for the old one would get `incompatible`. {instead}"
    ))
}

/// Names that came or went.
fn difference(was: &TypeDef, is: &TypeDef) -> Option<String> {
    let names = |def: &TypeDef| -> Option<Vec<String>> {
        Some(match &def.kind {
            TypeDefKind::Record(r) => r.fields.iter().map(|f| f.name.clone()).collect(),
            TypeDefKind::Enum(e) => e.cases.iter().map(|c| c.name.clone()).collect(),
            TypeDefKind::Variant(v) => v.cases.iter().map(|c| c.name.clone()).collect(),
            TypeDefKind::Flags(f) => f.flags.iter().map(|f| f.name.clone()).collect(),
            _ => return None,
        })
    };
    let (was, is) = (names(was)?, names(is)?);
    let only = |a: &[String], b: &[String]| -> Vec<String> {
        let gone = a.iter().filter(|n| !b.contains(n));
        gone.map(|n| format!("`{n}`")).collect()
    };
    let (added, gone) = (only(&is, &was), only(&was, &is));
    match (added.is_empty(), gone.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("{} is new", added.join(", "))),
        (true, false) => Some(format!("{} is gone", gone.join(", "))),
        (false, false) => Some(format!(
            "{} is new, {} is gone",
            added.join(", "),
            gone.join(", ")
        )),
    }
}
