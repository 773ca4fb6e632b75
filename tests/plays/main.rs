//! Every plugin of the repository on the test kit: its own plays (`plugins/<name>/tests/*.play`),
//! and the conformance suite.

use sat_manifest::Manifest;
use sat_testkit::{Play, Stage, block_on, suite};
use sat_tests::build::{plugin, repository};
use std::{collections::BTreeSet, fs, path::PathBuf};

/// A module of tests for each plugin.
macro_rules! plugins {
    ($($name:ident)*) => {
        /// All of them, as they are listed here.
        const LISTED: &[&str] = &[$(stringify!($name)),*];

        $(mod $name {
            #[test]
            fn plays() {
                crate::plays(stringify!($name));
            }

            #[test]
            fn conforms() {
                crate::conforms(stringify!($name));
            }
        })*
    };
}

plugins! { archive blog carbons chat comments disco ping presence pubsub reactions receipts roster time version }

#[test]
fn every_plugin_is_listed() {
    let folders = fs::read_dir(repository().join("plugins")).expect("readable");
    let folders = folders
        .flatten()
        .filter(|f| f.path().join("plugin.toml").is_file());
    let found: BTreeSet<_> = folders
        .map(|f| f.file_name().to_string_lossy().replace('-', "_"))
        .collect();
    let listed: BTreeSet<_> = LISTED.iter().map(|n| (*n).to_owned()).collect();
    assert_eq!(listed, found);
}

fn manifest(name: &str) -> Manifest {
    let file = repository().join("plugins").join(name).join("plugin.toml");
    let text = fs::read_to_string(file).expect("every plugin has a manifest");
    Manifest::parse(&text).expect("the manifest is valid")
}

/// The plugins whose features a plugin uses, and those that they use.
fn needs(name: &str, found: &mut BTreeSet<String>) {
    for feature in manifest(name).permissions.keys() {
        let used = feature.replace('_', "-");
        let is_plugin = repository().join("plugins").join(&used).is_dir();
        if is_plugin && used != name && found.insert(used.clone()) {
            needs(&used, found);
        }
    }
}

fn others(name: &str) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    needs(name, &mut found);
    found.remove(name);
    found.iter().map(|n| plugin(n)).collect()
}

fn plays(name: &str) {
    let name = name.replace('_', "-");
    let folder = repository().join("plugins").join(&name).join("tests");
    let files = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = files
        .map(|f| f.path())
        .filter(|f| f.extension().is_some_and(|e| e == "play"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no play", folder.display());
    for file in files {
        let play = Play::read(&file).unwrap_or_else(|e| panic!("{e}"));
        let mut stage = Stage::new().plugin(plugin(&name));
        let mut with: BTreeSet<_> = others(&name).into_iter().collect();
        with.extend(
            play.plugins
                .iter()
                .filter(|p| **p != name)
                .map(|p| plugin(p)),
        );
        for other in with {
            stage = stage.plugin(other);
        }
        block_on(play.run(stage)).unwrap_or_else(|e| panic!("{e}"));
    }
}

fn conforms(name: &str) {
    let name = name.replace('_', "-");
    let subject = suite::Subject {
        file: plugin(&name),
        with: others(&name),
    };
    for check in suite::CHECKS {
        block_on(check.run(&subject)).unwrap_or_else(|e| panic!("{}: {e}", check.title()));
    }
}

/// The suite as authors write it, in one line.
mod in_one_line {
    fn ping() -> &'static str {
        let file = sat_tests::build::plugin("ping").display().to_string();
        Box::leak(file.into_boxed_str())
    }

    sat_testkit::plugin_suite!(ping());
}
