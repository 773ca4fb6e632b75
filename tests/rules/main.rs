//! Rules of the architecture (doc/architecture.md) that a reader of the sources can check.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
        .to_owned()
}

/// Files below a folder with this extension, without build output.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![repository().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && !path.is_symlink() {
                if !["target", "node_modules", ".git", "dist"]
                    .iter()
                    .any(|n| *n == name)
                {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(repository())
        .expect("below the repository")
        .display()
        .to_string()
}

/// A file without comments and without what only tests compile, which comes last in each file.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("readable");
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .map(|l| format!("{l}\n"))
        .collect()
}

/// Rust sources below a folder that are no tests.
fn sources(folder: &str) -> Vec<(String, String)> {
    let is_test = |name: &str| name.ends_with("/tests.rs") || name.contains("/tests/");
    let all = files(folder, "rs").into_iter().map(|p| (relative(&p), p));
    all.filter(|(name, _)| !is_test(name))
        .map(|(name, p)| (name, code(&p)))
        .collect()
}

/// Lines of sources that have a word, but for files with one of these beginnings.
fn lines_with(folder: &str, word: &str, except: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, code) in sources(folder) {
        if except.iter().any(|e| name.starts_with(e)) {
            continue;
        }
        let lines = code.lines().filter(|l| contains_word(l, word));
        found.extend(lines.map(|l| format!("{name}: {}", l.trim())));
    }
    found
}

fn contains_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|b| b.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|a| a.chars().next());
        let last_is_part = word.chars().next_back().is_some_and(is_part);
        !before.is_some_and(is_part) && (!last_is_part || !after.is_some_and(is_part))
    })
}

#[track_caller]
fn none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn libraries_are_known_in_one_place_each() {
    for (library, place) in [
        (
            "wasmtime",
            ["host/src/plugin", "host/src/capability"].as_slice(),
        ),
        ("wasmtime_wasi", &["host/src/plugin", "host/src/capability"]),
        // The mock of the SDK plays the host on the author's machine.
        ("rusqlite", &["host/src/store", "sdk/src/mock"]),
        ("tokio_xmpp", &["host/src/wire"]),
    ] {
        for folder in ["host", "bridge-jsonrpc", "frontends", "sdk"] {
            // As a path or an import; as a plain word it may be the target of log lines.
            let (path, import) = (format!("{library}::"), format!("use {library}"));
            let mut uses = lines_with(folder, library, place);
            uses.retain(|line| line.contains(&path) || line.contains(&import));
            none(&format!("{library} only in {place:?}"), &uses);
        }
    }
}

#[test]
fn the_time_of_day_comes_from_the_clock() {
    for source in ["Utc::now", "SystemTime::now"] {
        let elsewhere = lines_with("host/src", source, &["host/src/clock.rs"]);
        none(&format!("{source} only in the clock"), &elsewhere);
    }
}

#[test]
fn frontends_and_the_tool_do_not_know_the_host() {
    for manifest in files("frontends", "toml")
        .into_iter()
        .chain(files("sdk/cli", "toml"))
    {
        let text = fs::read_to_string(&manifest).expect("readable");
        assert!(
            !text.contains("sat-host"),
            "{} depends on the host",
            relative(&manifest)
        );
    }
    none(
        "frontends talk by the bridge",
        &lines_with("frontends", "sat_host", &[]),
    );
}

/// The stream's own: RFC 6120, and XEP-0198 that is part of it here.
const STREAM_NAMESPACES: [&str; 2] = ["urn:xmpp:sm:3", "urn:xmpp:sasl-cb:0"];

#[test]
fn the_host_and_the_bridge_know_no_extension() {
    let mut found = Vec::new();
    for namespace in ["urn:xmpp:", "http://jabber.org/", "jabber:iq:", "jabber:x:"] {
        found.extend(lines_with("host/src", namespace, &["host/src/wire"]));
        found.extend(lines_with("bridge-jsonrpc", namespace, &[]));
    }
    let wire = sources("host/src/wire")
        .into_iter()
        .flat_map(|(name, code)| {
            let lines = code
                .lines()
                .filter(|l| l.contains("urn:xmpp:") || l.contains("http://jabber.org/"));
            lines
                .map(|l| format!("{name}: {}", l.trim()))
                .collect::<Vec<_>>()
        });
    found.extend(wire.filter(|l| !STREAM_NAMESPACES.iter().any(|n| l.contains(n))));
    none("no namespaces of features outside of plugins", &found);
}

#[test]
fn the_host_and_the_bridge_know_no_plugin() {
    let mut found = Vec::new();
    for manifest in files("plugins", "toml")
        .iter()
        .filter(|p| p.ends_with("plugin.toml"))
    {
        let name = manifest
            .parent()
            .and_then(Path::file_name)
            .expect("a folder")
            .to_string_lossy();
        for folder in [
            "host/src",
            "host/sat/src",
            "bridge-jsonrpc/server/src",
            "bridge-jsonrpc/client/src",
        ] {
            // As a literal word of a program: `"chat"`, `"chat.send"`, `sat:chat`.
            for word in [
                format!("\"{name}\""),
                format!("\"{name}."),
                format!("sat:{name}"),
            ] {
                // Words that everybody uses: kinds of stanzas, fields of answers.
                if ["\"presence\"", "\"version\"", "\"time\""].contains(&word.as_str()) {
                    continue;
                }
                for (file, code) in sources(folder) {
                    if code.contains(&word) {
                        found.push(format!("{file}: {word}"));
                    }
                }
            }
        }
    }
    none("the host and the bridge name no plugin", &found);
}

#[test]
fn every_plugin_says_what_it_is() {
    let mut count = 0;
    for entry in fs::read_dir(repository().join("plugins"))
        .expect("plugins/")
        .flatten()
    {
        if !entry.path().join("Cargo.toml").is_file() {
            continue;
        }
        count += 1;
        for file in ["README.md", "plugin.toml", "wit/plugin.wit", "src/lib.rs"] {
            assert!(
                entry.path().join(file).is_file(),
                "{} has no {file}",
                relative(&entry.path())
            );
        }
        let readme = fs::read_to_string(entry.path().join("README.md")).expect("readable");
        let manifest = fs::read_to_string(entry.path().join("plugin.toml")).expect("readable");
        let xeps = manifest
            .lines()
            .filter_map(|l| l.strip_prefix("number = \"")?.strip_suffix('"'));
        for xep in xeps {
            assert!(
                readme.contains(xep),
                "{}: the README doesn't name XEP-{xep}",
                relative(&entry.path())
            );
        }
    }
    assert!(count > 0);
}

#[test]
fn files_can_be_read_in_one_go() {
    let mut found = Vec::new();
    for folder in [
        "host",
        "bridge-jsonrpc",
        "frontends",
        "plugins",
        "sdk",
        "tests",
    ] {
        for file in files(folder, "rs") {
            let lines = fs::read_to_string(&file).expect("readable").lines().count();
            if lines > 600 {
                found.push(format!("{}: {lines}", relative(&file)));
            }
        }
    }
    none("no file has more than 600 lines", &found);
}

#[test]
fn a_daemon_does_not_panic() {
    let mut found = Vec::new();
    for folder in ["host/src", "host/sat/src", "bridge-jsonrpc/server/src"] {
        for (name, code) in sources(folder) {
            for word in [
                ".unwrap()",
                ".expect(",
                "panic!(",
                "unreachable!(",
                "todo!(",
                "unimplemented!(",
            ] {
                let lines = code.lines().filter(|l| l.contains(word));
                found.extend(lines.map(|l| format!("{name}: {}", l.trim())));
            }
        }
    }
    none("code that runs in the daemon returns its errors", &found);
}

/// What no interface of the host may hand to a plugin.
#[test]
fn the_contract_hands_out_no_secrets() {
    for file in files("wit/host", "wit")
        .into_iter()
        .chain(files("wit/plugin", "wit"))
    {
        let text = fs::read_to_string(&file).expect("readable");
        for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
            for word in ["password", "credential", "socket", "path", "descriptor"] {
                assert!(!contains_word(line, word), "{}: {line}", relative(&file));
            }
        }
    }
}
