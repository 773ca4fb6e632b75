//! Calls of other plugins and events, for native tests: the same functions as the bindings have,
//! with the same types, but reaching `sat_sdk::native` and so the mock.

use crate::wit::{Text, words};
use std::{collections::BTreeMap, fmt::Write as _};

/// Modules that shadow the imported feature interfaces of `generated`, which has the bindings.
pub(crate) fn shadows(wit: &Text) -> Result<String, String> {
    let mut namespaces: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (package, interface) in imports(wit) {
        let Some(body) = wit.packages.get(&package) else {
            continue;
        };
        let (namespace, name) = package
            .split_once(':')
            .ok_or("wit: a package has no namespace")?;
        let (namespace, name) = (snake(namespace), snake(name));
        let module = snake(&interface);
        let shadow = format!(
            "pub mod {module} {{ pub use super::super::super::generated::{namespace}::{name}::\
             {module}::*;\n{}}}\n",
            functions(&package, &interface, body)?
        );
        let packages = namespaces.entry(namespace).or_default();
        packages.entry(name).or_default().push_str(&shadow);
    }
    let mut out = String::new();
    for (namespace, packages) in namespaces {
        writeln!(
            out,
            "pub mod {namespace} {{ pub use super::generated::{namespace}::*;"
        )
        .ok();
        for (name, interfaces) in packages {
            writeln!(
                out,
                "pub mod {name} {{ pub use super::super::generated::{namespace}::{name}::*;\n\
                 {interfaces}}}"
            )
            .ok();
        }
        out.push_str("}\n");
    }
    Ok(out)
}

/// The interfaces that the world imports by itself: package and name. Those of the host are the
/// SDK's.
fn imports(wit: &Text) -> Vec<(String, String)> {
    let own = wit.packages.get(&wit.package).map_or("", String::as_str);
    let imported = words(own)
        .zip(words(own).skip(1))
        .filter(|(word, _)| *word == "import");
    let names = imported.map(|(_, name)| name.split(['@', ';']).next().unwrap_or(name));
    names
        .map(|name| name.split_once('/').unwrap_or((&wit.package, name)))
        .filter(|(package, _)| !matches!(*package, "sat:host" | "sat:plugin"))
        .map(|(package, name)| (package.to_owned(), name.to_owned()))
        .collect()
}

/// The functions of an interface, each as one that asks the mock.
fn functions(package: &str, interface: &str, body: &str) -> Result<String, String> {
    let text = words(body).collect::<Vec<_>>().join(" ");
    let Some((_, rest)) = text.split_once(&format!("interface {interface} {{")) else {
        return Ok(String::new());
    };
    let mut depth = 1;
    let end = rest.find(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    });
    let inside = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    let feature = package
        .strip_prefix("sat:")
        .unwrap_or(package)
        .replace(':', ".");
    let feature = feature.replace('-', "_");
    let mut out = String::new();
    for item in inside.split(';') {
        let Some((name, signature)) = item.split_once(": async func(") else {
            continue;
        };
        let name = name.rsplit([' ', '}']).next().unwrap_or(name);
        let fault = || format!("wit: can't read the function `{name}` of {package}");
        let (params, result) = signature.rsplit_once(')').ok_or_else(fault)?;
        let mut types = Vec::new();
        let mut rest = params.trim();
        while !rest.is_empty() {
            let (_, value) = rest.split_once(':').ok_or_else(fault)?;
            let (ty, behind) = rust_type(value).ok_or_else(fault)?;
            types.push(ty);
            rest = behind.trim_start_matches([',', ' ']);
        }
        let named = types
            .iter()
            .enumerate()
            .map(|(n, ty)| format!("a{n}: {ty}"));
        let named = named.collect::<Vec<_>>().join(", ");
        let arguments: Vec<_> = (0..types.len()).map(|n| format!("a{n}")).collect();
        let function = snake(name);
        let full = format!(
            "{feature}.{}",
            name.trim_start_matches('%').replace('-', "_")
        );
        if interface == "events" {
            writeln!(
                out,
                "pub async fn {function}({named}) {{ ::sat_sdk::native::emit({full:?}, a0).await }}"
            )
            .ok();
            continue;
        }
        let result = result.trim().strip_prefix("->").ok_or_else(fault)?;
        let (result, _) = rust_type(result).ok_or_else(fault)?;
        let arguments = match arguments.as_slice() {
            [one] => one.clone(),
            all => format!("({})", all.join(", ")),
        };
        writeln!(
            out,
            "pub async fn {function}({named}) -> {result} {{ \
             ::sat_sdk::native::call({full:?}, {arguments}).await }}"
        )
        .ok();
    }
    Ok(out)
}

/// The Rust type at the beginning of a WIT text, and what follows it.
fn rust_type(wit: &str) -> Option<(String, &str)> {
    let wit = wit.trim_start();
    let end = wit.find(|c: char| !c.is_ascii_alphanumeric() && !"-%_".contains(c));
    let (name, rest) = wit.split_at_checked(end.unwrap_or(wit.len()))?;
    let simple = match name {
        "string" => "::std::string::String".into(),
        "bool" | "char" | "u8" | "u16" | "u32" | "u64" | "f32" | "f64" => name.into(),
        "s8" | "s16" | "s32" | "s64" => name.replace('s', "i"),
        "_" => "()".into(),
        "" => return None,
        name => camel(name),
    };
    let Some(mut rest) = rest.trim_start().strip_prefix('<') else {
        let bare = if name == "result" {
            "::std::result::Result<(), ()>".into()
        } else {
            simple
        };
        return Some((bare, rest));
    };
    let mut inner = Vec::new();
    loop {
        let (ty, behind) = rust_type(rest)?;
        inner.push(ty);
        let behind = behind.trim_start();
        if let Some(end) = behind.strip_prefix('>') {
            rest = end;
            break;
        }
        rest = behind.strip_prefix(',')?;
    }
    let list = inner.join(", ");
    let full = match name {
        "list" => format!("::std::vec::Vec<{list}>"),
        "option" => format!("::std::option::Option<{list}>"),
        "result" if inner.len() == 1 => format!("::std::result::Result<{list}, ()>"),
        "result" => format!("::std::result::Result<{list}>"),
        "tuple" => format!("({list},)"),
        _ => return None,
    };
    Some((full, rest))
}

/// `mark-read` as `mark_read`, and Rust's keywords as the bindings write them.
fn snake(name: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "as", "async", "await", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
        "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
        "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self",
        "static", "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized",
        "use", "virtual", "where", "while", "yield",
    ];
    let name = name.trim_start_matches('%').replace('-', "_");
    let keyword = KEYWORDS.contains(&name.as_str());
    if keyword { name + "_" } else { name }
}

/// `read-mark` as `ReadMark`.
fn camel(name: &str) -> String {
    let words = name.trim_start_matches('%').split('-');
    words
        .map(|word| {
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            first.to_ascii_uppercase() + rest
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        for (wit, rust) in [
            ("string", "::std::string::String"),
            ("s64", "i64"),
            ("read-mark", "ReadMark"),
            (
                "option<list<u8>>",
                "::std::option::Option<::std::vec::Vec<u8>>",
            ),
            ("result<_, error>", "::std::result::Result<(), Error>"),
            ("tuple<u32, json>", "(u32, Json,)"),
        ] {
            assert_eq!(rust_type(wit).unwrap(), (rust.to_owned(), ""));
        }
        assert!(rust_type("stream<u8>").is_none() && rust_type("").is_none());
    }

    #[test]
    fn functions_and_events() {
        let body = "interface types { record call { jid: string, } }
            interface attention {
              use types.{call};
              /// Documented: async func( is no function here.
              %list: async func() -> result<_, error>;
              ask-now: async func(to: string, how: option<tuple<string, json>>) -> result<string, error>;
              calls: async func() -> result<list<call>, error>;
            }
            interface events { use types.{call}; called: async func(e: call); }";
        let functions_of = |interface| functions("acme:attention", interface, body).unwrap();
        let code = functions_of("attention");
        assert!(code.contains("async fn ask_now(a0: ::std::string::String, a1: "));
        assert!(code.contains("call(\"acme.attention.ask_now\", (a0, a1))"));
        assert!(code.contains("call(\"acme.attention.calls\", ())"));
        assert!(code.contains("async fn list()") && code.contains("\"acme.attention.list\""));
        assert_eq!(code.matches("async fn").count(), 3);
        let event = "pub async fn called(a0: Call) { ::sat_sdk::native::emit(\"acme.attention.called\", a0).await }\n";
        assert_eq!(functions_of("events"), event);
        assert_eq!(functions_of("types"), "");
    }
}
