use super::*;

async fn fresh() -> (tempfile::TempDir, HostDb) {
    let folder = tempfile::tempdir().unwrap();
    let db = HostDb::open(
        &folder.path().join("sat.db"),
        &crate::clock::Clock::system(),
    )
    .await
    .unwrap();
    (folder, db)
}

async fn default_of(db: &HostDb) -> Option<String> {
    let profiles = db.profiles().await.unwrap();
    profiles
        .into_iter()
        .find(|profile| profile.is_default)
        .map(|profile| profile.name)
}

#[tokio::test]
async fn the_first_profile_is_the_default() {
    let (_folder, db) = fresh().await;
    assert!(db.profile_insert("romeo", "f1").await.unwrap().is_default);
    assert!(!db.profile_insert("juliet", "f2").await.unwrap().is_default);
    for (name, folder) in [("romeo", "f3"), ("other", "f1")] {
        assert!(
            db.profile_insert(name, folder)
                .await
                .unwrap_err()
                .is(kind::CONFLICT)
        );
    }
    db.profile_set_default("juliet").await.unwrap();
    assert_eq!(default_of(&db).await.as_deref(), Some("juliet"));
    assert!(
        db.profile_set_default("nobody")
            .await
            .unwrap_err()
            .is(kind::NOT_FOUND)
    );
    assert_eq!(default_of(&db).await.as_deref(), Some("juliet"));
    db.plugin_disable("chat", Some("juliet")).await.unwrap();
    db.profile_delete("juliet").await.unwrap();
    assert_eq!(default_of(&db).await.as_deref(), Some("romeo"));
    assert!(db.disabled_plugins().await.unwrap().is_empty());
    assert!(
        db.profile_delete("juliet")
            .await
            .unwrap_err()
            .is(kind::NOT_FOUND)
    );
    db.profile_delete("romeo").await.unwrap();
    assert!(db.profile_insert("new", "f4").await.unwrap().is_default);
}

#[tokio::test]
async fn plugins_are_switched_off_and_on() {
    let (_folder, db) = fresh().await;
    for _ in 0..2 {
        db.plugin_disable("chat", None).await.unwrap();
        db.plugin_disable("chat", Some("romeo")).await.unwrap();
    }
    db.plugin_enable("chat", None).await.unwrap();
    let left = DisabledPlugin {
        plugin: "chat".to_owned(),
        profile: Some("romeo".to_owned()),
    };
    assert_eq!(db.disabled_plugins().await.unwrap(), [left]);
}

#[tokio::test]
async fn the_cache_key_stays() {
    let (_folder, db) = fresh().await;
    let key = db.cache_key().await.unwrap();
    assert_ne!(key, [0; 32]);
    assert_eq!(db.cache_key().await.unwrap(), key);
}
