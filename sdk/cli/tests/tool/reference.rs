//! `doc/reference/` is what the tool makes of `wit/`.

use crate::kit::{Kit, plugins};
use std::{fs, path::Path};

#[test]
fn the_reference_is_what_the_comments_say() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let names = |folder: &str| {
        let entries = fs::read_dir(repository.join(folder)).unwrap().flatten();
        let names = entries.filter(|e| folder != "wit" || e.path().is_dir());
        let names = names.map(|e| e.file_name().into_string().unwrap().replace(".md", ""));
        let mut names: Vec<_> = names.filter(|n| n != "README").collect();
        names.sort();
        names
    };
    let packages = names("wit");
    assert_eq!(packages, names("doc/reference"), "renew: make reference");
    let list = fs::read_to_string(repository.join("doc/reference/README.md")).unwrap();
    let kit = Kit::new();
    for name in packages {
        assert!(
            list.contains(&format!("({name}.md)")),
            "list {name} in README.md"
        );
        let folder = repository.join("wit").join(&name);
        let made = kit.run(&["doc", &folder.display().to_string()]);
        made.ends(0);
        let kept = fs::read_to_string(repository.join(format!("doc/reference/{name}.md")));
        assert!(
            kept.unwrap() == made.text,
            "{name}.md is old; renew: make reference"
        );
    }
}

#[test]
fn a_plugin_is_described_too() {
    let kit = Kit::with("told", "feature");
    // The folder's WIT, before anything is built.
    kit.run(&["doc", "told"])
        .ends(0)
        .has("# example:told@0.1.0")
        .has("### `example.told.newest`")
        .has("The newest notes, the newest first: at most `limit` (20).")
        .has("Returns [`list<note>`](#note).")
        .has("| `at` | `string` | When it was made, RFC 3339. |");
    kit.run(&["build", "told"]).ends(0);
    kit.run(&["doc", &format!("{}/told.wasm", plugins())])
        .ends(0)
        .has("# told 0.1.0")
        .has("| `storage` | keeps the notes |")
        .has("### `example.told.added`");
    kit.run(&["doc", "src"]).ends(16);
}
