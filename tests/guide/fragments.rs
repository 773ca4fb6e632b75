//! Parts of the guide that belong to a project, but are no whole files: they are compiled and
//! tested in a copy of it.

use crate::{
    GUIDE,
    blocks::{Block, Mark},
    shell, succeeds,
};
use sat_manifest::Manifest;
use std::{fs, path::Path};
use toml::{Table, Value};

/// Builds a copy of a project with all fragments that are marked with its name, and runs their
/// tests.
pub(crate) fn test(root: &Path, project: &str, blocks: &[Block]) {
    let copy = format!("{project}-fragments");
    let (from, to) = (root.join(project), root.join(&copy));
    for folder in ["src", "wit"] {
        copy_folder(&from.join(folder), &to.join(folder));
    }
    let mut code = read(&from.join("src/lib.rs"));
    code.push_str("\n#[allow(unused)]\nmod fragments {\nuse super::*;\n");
    let mut manifest = read_toml(&from.join("plugin.toml"));
    let feature = project.replace('-', "_");
    let mut depth = 0;
    for block in blocks {
        let number = block.line;
        let text = &block.text;
        match &block.mark {
            Mark::Items(of) if of == project => {
                code.push_str(&format!("{text}\n"));
            }
            Mark::Body(of) if of == project => code.push_str(&format!(
                "async fn body_{number}() -> Result<(), Error> {{\n{text}\nOk(())\n}}\n"
            )),
            Mark::Tests(of) if of == project => code.push_str(&format!(
                "#[cfg(test)]\nmod tests_{number} {{\nuse super::*;\nuse {feature}::Guest;\n\
                 use sat_sdk::mock::{{Host, block_on, header}};\n{text}\n}}\n"
            )),
            Mark::Manifest(of) if of == project => add_manifest(&mut manifest, block),
            Mark::World(of) if of == project => {
                fs::write(to.join("wit/plugin.wit"), text).expect("writable");
                continue;
            }
            _ => continue,
        }
        // Each in the one before, so that it sees what is there and may use names again.
        code.push_str(&format!("mod behind_{number} {{\nuse super::*;\n"));
        depth += 1;
    }
    code.push_str(&"}\n".repeat(depth + 1));
    fs::write(to.join("src/lib.rs"), code).expect("writable");
    fs::write(to.join("plugin.toml"), manifest.to_string()).expect("writable");
    fs::write(to.join("Cargo.toml"), cargo(&from, &copy).to_string()).expect("writable");
    let mut cargo = shell::command(&to, "bash");
    cargo.args(["-c", "cargo test --quiet"]);
    succeeds(cargo, &format!("{GUIDE}: what belongs to {project}"));
}

/// Adds what a plugin would write into its manifest. Declarations need their hooks, which the
/// project hasn't: they are only read.
fn add_manifest(manifest: &mut Table, block: &Block) {
    let place = format!("{GUIDE}:{}", block.line);
    let more: Table = block
        .text
        .parse()
        .unwrap_or_else(|e| panic!("{place}: {e}"));
    let mut whole = manifest.clone();
    merge(&mut whole, &more);
    Manifest::parse(&whole.to_string()).unwrap_or_else(|e| panic!("{place}: {e}"));
    let free =
        |key: &String| ["permissions", "http", "settings", "features"].contains(&key.as_str());
    let more = more.into_iter().filter(|(key, _)| free(key));
    merge(manifest, &more.collect());
}

/// Tables together, lists behind one another.
fn merge(into: &mut Table, more: &Table) {
    for (key, value) in more {
        match (into.get_mut(key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (Some(Value::Array(old)), Value::Array(new)) => old.extend(new.clone()),
            _ => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

/// The project's `Cargo.toml` with everything that fragments use.
fn cargo(project: &Path, name: &str) -> Table {
    let mut cargo = read_toml(&project.join("Cargo.toml"));
    cargo["package"]["name"] = name.into();
    let sdk = cargo["dependencies"]["sat-sdk"]["path"].clone();
    let more = format!(
        "[dependencies]\nserde = {{ version = \"1\", features = [\"derive\"] }}\nserde_json = \"1\"\n\
         xmpp-parsers = \"0.23\"\n\
         sat-sdk = {{ path = {sdk}, features = [\"mock\", \"serde\", \"xmpp-parsers\"] }}"
    );
    merge(&mut cargo, &more.parse().expect("it is TOML"));
    cargo
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

fn read_toml(file: &Path) -> Table {
    let text = read(file);
    text.parse()
        .unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}
