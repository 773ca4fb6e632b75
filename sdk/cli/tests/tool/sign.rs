//! Signatures.

use crate::kit::Kit;
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn signed_files_tell_by_whom() {
    let kit = Kit::with("signer", "iq");
    kit.run(&["keygen", "key"]).ends(0).has("Public key: ");
    let mode = fs::metadata(kit.path("key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    kit.run(&["keygen", "key"]).ends(19);
    let public = fs::read_to_string(kit.path("key.pub")).unwrap();
    let public = public.trim();

    kit.run(&["build", "signer"]).ends(0);
    kit.keep("signer", "s.wasm");
    let unsigned = fs::read(kit.path("s.wasm")).unwrap();
    kit.run(&["sign", "s.wasm", "--key", "key"])
        .ends(0)
        .has(public);
    let signed = fs::read(kit.path("s.wasm")).unwrap();
    assert!(signed.starts_with(&unsigned));
    kit.run(&["check", "s.wasm"]).ends(0);
    kit.run(&["info", "s.wasm"])
        .ends(0)
        .has(&format!("signed by {public}"));
    // Once more replaces the signature.
    kit.run(&["sign", "s.wasm", "--key", "key"]).ends(0);
    assert_eq!(fs::read(kit.path("s.wasm")).unwrap(), signed);

    // A letter of the summary, in the manifest's section.
    let mut changed = signed.clone();
    let at = changed.windows(9).position(|w| w == b"Answers a").unwrap();
    changed[at] = b'a';
    fs::write(kit.path("changed.wasm"), changed).unwrap();
    kit.run(&["check", "changed.wasm"])
        .ends(17)
        .has("the file was changed after it was signed: take the file from its author again");
    kit.run(&["info", "changed.wasm"]).has("WRONG SIGNATURE");
    kit.run(&["sign", "s.wasm", "--key", "key.pub"])
        .ends(17)
        .has("is no secret key");
}
