use super::*;

async fn fresh() -> (tempfile::TempDir, ProfileDb) {
    let folder = tempfile::tempdir().unwrap();
    let db = ProfileDb::open(
        &folder.path().join("profile.db"),
        &crate::clock::Clock::system(),
    )
    .await
    .unwrap();
    (folder, db)
}

#[tokio::test]
async fn keys_are_any_text_and_each_plugin_has_its_own() {
    let (_folder, db) = fresh().await;
    for key in ["", "'", "a\0b", "%", "\u{10ffff}", "a'; DROP TABLE kv; --"] {
        assert_eq!(db.kv_get("chat", key).await.unwrap(), None);
        db.kv_set("chat", key, key.as_bytes().to_vec())
            .await
            .unwrap();
        db.kv_set("chat", key, b"2".to_vec()).await.unwrap();
        assert_eq!(
            db.kv_get("chat", key).await.unwrap().as_deref(),
            Some(b"2".as_slice())
        );
        assert_eq!(db.kv_get("other", key).await.unwrap(), None);
        assert_eq!(db.kv_size("chat").await.unwrap(), (1, key.len() as i64 + 1));
        assert!(db.kv_delete("chat", key).await.unwrap());
        assert!(!db.kv_delete("chat", key).await.unwrap());
    }
    assert_eq!(db.kv_size("chat").await.unwrap(), (0, 0));
}

#[tokio::test]
async fn listing_pages_through_a_prefix() {
    let (_folder, db) = fresh().await;
    for key in ["a", "b:", "b:1", "b:2", "b:3", "b;", "b", "ü:1", "ü:2"] {
        db.kv_set("chat", key, Vec::new()).await.unwrap();
    }
    db.kv_set("other", "b:0", Vec::new()).await.unwrap();
    let keys = async |prefix, after, limit| db.kv_keys("chat", prefix, after, limit).await.unwrap();
    assert_eq!(keys("b:", None, 2).await, ["b:", "b:1"]);
    assert_eq!(keys("b:", Some("b:1"), 9).await, ["b:2", "b:3"]);
    assert_eq!(keys("b:", Some("a"), 1).await, ["b:"]);
    assert_eq!(keys("ü", None, 9).await, ["ü:1", "ü:2"]);
    assert_eq!(keys("", None, 9).await.len(), 9);
    assert_eq!(keys("", None, 0).await.len(), 0);
    assert_eq!(keys("b:", Some("zzz"), 9).await.len(), 0);
}

#[tokio::test]
async fn quotas_hold_to_the_byte() {
    let (_folder, db) = fresh().await;
    let named = async |key: &str, length: usize, name: &str| {
        let error = db.kv_set("chat", key, vec![0; length]).await.unwrap_err();
        assert!(
            error.is(kind::LIMIT) && error.message.contains(name),
            "{error}"
        );
    };
    named(&"k".repeat(KV_KEY_LIMIT + 1), 0, "KV_KEY_LIMIT").await;
    named("k", KV_VALUE_LIMIT + 1, "KV_VALUE_LIMIT").await;
    db.kv_set(
        "chat",
        &"k".repeat(KV_KEY_LIMIT),
        vec![0; KV_VALUE_LIMIT - KV_KEY_LIMIT],
    )
    .await
    .unwrap();
    for number in 1..40 {
        let key = format!("{number:02}");
        db.kv_set("chat", &key, vec![0; KV_VALUE_LIMIT - 2])
            .await
            .unwrap();
    }
    assert_eq!(db.kv_size("chat").await.unwrap(), (40, KV_BYTES_LIMIT));
    named("x", 0, "KV_BYTES_LIMIT").await;
    named("01", KV_VALUE_LIMIT - 1, "KV_BYTES_LIMIT").await;
    db.kv_set("chat", "01", vec![1; KV_VALUE_LIMIT - 3])
        .await
        .unwrap();
    db.kv_set("chat", "x", Vec::new()).await.unwrap();
    assert_eq!(db.kv_size("chat").await.unwrap(), (41, KV_BYTES_LIMIT));
}

#[tokio::test]
async fn keys_are_counted() {
    let (_folder, db) = fresh().await;
    db.db()
        .write(|conn| {
            let mut statement =
                conn.prepare("INSERT INTO kv (plugin, key, value) VALUES ('chat', ?1, x'')")?;
            for number in 0..KV_KEYS_LIMIT {
                statement.execute([number.to_string()])?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let error = db.kv_set("chat", "one more", Vec::new()).await.unwrap_err();
    assert!(
        error.is(kind::LIMIT) && error.message.contains("KV_KEYS_LIMIT"),
        "{error}"
    );
    db.kv_set("chat", "7", b"again".to_vec()).await.unwrap();
    db.kv_set("other", "k", Vec::new()).await.unwrap();
}
