//! A plugin does what its manifest names and the administrator doesn't deny, and nothing else.

use sat_host::{config::Denied, error::kind};
use sat_tests::{Kit, Server, build, wait};
use serde_json::json;
use std::fs;

async fn with_denied(denied: &[(&str, &str)]) -> (Server, Kit) {
    let server = Server::plain();
    let mut kit = Kit::folders();
    for name in ["weather", "hostile", "mirror"] {
        kit.drop_in(&build::guest(name), name);
    }
    kit.denied = denied
        .iter()
        .map(|(plugin, permission)| Denied {
            plugin: (*plugin).into(),
            permission: (*permission).into(),
        })
        .collect();
    kit.run().await;
    kit.create(&server, "juliet", "").await;
    kit.profile("juliet").unlock("").await.expect("it opens");
    (server, kit)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_without_permission_is_refused_with_the_line_to_add() {
    let kit = Kit::start(&[]).await;
    let file = kit.plugin_dir().join("weather.wasm");
    let built = fs::read(build::guest("weather")).expect("the guest was built");
    // The same length, so that the file stays whole.
    let (from, to) = (b"storage = \"keeps notes\"", b"secrets = \"keeps notes\"");
    let mut changed = built.clone();
    let places = built.windows(from.len()).enumerate();
    for (at, _) in places.filter(|(_, window)| window == from) {
        changed[at..at + to.len()].copy_from_slice(to);
    }
    assert_ne!(changed, built, "the manifest is in the file");
    fs::write(&file, changed).expect("writable");
    let refused = wait::until("the plugin is refused", || async {
        let all = kit.backend().plugins();
        all.into_iter().find_map(|p| p.error)
    })
    .await;
    assert!(
        refused.contains("uses `storage` without permission: add `storage = \"why\"`"),
        "{refused}"
    );
    fs::write(&file, built).expect("writable");
    kit.loaded("weather", Some("0.1.0")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_of_another_contract_is_refused_with_the_side_to_update() {
    let kit = Kit::start(&[]).await;
    let file = kit.plugin_dir().join("weather.wasm");
    let mut built = fs::read(build::guest("weather")).expect("the guest was built");
    let (from, to) = (b"@0.1.0", b"@0.2.0");
    for at in 0..built.len() - from.len() {
        if &built[at..at + from.len()] == from {
            built[at..at + from.len()].copy_from_slice(to);
        }
    }
    fs::write(&file, built).expect("writable");
    let refused = wait::until("the plugin is refused", || async {
        let all = kit.backend().plugins();
        all.into_iter().find_map(|p| p.error)
    })
    .await;
    assert!(
        refused.contains("@0.2.0` is newer than the contract of this SàT, 0.1.0: update SàT"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_interface_of_the_host_is_an_error_for_that_plugin_only() {
    let (_server, kit) = with_denied(&[("weather", "storage")]).await;
    let note = json!({"number": 1, "how": "commit"});
    let error = kit
        .call("juliet", "acme.weather.note", note)
        .await
        .unwrap_err();
    assert_eq!(error.kind, kind::FORBIDDEN);
    assert!(error.message.contains("permission storage"), "{error}");
    // What needs no storage works, and another plugin has its own.
    kit.ok(
        "juliet",
        "acme.weather.get_today",
        json!({"city": "Verona"}),
    )
    .await;
    kit.ok("juliet", "acme.hostile.do", json!({"what": "count"}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_commit_need_the_permission_to_send() {
    let (_server, kit) = with_denied(&[]).await;
    let note = json!({"number": 1, "how": "send"});
    let error = kit
        .call("juliet", "acme.weather.note", note)
        .await
        .unwrap_err();
    assert_eq!(error.kind, kind::FORBIDDEN);
    assert!(error.message.contains("add `xmpp = \"why\"`"), "{error}");
    // Nothing of the commit was done.
    let noted = kit.ok("juliet", "acme.weather.noted", json!({})).await;
    assert_eq!(noted, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_feature_is_an_error_for_its_caller() {
    let bounce = || json!({"what": "bounce", "n": 0});
    let (_server, kit) = with_denied(&[("mirror", "acme.hostile")]).await;
    let error = kit
        .call("juliet", "acme.hostile.do", bounce())
        .await
        .unwrap_err();
    assert_eq!(error.kind, kind::FORBIDDEN);
    assert!(error.message.contains("plugin mirror"), "{error}");
}
