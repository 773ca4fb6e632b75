//! Each template works as it is.

use crate::kit::{Kit, Said};
use std::fs;

fn works(name: &str, template: &str) -> (Kit, Said) {
    let kit = Kit::with(name, template);
    let readme = fs::read_to_string(kit.path(&format!("{name}/README.md"))).unwrap();
    assert!(
        readme.lines().count() <= 10 && readme.contains(name),
        "{readme}"
    );
    assert!(kit.path(&format!("{name}/.gitignore")).is_file());
    for entry in ["Cargo.toml", "plugin.toml", "src/lib.rs"] {
        let text = fs::read_to_string(kit.path(&format!("{name}/{entry}"))).unwrap();
        assert!(
            !text.contains("{{n") && !text.contains("{{N"),
            "{entry}: {text}"
        );
    }
    kit.run(&["build", name])
        .ends(0)
        .lacks("warning")
        .lacks("note:")
        .has(": good, ");
    kit.run(&["test", name])
        .ends(0)
        .has("test result: ok")
        .lacks(" 0 passed")
        .has("== The conformance suite");
    let wasm = kit.wasm(name).display().to_string();
    let said = kit.run(&["info", &wasm]);
    said.ends(0)
        .has(&format!("{name} 0.1.0: "))
        .has("not signed");
    (kit, said)
}

#[test]
fn iq() {
    let (kit, said) = works("tea-greeter", "iq");
    said.has("iq-handler: get <hello xmlns='urn:example:tea-greeter:0'/> from any");
    assert!(kit.path("tea-greeter/tests/tea-greeter.play").is_file());
    let code = fs::read_to_string(kit.path("tea-greeter/src/lib.rs")).unwrap();
    assert!(code.lines().count() <= 25, "{code}");
    assert!(!kit.path("tea-greeter/wit").exists());
}

#[test]
fn filter() {
    let (_, said) = works("tea-pourer", "filter");
    said.has("compose-filter: chat, groupchat, normal <body xmlns='jabber:client'/>")
        .has("enabled = true");
}

#[test]
fn feature() {
    let (kit, said) = works("tea-notes", "feature");
    said.has("example.tea_notes.add: async func(text: string) -> result<note, error>")
        .has("Keeps a note, and returns it as it was kept.")
        .has("example.tea_notes.added")
        .has("storage: keeps the notes");
    let wasm = kit.wasm("tea-notes").display().to_string();
    let json = kit.run(&["info", "--json", &wasm]);
    let info: serde_json::Value = serde_json::from_str(&json.text).unwrap();
    assert_eq!(info["methods"][1]["name"], "example.tea_notes.newest");
    assert_eq!(info["uses"], serde_json::json!(["storage"]));
}

#[test]
fn the_namespace_may_be_ones_own() {
    let kit = Kit::new();
    kit.run(&[
        "new",
        "pot",
        "--template",
        "feature",
        "--namespace",
        "tea-house",
    ])
    .ends(0);
    kit.run(&["build", "pot"]).ends(0);
    let wasm = kit.wasm("pot").display().to_string();
    kit.run(&["info", &wasm]).has("tea_house.pot.newest");
    kit.run(&["pack", "pot"]).ends(0);
    let sum = fs::read_to_string(kit.path("pot/dist/pot-0.1.0.wasm.sha256")).unwrap();
    let check = std::process::Command::new("sha256sum")
        .args(["-c", "pot-0.1.0.wasm.sha256"])
        .current_dir(kit.path("pot/dist"))
        .output()
        .unwrap();
    assert!(check.status.success(), "{sum}");
}

#[test]
fn the_sdk_of_a_checkout_can_be_used() {
    let kit = Kit::new();
    let sdk = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    kit.run(&["new", "checked-out", "--sdk", sdk]).ends(0);
    let cargo = fs::read_to_string(kit.path("checked-out/Cargo.toml")).unwrap();
    let sdk = std::path::Path::new(sdk).canonicalize().unwrap();
    assert!(
        cargo.contains(&format!("path = {:?}", sdk.display().to_string())),
        "{cargo}"
    );
    kit.run(&["new", "lost", "--sdk", "."])
        .ends(16)
        .has("--sdk wants the folder sdk/");
}
