//! What people do wrong, and what they are told.

use crate::kit::Kit;
use std::{fs, os::unix::fs::PermissionsExt};

/// A project with one change, built.
fn built_with(name: &str, template: &str, file: &str, from: &str, to: &str) -> crate::kit::Said {
    let kit = Kit::with(name, template);
    kit.edit(&format!("{name}/{file}"), from, to);
    kit.run(&["build", name])
}

#[test]
fn a_permission_is_missing() {
    built_with(
        "m-permission",
        "feature",
        "plugin.toml",
        "storage = \"keeps the notes\"",
        "",
    )
    .ends(17)
    .has(
        "the plugin uses `storage` without permission: add `storage = \"why\"` below [permissions]",
    );
}

#[test]
fn a_permission_is_too_many() {
    built_with(
        "m-too-many",
        "iq",
        "plugin.toml",
        "[[iq]]",
        "[permissions]\nxmpp = \"?\"\n\n[[iq]]",
    )
    .ends(0)
    .has("warning: plugin.toml: it asks for the permission `xmpp` and doesn't use it");
}

#[test]
fn a_payload_is_not_declared() {
    let kit = Kit::with("m-payload", "iq");
    let file = kit.path("m-payload/plugin.toml");
    let text = fs::read_to_string(&file).unwrap();
    let head = text.split("# IQ requests").next().unwrap();
    fs::write(&file, head).unwrap();
    kit.run(&["build", "m-payload"])
        .ends(1)
        .has("the plugin has a iq-handler, but declares no [[iq]], so it would never be called");
}

#[test]
fn a_hook_is_not_named() {
    built_with(
        "m-hook",
        "iq",
        "src/lib.rs",
        "plugin!(MHook: IqHandler)",
        "plugin!(MHook)",
    )
    .ends(1)
    .has("[[iq]] is declared, but the plugin has no iq-handler: implement `IqHandler` and name it");
}

#[test]
fn the_manifest_has_an_error() {
    let said = built_with(
        "m-manifest",
        "iq",
        "plugin.toml",
        "authors = []",
        "colour = \"green\"",
    );
    said.ends(17)
        .has("plugin.toml: line 4: unknown field `colour`");
}

#[test]
fn the_macro_is_forgotten() {
    built_with(
        "m-macro",
        "iq",
        "src/lib.rs",
        "sat_sdk::plugin!(MMacro: IqHandler);",
        "",
    )
    .ends(17)
    .has("no sat:manifest section: write `sat_sdk::plugin!(YourType: …);`");
}

#[test]
fn the_crate_is_no_cdylib() {
    built_with(
        "m-cdylib",
        "iq",
        "Cargo.toml",
        "crate-type = [\"cdylib\"]",
        "",
    )
    .ends(17)
    .has("crate-type = [\"cdylib\"]");
}

#[test]
fn a_panic_unwinds() {
    built_with(
        "m-unwind",
        "iq",
        "Cargo.toml",
        "panic = \"abort\"",
        "panic = \"unwind\"",
    )
    .has("warning: Cargo.toml: panic = \"unwind\" is of no use, since a panic ends the instance")
    .has("write panic = \"abort\" below [profile.release]");
}

#[test]
fn a_socket_is_used() {
    let code =
        "async fn on_iq(_: Header, payload: String) -> Result<Option<String>, StanzaError> {";
    let more = format!("{code}\n        std::net::TcpStream::connect(&payload).ok();");
    built_with("m-socket", "iq", "src/lib.rs", code, &more)
        .ends(17)
        .has("Import `wasi:sockets/")
        .has("plugins have no such part of WASI");
}

#[test]
fn functions_that_cannot_be_offered() {
    let kit = Kit::with("m-functions", "feature");
    kit.edit(
        "m-functions/wit/m-functions.wit",
        "  /// Keeps a note",
        "  sync: func() -> result<_, error>;
           /// Without a result.
           bare: async func() -> string;
           /// An error that isn't one.
           other: async func() -> result<_, string>;
           /// A reserved word.
           mine: async func(profile: string) -> result<_, error>;
           /// What JSON can't tell apart.
           twice: async func() -> result<option<option<string>>, error>;
           /// Keeps a note",
    );
    kit.edit(
        "m-functions/src/lib.rs",
        "    async fn add(",
        "    fn sync() -> Result<(), Error> { Ok(()) }
             async fn bare() -> String { String::new() }
             async fn other() -> Result<(), String> { Ok(()) }
             async fn mine(_: String) -> Result<(), Error> { Ok(()) }
             async fn twice() -> Result<Option<Option<String>>, Error> { Ok(None) }
             async fn add(",
    );
    let of = "`example:m-functions/m-functions@0.1.0";
    kit.run(&["build", "m-functions"])
        .ends(17)
        .has(&format!(
            "{of}#sync` can't be offered: it isn't `async func`"
        ))
        .has(&format!(
            "{of}#bare` can't be offered: it doesn't return `result<…, error>`"
        ))
        .has(&format!(
            "{of}#other` can't be offered: its result's error isn't `error`"
        ))
        .has(&format!(
            "{of}#mine` can't be offered: the parameter name `profile` is the bridge's own"
        ))
        .has(&format!(
            "{of}#twice` can't be offered: result: an option of an option"
        ))
        .has("note: Without description in `jp help`: sync. Write")
        .has("has 5 faults");
}

#[test]
fn the_wit_has_an_error() {
    let name = "m-wit";
    built_with(
        name,
        "feature",
        "wit/m-wit.wit",
        "text: string,",
        "text string,",
    )
    .ends(17)
    .has("m-wit/wit/m-wit.wit:9:10")
    .has("text string,");
    built_with(
        name,
        "feature",
        "wit/m-wit.wit",
        "use types.{note};",
        "use types.{node};",
    )
    .ends(17)
    .has("name `node` does not exist")
    .has("m-wit/wit/m-wit.wit:");
}

#[test]
fn the_target_is_not_installed() {
    let kit = Kit::with("m-target", "iq");
    // What rustc says of the target on a machine that never heard of it.
    let rustc = kit.path("rustc");
    fs::write(&rustc, "#!/bin/sh\necho /nowhere/lib\n").unwrap();
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).unwrap();
    let said = kit
        .command(&["build", "m-target"])
        .env("RUSTC", &rustc)
        .output();
    crate::kit::Said::from(said.unwrap())
        .ends(18)
        .has("`rustup target add wasm32-wasip2`");
}

#[test]
fn the_contract_is_of_another_version() {
    let kit = Kit::with("m-contract", "feature");
    kit.run(&["build", "m-contract"]).ends(0);
    let bytes = fs::read(kit.wasm("m-contract")).unwrap();
    let to = |version: &[u8; 6]| {
        let mut bytes = bytes.clone();
        for at in 0..bytes.len() - version.len() {
            if &bytes[at..at + version.len()] == b"@0.1.0" {
                bytes[at..at + version.len()].copy_from_slice(version);
            }
        }
        bytes
    };
    let file = kit.path("other.wasm");
    fs::write(&file, to(b"@0.2.0")).unwrap();
    kit.run(&["check", "other.wasm"])
        .ends(17)
        .has("`sat:host/storage@0.2.0` is newer than the contract of this SàT, 0.1.0: update SàT");
    fs::write(&file, to(b"@0.0.9")).unwrap();
    kit.run(&["check", "other.wasm"])
        .ends(17)
        .has("is older than the contract of this SàT, 0.1.0: build the plugin again with its SDK");
}

#[test]
fn files_that_are_no_plugins() {
    let kit = Kit::new();
    let module = b"\0asm\x01\0\0\0";
    let component = b"\0asm\x0d\0\x01\0";
    for (content, code, words) in [
        (b"".as_slice(), 17, "The file is empty"),
        (b"no wasm", 17, "Not a WebAssembly component"),
        (module, 17, "It is a core module, not a component"),
        (component, 17, "The file has no sat:manifest section"),
    ] {
        fs::write(kit.path("x.wasm"), content).unwrap();
        kit.run(&["check", "x.wasm"]).ends(code).has(words);
        kit.run(&["info", "x.wasm"]).ends(code).has(words);
    }
    kit.run(&["check", "nothing.wasm"])
        .ends(16)
        .has("nothing.wasm");
}

#[test]
fn folders_that_are_no_plugins() {
    let kit = Kit::with("m-folder", "iq");
    fs::create_dir(kit.path("empty")).unwrap();
    for command in ["build", "check", "test", "pack"] {
        kit.run(&[command, "empty"])
            .ends(16)
            .has("neither Cargo.toml nor plugin.py: `sat plugin new NAME` makes one");
    }
    kit.run(&["check", "m-folder"])
        .ends(16)
        .has("isn't built yet: `sat plugin build`");
    fs::remove_file(kit.path("m-folder/plugin.toml")).unwrap();
    kit.run(&["build", "m-folder"])
        .ends(16)
        .has("has no plugin.toml");
    kit.run(&["new", "m-folder"])
        .ends(19)
        .has("There is a m-folder already");
    kit.run(&["new", "M-Folder"])
        .ends(2)
        .has("use lower-case letters");
    kit.run(&["new", "m-other", "--template", "chat"]).ends(2);
}

#[test]
fn the_sdk_is_gone() {
    let kit = Kit::with("m-sdk", "iq");
    let sdk = kit.run(&["sdk"]);
    let sdk = sdk.text.trim();
    kit.edit("m-sdk/Cargo.toml", sdk, "/nowhere/sdk");
    kit.run(&["build", "m-sdk"])
        .ends(16)
        .has("The SDK that Cargo.toml names isn't there: /nowhere/sdk. Write the path that `sat plugin sdk`");
}
