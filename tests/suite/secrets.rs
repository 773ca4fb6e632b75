//! Passwords are on no disk and in no log.

use sat_tests::{Kit, Server, server, wait};
use serde_json::json;
use std::{
    fs,
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
};

/// A profile password that occurs nowhere else.
const CANARY: &str = "canary-of-the-profile-5a1b";

/// Collects what the backend logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A secret in the forms in which it may have been written.
fn forms(secret: &str, account: &str) -> Vec<Vec<u8>> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let plain = format!("\0{account}\0{secret}");
    let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        secret.into(),
        STANDARD.encode(secret).trim_end_matches('=').into(),
        STANDARD.encode(plain).trim_end_matches('=').into(),
        secret
            .bytes()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
            .into(),
        utf16,
    ]
}

fn absent(what: &str, text: &[u8], secrets: &[Vec<u8>]) {
    for secret in secrets {
        let found = text.windows(secret.len()).any(|w| w == secret.as_slice());
        assert!(
            !found,
            "{what} has the secret {}",
            String::from_utf8_lossy(secret)
        );
    }
}

fn search(folder: &Path, secrets: &[Vec<u8>]) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            files += search(&path, secrets);
        } else {
            files += 1;
            absent(
                &path.display().to_string(),
                &fs::read(&path).unwrap(),
                secrets,
            );
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_on_no_disk_and_in_no_log() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let server = Server::plain();
    let mut kit = Kit::start(&["roster", "presence", "chat", "ping"]).await;
    kit.create(&server, "romeo", CANARY).await;
    let profile = kit.profile("romeo");
    let wrong = profile.unlock("canary-of-a-wrong-guess").await.unwrap_err();
    assert_eq!(wrong.kind, "wrong-password");
    assert!(!wrong.message.contains("canary"));
    profile.unlock(CANARY).await.unwrap();
    profile.connect().await.unwrap();
    profile
        .add_password(CANARY, "canary-of-a-second-77", Some("second"))
        .await
        .unwrap();
    kit.ok("romeo", "ping.ping", json!({})).await;
    kit.ok(
        "romeo",
        "chat.send",
        json!({"to": "juliet@localhost", "body": "x", "extra": []}),
    )
    .await;
    let mut secrets = forms(&server::password("romeo"), "romeo");
    secrets.extend(forms(CANARY, "romeo"));
    secrets.extend(forms("canary-of-a-second-77", "romeo"));
    secrets.extend(forms("canary-of-a-wrong-guess", "romeo"));
    let files = search(&kit.local_dir(), &secrets);
    assert!(files >= 2, "only {files} files were searched");
    drop(profile);
    kit.stop().await;
    search(&kit.local_dir(), &secrets);
    let log = log.0.lock().unwrap().clone();
    assert!(!log.is_empty(), "nothing was logged");
    absent("the log", &log, &secrets);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_profile_does_nothing() {
    let server = Server::plain();
    let kit = Kit::start(&["ping", "chat"]).await;
    kit.create(&server, "romeo", CANARY).await;
    let profile = kit.profile("romeo");
    for again in [false, true] {
        assert_eq!(profile.connect().await.unwrap_err().kind, "profile-locked");
        assert_eq!(
            kit.call("romeo", "ping.ping", json!({}))
                .await
                .unwrap_err()
                .kind,
            "profile-locked"
        );
        if !again {
            profile.unlock(CANARY).await.unwrap();
            profile.connect().await.unwrap();
            kit.ok("romeo", "ping.ping", json!({})).await;
            profile.lock().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::plain();
    let kit = Kit::start(&["ping"]).await;
    kit.create(&server, "romeo", CANARY).await;
    let mut folders = vec![kit.local_dir().join("profiles")];
    while let Some(folder) = folders.pop() {
        let mode = fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", folder.display());
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o077;
                assert_eq!(mode, 0, "{}", entry.path().display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_opens_and_connects_a_profile_at_start_until_it_is_removed() {
    let server = Server::plain();
    let mut kit = Kit::start(&["ping"]).await;
    kit.create(&server, "romeo", CANARY).await;
    let key = b"64 bytes that should be random, which this test doesn't need....";
    let keys = kit.local_dir().join("keys");
    fs::create_dir(&keys).unwrap();
    fs::write(keys.join("romeo.key"), key).unwrap();
    kit.key_dir = Some(keys);
    let profile = kit.profile("romeo");
    let error = profile
        .add_key_file("wrong", "boot", key)
        .await
        .unwrap_err();
    assert_eq!(error.kind, "wrong-password");
    profile.add_key_file(CANARY, "boot", key).await.unwrap();
    profile.unlock(CANARY).await.unwrap();
    profile
        .set_setting("host", "autoconnect", json!(true))
        .await
        .unwrap();
    drop(profile);
    kit.restart().await;
    wait::until("the profile is connected", || async {
        (kit.profile("romeo").info().state == "connected").then_some(())
    })
    .await;
    kit.profile("romeo").remove_key_file(key).await.unwrap();
    kit.restart().await;
    let error = kit.profile("romeo").remove_key_file(key).await.unwrap_err();
    assert_eq!(error.kind, "wrong-password");
    assert!(!kit.profile("romeo").is_unlocked());
    // The password still opens it.
    kit.profile("romeo").unlock(CANARY).await.unwrap();
}
