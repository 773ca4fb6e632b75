//! `sat plugin new`: a folder with a plugin that works.

use std::{fs, path::Path, path::PathBuf};

use sat_client::errors::exit;
use sat_manifest::{MAX_ID, names, trait_name, valid_id};
use wit_parser::Resolve;

use crate::{args::New, failure::Failure, paint, python, sdk};

/// Words that a Rust module or crate can't be called.
const RUST: [&str; 58] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "sat-sdk",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "union",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Makes the folder.
pub(crate) fn run(new: &New) -> Result<(), Failure> {
    let dir = Path::new(&new.name);
    check_name("name", &new.name)?;
    check_name("namespace", &new.namespace)?;
    if dir.exists() {
        let message = format!("There is a {} already: choose another name", dir.display());
        return Err(Failure::new(exit::CONFLICT, message));
    }
    if new.python {
        return python::new(new);
    }
    let sdk = match &new.sdk {
        Some(path) => given(path)?,
        None => sdk::unpack()?,
    };
    let placeholders = placeholders(new, &sdk);
    let fill = |text: &str| {
        placeholders
            .iter()
            .fold(text.to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{{{name}}}}}"), value)
            })
    };
    let prefix = format!("{}/", new.template);
    for (path, content) in sdk::TEMPLATES {
        let Some(name) = path.strip_prefix(&prefix) else {
            continue;
        };
        let text = String::from_utf8_lossy(content);
        sdk::write(&dir.join(fill(name)), fill(&text).as_bytes())?;
    }
    // The versions that the SDK was tested with, which may be on this machine already.
    let lock = sdk.join("Cargo.lock");
    if lock.is_file() {
        let to = dir.join("Cargo.lock");
        fs::copy(&lock, &to).map_err(|e| Failure::io(&to, &e))?;
    }
    paint::line(&format!(
        "Made {0}/ from the template {1}. Go on with\n  cd {0}\n  sat plugin test\n  sat plugin build\n  \
         sat plugin run      (with a running backend)",
        new.name, new.template
    ))
}

/// What the templates' placeholders stand for.
fn placeholders(new: &New, sdk: &Path) -> Vec<(&'static str, String)> {
    let namespace = names::snake(&new.namespace);
    let snake = names::snake(&new.name);
    let feature = match new.namespace.as_str() {
        "sat" => snake.clone(),
        _ => format!("{namespace}.{snake}"),
    };
    vec![
        ("name", new.name.clone()),
        ("Name", trait_name(&new.name)),
        ("snake", snake),
        ("namespace", new.namespace.clone()),
        ("namespace_snake", namespace),
        ("feature", feature),
        ("xmlns", format!("urn:{}:{}:0", new.namespace, new.name)),
        (
            "sdk",
            toml::Value::from(sdk.display().to_string()).to_string(),
        ),
    ]
}

/// The absolute path of `--sdk`.
fn given(path: &Path) -> Result<PathBuf, Failure> {
    let folder = path.canonicalize().map_err(|e| Failure::io(path, &e))?;
    if !folder.join("macros/Cargo.toml").is_file() {
        let message = format!(
            "{} isn't the SDK: --sdk wants the folder sdk/ of a checkout of SàT",
            path.display()
        );
        return Err(Failure::new(exit::NOT_FOUND, message));
    }
    Ok(folder)
}

/// Whether a name can be an id, a WIT package and a Rust module.
fn check_name(what: &str, name: &str) -> Result<(), Failure> {
    let bad = |why: &str| {
        let message = format!("{name:?} can't be the {what}: {why}");
        Err(Failure::new(exit::BAD_ARGUMENT, message))
    };
    if !valid_id(name) {
        return bad(&format!(
            "use lower-case letters and digits, in words joined by single hyphens, at most {MAX_ID}, \
             such as weather-now"
        ));
    }
    if names::RESERVED.contains(&name) {
        return bad("the backend keeps this word for itself");
    }
    if RUST.contains(&name) {
        return bad("it means something else in Rust");
    }
    let wit = format!("package {name}:{name}; interface {name} {{}}");
    if Resolve::default().push_source("name", &wit).is_err() {
        return bad("it means something else in WIT");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_taken() {
        for name in ["ping", "weather-now", "a1"] {
            assert!(check_name("name", name).is_ok(), "{name}");
        }
        for (name, word) in [
            ("Ping", "lower-case"),
            ("a_b", "hyphens"),
            ("events", "keeps this word"),
            ("match", "in Rust"),
            ("record", "in WIT"),
        ] {
            let failure = check_name("name", name).unwrap_err();
            assert_eq!(failure.exit, exit::BAD_ARGUMENT);
            assert!(failure.to_string().contains(word), "{failure}");
        }
    }
}
