//! The examples, each copied out of the repository and built with the SDK that the tool carries.

use crate::kit::{Kit, plugins};
use std::{fs, path::Path};

/// Each example, with those whose features it uses.
const EXAMPLES: [(&str, &[&str]); 4] = [
    ("link-preview", &[]),
    ("poll", &[]),
    ("poll-bot", &["poll"]),
    ("reminder", &[]),
];

fn folder(name: &str) -> std::path::PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    examples.join(name)
}

/// Copies an example as somebody would who doesn't have the repository.
fn copy(kit: &Kit, name: &str) {
    kit.copy(&folder(name), name);
    let sdk = kit.run(&["sdk"]).text.trim().to_owned();
    // The versions that the SDK was tested with, as `new` does.
    let lock = Path::new(&sdk).join("Cargo.lock");
    fs::copy(lock, kit.path(&format!("{name}/Cargo.lock"))).unwrap();
    let path = format!("path = {sdk:?}");
    kit.edit(&format!("{name}/Cargo.toml"), "path = \"../..\"", &path);
}

/// Its own tests, the check, the conformance suite and its plays.
fn works(name: &str) {
    let kit = Kit::new();
    let uses = EXAMPLES.iter().find(|(example, _)| *example == name);
    for other in uses.expect("it is listed").1 {
        copy(&kit, other);
        kit.run(&["build", other]).ends(0);
    }
    copy(&kit, name);
    kit.run(&["test", name, "--plugins", &plugins()])
        .ends(0)
        .lacks("warning")
        .lacks("note:")
        .lacks(" 0 passed")
        .has("test result: ok")
        .has(&format!("tests/{name}.play"));
}

#[test]
fn link_preview() {
    works("link-preview");
}

#[test]
fn poll() {
    works("poll");
    let code = fs::read_to_string(folder("poll/src/lib.rs")).unwrap();
    assert!(code.lines().count() <= 100, "the guide says so");
}

#[test]
fn poll_bot() {
    works("poll-bot");
    let wit = |name: &str| fs::read_to_string(folder(name)).unwrap();
    let copy = wit("poll-bot/wit/deps/poll/poll.wit");
    assert_eq!(copy, wit("poll/wit/poll.wit"), "copy it again");
}

#[test]
fn reminder() {
    works("reminder");
}

#[test]
fn every_example_is_listed_and_says_what_it_is() {
    let entries = fs::read_dir(folder("")).unwrap().flatten();
    let mut found: Vec<_> = entries
        .filter(|e| e.path().join("Cargo.toml").is_file())
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    found.sort();
    let listed: Vec<_> = EXAMPLES
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(found, listed);
    for name in found {
        let readme = fs::read_to_string(folder(&name).join("README.md")).unwrap();
        assert!(readme.starts_with(&format!("# {name}\n")) && readme.lines().count() <= 12);
    }
}
