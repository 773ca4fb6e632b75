use super::*;

const WEAK: KdfParams = KdfParams {
    m_kib: 8,
    t: 1,
    p: 1,
};

fn password(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

async fn unlock(slots: &[Slot], text: &str) -> Result<Vault> {
    Vault::unlock("f1", slots, password(text)).await
}

#[tokio::test]
async fn each_password_opens_and_no_other() {
    let (vault, first) = Vault::create("f1", password("montague"), WEAK)
        .await
        .unwrap();
    let empty = vault
        .password_slot("empty", password(""), WEAK)
        .await
        .unwrap();
    let slots = [first, empty];
    for right in ["montague", ""] {
        assert_eq!(unlock(&slots, right).await.unwrap().key, vault.key);
    }
    for wrong in ["Montague", "montague ", "x"] {
        assert!(
            unlock(&slots, wrong)
                .await
                .unwrap_err()
                .is(kind::WRONG_PASSWORD)
        );
    }
    assert!(
        unlock(&[], "montague")
            .await
            .unwrap_err()
            .is(kind::WRONG_PASSWORD)
    );
    let found = Vault::find_slot("f1", &slots, password("")).await.unwrap();
    assert_eq!(found, slots[1].id);
    assert_ne!(slots[0].salt, slots[1].salt);
    let long = vault
        .password_slot("", password(&"x".repeat(PASSWORD_MAX + 1)), WEAK)
        .await;
    assert!(long.unwrap_err().is(kind::BAD_REQUEST));
}

#[tokio::test]
async fn a_changed_or_moved_slot_opens_nothing() {
    let (_, slot) = Vault::create("f1", password("p"), WEAK).await.unwrap();
    assert!(unlock(std::slice::from_ref(&slot), "p").await.is_ok());
    let changes: [fn(&mut Slot); 9] = [
        |slot| slot.id = "0".to_owned(),
        |slot| slot.m_kib = 16,
        |slot| slot.t = 2,
        |slot| slot.kind = "file".to_owned(),
        |slot| slot.salt[0] ^= 1,
        |slot| slot.nonce[0] ^= 1,
        |slot| slot.nonce.clear(),
        |slot| slot.wrapped.truncate(20),
        |slot| slot.salt.clear(),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut slot = slot.clone();
        change(&mut slot);
        assert!(unlock(&[slot], "p").await.is_err(), "change {number}");
    }
    assert!(Vault::unlock("f2", &[slot], password("p")).await.is_err());
}

/// Reliability test 97: the bounds come before the memory.
#[tokio::test]
async fn absurd_parameters_cost_nothing() {
    let (_, slot) = Vault::create("f1", password("p"), WEAK).await.unwrap();
    let start = std::time::Instant::now();
    for (m_kib, t, p) in [
        (4 << 30, 1, 1),
        ((1 << 20) + 1, 1, 1),
        (8, 21, 1),
        (8, 1 << 32, 1),
        (8, 1, 9),
        (0, 1, 1),
        (8, 0, 1),
        (8, 1, 0),
        (-8, 1, 1),
        (i64::MAX, i64::MAX, i64::MAX),
    ] {
        let slot = Slot {
            m_kib,
            t,
            p,
            ..slot.clone()
        };
        assert!(
            unlock(&[slot], "p")
                .await
                .unwrap_err()
                .is(kind::WRONG_PASSWORD)
        );
    }
    assert!(start.elapsed().as_millis() < 100);
}

#[tokio::test]
async fn a_key_file_opens() {
    let (vault, _) = Vault::create("f1", password("p"), WEAK).await.unwrap();
    let slot = vault.file_slot("boot", &[7; KEY_FILE_MIN]).unwrap();
    let slots = [slot];
    let opened = Vault::unlock_with_file("f1", &slots, &[7; KEY_FILE_MIN]).unwrap();
    assert_eq!(opened.key, vault.key);
    for wrong in [vec![8; KEY_FILE_MIN], vec![7; KEY_FILE_MIN + 1]] {
        let error = Vault::unlock_with_file("f1", &slots, &wrong).unwrap_err();
        assert!(error.is(kind::WRONG_PASSWORD));
    }
    let short = vault.file_slot("boot", &[7; KEY_FILE_MIN - 1]).unwrap_err();
    assert!(short.is(kind::BAD_REQUEST));
    assert!(Vault::unlock_with_file("f2", &slots, &[7; KEY_FILE_MIN]).is_err());
}

#[tokio::test]
async fn a_sealed_value_opens_in_its_place_only() {
    let (vault, _) = Vault::create("f1", password("p"), WEAK).await.unwrap();
    let sealed = vault.seal("secret/chat/token", b"value").unwrap();
    assert_ne!(sealed, vault.seal("secret/chat/token", b"value").unwrap());
    assert_eq!(
        vault.open("secret/chat/token", &sealed).unwrap().as_slice(),
        b"value"
    );
    assert!(vault.open("secret/blog/token", &sealed).is_err());
    let elsewhere = Vault {
        profile: "f2".to_owned(),
        key: vault.key.clone(),
    };
    assert!(elsewhere.open("secret/chat/token", &sealed).is_err());
    for length in 0..sealed.len() {
        assert!(vault.open("secret/chat/token", &sealed[..length]).is_err());
    }
    for index in 0..sealed.len() {
        let mut sealed = sealed.clone();
        sealed[index] ^= 1;
        assert!(vault.open("secret/chat/token", &sealed).is_err());
    }
    let (other, _) = Vault::create("f1", password("p"), WEAK).await.unwrap();
    assert!(other.open("secret/chat/token", &sealed).is_err());
    assert_eq!(format!("{vault:?}"), "Vault(***)");
}
