//! A WIT package as a page of Markdown.

use sat_manifest::names::Interface as Name;
use wit_parser::{
    Docs, Function, Interface, Package, Resolve, Type, TypeDef, TypeDefKind, TypeOwner, World,
};

use crate::types;

/// Describes a package: a feature as what frontends call and see, any other by its interfaces.
pub(super) fn package(resolve: &Resolve, package: &Package) -> String {
    let mut page = Page {
        resolve,
        package,
        out: format!("# {}\n", package.name),
    };
    page.text(&package.docs);
    match page.interface(&package.name.name) {
        Some(feature) => page.feature(feature),
        None => page.interfaces(),
    }
    page.out
}

/// A text for one cell of a table.
pub(super) fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace('|', "\\|")
}

struct Page<'a> {
    resolve: &'a Resolve,
    package: &'a Package,
    out: String,
}

impl<'a> Page<'a> {
    fn interface(&self, name: &str) -> Option<&'a Interface> {
        let id = self.package.interfaces.get(name)?;
        self.resolve.interfaces.get(*id)
    }

    /// The full name of an interface of this package.
    fn name(&self, interface: &str) -> String {
        let name = &self.package.name;
        format!("{}:{}/{interface}", name.namespace, name.name)
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn text(&mut self, docs: &Docs) {
        if let Some(text) = docs.contents.as_deref().filter(|t| !t.trim().is_empty()) {
            self.line(&format!("\n{}", text.trim()));
        }
    }

    /// Methods, events and types.
    fn feature(&mut self, feature: &'a Interface) {
        self.text(&feature.docs);
        let events = self.interface("events");
        let names = |interface: Option<&'a Interface>| {
            let functions = interface.into_iter().flat_map(|i| i.functions.keys());
            functions.map(String::as_str).collect::<Vec<_>>()
        };
        let of = self.name(&self.package.name.name);
        let all = [("Methods", names(Some(feature))), ("Events", names(events))];
        for (title, names) in all.into_iter().filter(|(_, names)| !names.is_empty()) {
            let links = names.into_iter().map(|name| link(&method(&of, name)));
            let links = links.collect::<Vec<_>>().join(", ");
            self.line(&format!("\n{title}: {links}."));
        }
        if !feature.functions.is_empty() {
            self.line("\n## Methods");
        }
        for function in feature.functions.values() {
            self.method(&method(&of, &function.name), function);
        }
        if let Some(events) = events.filter(|e| !e.functions.is_empty()) {
            self.line("\n## Events");
            self.text(&events.docs);
            for event in events.functions.values() {
                let name = method(&of, &event.name);
                self.line(&format!("\n### `{name}`"));
                self.text(&event.docs);
                let data = event.params.first().map(|p| self.linked(&p.ty));
                self.line(&format!("\nData: {}.", data.unwrap_or_default()));
            }
        }
        self.types();
    }

    /// A function as frontends call it.
    fn method(&mut self, name: &str, function: &Function) {
        self.line(&format!("\n### `{name}`"));
        self.signature(function);
        self.text(&function.docs);
        if let Some(record) = request(self.resolve, function) {
            self.line("\n| parameter | type | |\n|---|---|---|");
            for field in &record.fields {
                let name = field.name.replace('-', "_");
                self.row(&name, Some(&field.ty), &field.docs);
            }
        }
        self.returns(function);
    }

    /// A link to what a function returns, where that is described somewhere.
    fn returns(&mut self, function: &Function) {
        let result = function.result.as_ref();
        let def = result.and_then(|ty| types::definition(self.resolve, ty));
        let ok = match def.map(|def| &def.kind) {
            Some(TypeDefKind::Result(result)) => result.ok.as_ref(),
            _ => result,
        };
        let linked = ok.map(|ty| self.linked(ty)).unwrap_or_default();
        if linked.contains("](") {
            self.line(&format!("\nReturns {linked}."));
        }
    }

    fn signature(&mut self, function: &Function) {
        let text = types::spelled(self.resolve, function);
        self.line(&format!("\n```wit\n{}: {text}\n```", function.name));
    }

    /// The types of a feature: those of its interface `types`, and what else defines some.
    fn types(&mut self) {
        let mut all = Vec::new();
        for (name, id) in &self.package.interfaces {
            let Some(interface) = self.resolve.interfaces.get(*id) else {
                continue;
            };
            if name == "types" {
                all.insert(0, interface);
            } else {
                all.push(interface);
            }
        }
        let defines = |i: &&Interface| i.types.values().any(|id| self.own(*id).is_some());
        let all: Vec<_> = all.into_iter().filter(defines).collect();
        if all.is_empty() {
            return;
        }
        self.line("\n## Types");
        for interface in all {
            self.text(&interface.docs);
            self.definitions(interface, "###");
        }
        self.line("\nIn JSON the `-` in the names of parameters and fields is `_`.");
    }

    /// Interfaces one after the other, each with its types and functions; then worlds.
    fn interfaces(&mut self) {
        let names: Vec<_> = self.package.interfaces.keys().cloned().collect();
        let links: Vec<_> = names.iter().map(|name| link(name)).collect();
        self.line(&format!("\nInterfaces: {}.", links.join(", ")));
        for name in names {
            let Some(interface) = self.interface(&name) else {
                continue;
            };
            self.line(&format!("\n## `{name}`"));
            self.text(&interface.docs);
            for function in interface.functions.values() {
                self.line(&format!("\n### `{name}.{}`", function.name));
                self.signature(function);
                self.text(&function.docs);
                self.returns(function);
            }
            self.definitions(interface, "###");
        }
        for id in self.package.worlds.values() {
            if let Some(world) = self.resolve.worlds.get(*id) {
                self.world(world);
            }
        }
    }

    fn world(&mut self, world: &World) {
        self.line(&format!("\n## World `{}`", world.name));
        self.text(&world.docs);
        let sides = [("imports", &world.imports), ("exports", &world.exports)];
        for (side, items) in sides.into_iter().filter(|(_, items)| !items.is_empty()) {
            let names = items.keys().map(|key| self.resolve.name_world_key(key));
            let names = names.map(|name| format!("`{name}`"));
            let names = names.collect::<Vec<_>>().join(", ");
            self.line(&format!("\nIt {side} {names}."));
        }
    }

    /// A type that is defined here and not taken over from elsewhere.
    fn own(&self, id: wit_parser::TypeId) -> Option<&'a TypeDef> {
        let def = self.resolve.types.get(id)?;
        let alias = matches!(def.kind, TypeDefKind::Type(Type::Id(_)));
        (!alias).then_some(def)
    }

    fn definitions(&mut self, interface: &Interface, level: &str) {
        for id in interface.types.values() {
            if let Some(def) = self.own(*id) {
                self.definition(def, level);
            }
        }
    }

    fn definition(&mut self, def: &TypeDef, level: &str) {
        let name = def.name.as_deref().unwrap_or_default();
        let (word, items) = match &def.kind {
            TypeDefKind::Record(_) => ("record", "field"),
            TypeDefKind::Variant(_) => ("variant", "tag"),
            TypeDefKind::Enum(_) => ("enum", "word"),
            TypeDefKind::Flags(_) => ("flags", "word"),
            _ => ("type", ""),
        };
        self.line(&format!("\n{level} `{name}`"));
        self.text(&def.docs);
        if items.is_empty() {
            let text = types::kind(self.resolve, &def.kind, &|ty| {
                types::named(self.resolve, ty)
            });
            return self.line(&format!("\nA type: `{text}`."));
        }
        let empty = Docs::default();
        let rows: Vec<(&str, Option<&Type>, &Docs)> = match &def.kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                fields
                    .map(|f| (f.name.as_str(), Some(&f.ty), &f.docs))
                    .collect()
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                cases
                    .map(|c| (c.name.as_str(), c.ty.as_ref(), &c.docs))
                    .collect()
            }
            TypeDefKind::Enum(cases) => {
                let cases = cases.cases.iter();
                cases.map(|c| (c.name.as_str(), None, &c.docs)).collect()
            }
            TypeDefKind::Flags(flags) => {
                let flags = flags.flags.iter();
                flags.map(|f| (f.name.as_str(), None, &f.docs)).collect()
            }
            _ => vec![("", None, &empty)],
        };
        self.line(&format!(
            "\n| {items} of the {word} | type | |\n|---|---|---|"
        ));
        for (name, ty, docs) in rows {
            self.row(name, ty, docs);
        }
    }

    fn row(&mut self, name: &str, ty: Option<&Type>, docs: &Docs) {
        let ty = ty.map(|ty| self.linked(ty)).unwrap_or_default();
        let text = cell(docs.contents.as_deref().unwrap_or_default());
        self.line(&format!("| `{name}` | {ty} | {text} |"));
    }

    /// A type as code, with a link to where it is described: here, or in another package.
    fn linked(&self, ty: &Type) -> String {
        let text = format!("`{}`", types::named(self.resolve, ty));
        let mut inner = *ty;
        // The first named type in it, as `message` in `list<message>`.
        let def = loop {
            let Type::Id(id) = inner else { return text };
            let Some(def) = self.resolve.types.get(id) else {
                return text;
            };
            if def.name.is_some() {
                break types::definition(self.resolve, &inner).unwrap_or(def);
            }
            let Some(part) = types::parts(&def.kind)
                .into_iter()
                .find(|p| matches!(p, Type::Id(_)))
            else {
                return text;
            };
            inner = part;
        };
        let (Some(name), TypeOwner::Interface(home)) = (&def.name, def.owner) else {
            return text;
        };
        let home = self.resolve.interfaces.get(home).and_then(|i| i.package);
        let home = home.and_then(|id| self.resolve.packages.get(id));
        match home {
            Some(home) if home.name == self.package.name => format!("[{text}](#{name})"),
            Some(home) => format!("[{text}]({}.md#{name})", home.name.name),
            None => text,
        }
    }
}

/// The record whose fields are the parameters.
fn request<'a>(resolve: &'a Resolve, function: &Function) -> Option<&'a wit_parser::Record> {
    let [one] = function.params.as_slice() else {
        return None;
    };
    match types::definition(resolve, &one.ty).map(|def| &def.kind) {
        Some(TypeDefKind::Record(record)) if one.name == "request" => Some(record),
        _ => None,
    }
}

/// What frontends call a function.
fn method(interface: &str, function: &str) -> String {
    Name::parse(interface).map_or_else(|| function.to_owned(), |name| name.method(function))
}

/// A link to the heading that is this word as code: GitHub leaves everything but letters, digits,
/// `_` and `-` out.
fn link(name: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let anchor: String = name.chars().filter(kept).collect();
    format!("[`{name}`](#{anchor})")
}
