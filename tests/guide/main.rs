//! What `doc/plugin-guide.md` shows works: every block of code is built, run, or at least known to
//! the program that it is for. A comment before the block says what it is; a block without one
//! fails.
//!
//! | `<!-- … -->` | the block |
//! |---|---|
//! | `run` | commands, run one block after the other in an empty folder |
//! | `commands` | commands that need a backend or change the machine: the programs must know them |
//! | `file: PROJECT/PATH` | a file of a project that a `run` block made; the project is tested by `sat plugin test` |
//! | `made: PROJECT/PATH` | a part of a file that a `run` block made |
//! | `part: PATH` | a part of a file of the repository |
//! | `items: PROJECT`, `body: PROJECT`, `tests: PROJECT` | Rust for that project: items, the body of a function that returns `Result<(), Error>`, tests with the mock; a later block sees what is in earlier ones |
//! | `manifest: PROJECT` | TOML for its `plugin.toml` |
//! | `world: PROJECT` | a file `wit/plugin.wit` that goes with these |
//! | `cargo` | TOML of a `Cargo.toml` |
//! | `text` | no code |

mod blocks;
mod fragments;
mod shell;

use blocks::{Block, Mark};
use sat_tests::build::{lock, repository, target};
use std::{fs, path::Path, process::Command};

const GUIDE: &str = "doc/plugin-guide.md";

fn guide() -> String {
    fs::read_to_string(repository().join(GUIDE)).expect("the guide is there")
}

fn blocks() -> Vec<Block> {
    blocks::of(&guide()).unwrap_or_else(|why| panic!("{GUIDE}:{why}"))
}

#[test]
fn every_block_is_marked() {
    assert!(blocks().len() > 30);
}

#[test]
fn commands_are_known() {
    let mut count = 0;
    for block in blocks() {
        if matches!(block.mark, Mark::Run | Mark::Commands) {
            count += shell::check(&block);
        }
    }
    assert!(count > 20, "only {count} commands were found");
}

#[test]
fn quotations_are_true() {
    let sdk = fs::read_to_string(repository().join("sdk/Cargo.toml")).expect("it is there");
    let sdk: toml::Table = sdk.parse().expect("it is TOML");
    let features = sdk["features"].as_table().expect("the SDK has features");
    for block in blocks() {
        match &block.mark {
            Mark::Part(path) => is_part(&block, path, &repository().join(path)),
            Mark::Cargo => {
                let cargo: toml::Table = block.text.parse().expect("it is TOML");
                let wanted = cargo["sat-sdk"]["features"].as_array();
                let wanted = wanted.into_iter().flatten().filter_map(|f| f.as_str());
                for feature in wanted {
                    assert!(features.contains_key(feature), "the SDK has no {feature}");
                }
            }
            _ => {}
        }
    }
}

/// The guide has the table of what plays can say, from its one description.
#[test]
fn the_lines_of_plays_are_all_there() {
    let plays = fs::read_to_string(repository().join("sdk/testkit/src/play.rs"));
    let plays = plays.expect("it is there");
    let lines: Vec<_> = plays
        .lines()
        .filter_map(|l| l.strip_prefix("//! | "))
        .collect();
    assert!(lines.len() > 15);
    let guide = guide();
    for line in lines {
        assert!(guide.contains(line), "{GUIDE} has no line\n| {line}");
    }
}

#[test]
fn what_is_shown_works() {
    let _lock = lock("guide");
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let blocks = blocks();
    for block in blocks.iter().filter(|b| b.mark == Mark::Run) {
        shell::run(block, root);
    }
    // Before files are written over what was made.
    for block in &blocks {
        if let Mark::Made(path) = &block.mark {
            is_part(block, path, &root.join(path));
        }
    }
    let mut projects = Vec::new();
    for block in &blocks {
        if let Mark::File(path) = &block.mark {
            let file = root.join(path);
            fs::create_dir_all(file.parent().expect("below the folder")).expect("writable");
            fs::write(file, &block.text).expect("writable");
            let project = path.split('/').next().unwrap_or_default().to_owned();
            if !projects.contains(&project) {
                projects.push(project);
            }
        }
    }
    assert!(!projects.is_empty());
    for project in &projects {
        let plugins = target().join("plugins/wasm32-wasip2/release");
        let mut command = shell::command(root, "sat-plugin");
        command.args(["test", project, "--plugins"]).arg(plugins);
        succeeds(command, project);
        fragments::test(root, project, &blocks);
    }
}

#[track_caller]
fn is_part(block: &Block, path: &str, file: &Path) {
    let whole = fs::read_to_string(file).unwrap_or_default();
    let (line, shown) = (block.line, block.text.trim());
    assert!(
        whole.contains(shown),
        "{GUIDE}:{line}: {path} has no\n{shown}\nin\n{whole}"
    );
}

/// Runs a program; panics with what it said when it fails.
#[track_caller]
fn succeeds(mut command: Command, what: &str) -> String {
    let output = command.output().expect("the program can be started");
    let said = [output.stdout, output.stderr].map(|o| String::from_utf8_lossy(&o).into_owned());
    let said = said.concat();
    assert!(output.status.success(), "{what}: {command:?}\n{said}");
    said
}

/// The anchors that GitHub makes of headings, and the links to them.
#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    for file in [
        "README.md",
        GUIDE,
        "doc/architecture.md",
        "doc/plugin-guide-python.md",
    ] {
        let path = repository().join(file);
        let text = fs::read_to_string(&path).expect("readable");
        for link in blocks::links(&text) {
            let (to, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let to = match to {
                "" => path.clone(),
                to => path.parent().expect("in a folder").join(to),
            };
            if !to.exists() || !has_anchor(&to, anchor) {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn has_anchor(file: &Path, anchor: &str) -> bool {
    anchor.is_empty() || {
        let text = fs::read_to_string(file).unwrap_or_default();
        blocks::anchors(&text).iter().any(|a| a == anchor)
    }
}
