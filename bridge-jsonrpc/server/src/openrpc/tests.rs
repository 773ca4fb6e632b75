//! The document of the WIT texts in the repository.

use super::*;
use std::{fs, path::Path};

/// A plugin's `sat:wit`: its own package, then the feature's and the host's as nested ones.
fn text(feature: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .canonicalize()
        .unwrap()
        .join("../../wit");
    let mut out = "package sat:some-plugin@0.1.0;\n".to_owned();
    for folder in [feature, "host"] {
        let mut files: Vec<_> = fs::read_dir(root.join(folder))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.sort();
        let mut header = String::new();
        let mut body = String::new();
        for line in files.iter().flat_map(|f| {
            fs::read_to_string(f)
                .unwrap()
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        }) {
            if line.starts_with("package ") {
                header = line.trim_end_matches(';').to_owned();
            } else {
                body += &line;
                body.push('\n');
            }
        }
        out += &format!("{header} {{\n{body}\n}}\n");
    }
    out
}

fn method<'a>(document: &'a Value, name: &str) -> &'a Value {
    let methods = document["methods"].as_array().unwrap();
    methods
        .iter()
        .find(|m| m["name"] == name)
        .unwrap_or_else(|| panic!("{name} is missing"))
}

#[test]
fn features_are_described_by_their_wit() {
    let chat = text("chat");
    let document = document(7, &[("chat", &chat, &["sat:chat/chat@0.1.0".to_owned()])]);
    assert_eq!(document["openrpc"], "1.3.2");
    assert_eq!(document["x-generation"], 7);

    let send = method(&document, "chat.send");
    assert_eq!(send["x-plugin"], "chat");
    assert!(
        send["summary"]
            .as_str()
            .unwrap()
            .starts_with("Sends a message.")
    );
    let names: Vec<_> = send["params"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    assert_eq!(names[0], "profile");
    assert!(names.contains(&"to") && names.contains(&"body") && names.contains(&"extra"));
    let required: Vec<_> = send["params"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|p| p["required"] == true)
        .collect();
    assert!(
        required.iter().any(|p| p["name"] == "to")
            && !required.iter().any(|p| p["name"] == "extra")
    );
    method(&document, "chat.mark_read");

    let message = &document["components"]["schemas"]["chat.message"];
    assert_eq!(
        message["properties"]["via"]["$ref"],
        "#/components/schemas/host.via"
    );
    assert!(message["properties"].get("edited_at").is_some());
    assert!(
        document["components"]["schemas"]["host.via"]["enum"]
            .as_array()
            .unwrap()
            .contains(&"carbon-sent".into())
    );
    let topics: Vec<_> = document["x-events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["topic"].clone())
        .collect();
    assert!(topics.contains(&"chat.message".into()));

    // Every reference leads somewhere.
    let all = document.to_string();
    for rest in all.split("#/components/schemas/").skip(1) {
        let name = rest.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}

#[test]
fn core_methods_are_there_and_a_broken_text_is_no_harm() {
    let document = document(1, &[("odd", "package oops", &[])]);
    for name in [
        "session.hello",
        "profile.unlock",
        "events.subscribe",
        "rpc.discover",
    ] {
        assert_eq!(method(&document, name)["paramStructure"], "by-name");
    }
    assert_eq!(document["methods"].as_array().unwrap().len(), METHODS.len());
}
