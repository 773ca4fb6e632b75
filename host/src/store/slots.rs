//! Key slots: each holds the profile's data key, wrapped under one password or file.

use super::profile_db::ProfileDb;
use crate::error::{Error, Result, kind};

/// Slots that a profile may have; unlocking may try them all.
pub const SLOTS_LIMIT: i64 = 8;

/// A key slot as stored; what it means is the vault's business, and nothing of it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Random, part of what the wrapping authenticates.
    pub id: String,
    /// `password` or `file`.
    pub kind: String,
    /// For people.
    pub label: String,
    /// Memory of argon2id in KiB; 0 where it isn't used, as with the next two.
    pub m_kib: i64,
    /// Passes of argon2id.
    pub t: i64,
    /// Lanes of argon2id.
    pub p: i64,
    /// Salt of the key derivation.
    pub salt: Vec<u8>,
    /// Nonce of the wrapping.
    pub nonce: Vec<u8>,
    /// The wrapped data key.
    pub wrapped: Vec<u8>,
}

impl ProfileDb {
    /// The slots, oldest first.
    pub async fn slots(&self) -> Result<Vec<Slot>> {
        self.db()
            .read(|conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT id, kind, label, m_kib, t, p, salt, nonce, wrapped FROM slot
                     ORDER BY created_at, id",
                )?;
                let slots = statement.query_map([], |row| {
                    Ok(Slot {
                        id: row.get(0)?,
                        kind: row.get(1)?,
                        label: row.get(2)?,
                        m_kib: row.get(3)?,
                        t: row.get(4)?,
                        p: row.get(5)?,
                        salt: row.get(6)?,
                        nonce: row.get(7)?,
                        wrapped: row.get(8)?,
                    })
                })?;
                Ok(slots.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Adds a slot.
    pub async fn slot_insert(&self, slot: Slot) -> Result<()> {
        let created_at = self.db().clock().stamp();
        self.db()
            .write(move |conn| {
                if count(conn)? >= SLOTS_LIMIT {
                    return Err(Error::new(
                        kind::LIMIT,
                        format!("Limit reached, SLOTS_LIMIT: {SLOTS_LIMIT}; remove a password first"),
                    ));
                }
                let Slot { id, kind, label, m_kib, t, p, salt, nonce, wrapped } = &slot;
                conn.execute(
                    "INSERT INTO slot (id, kind, label, m_kib, t, p, salt, nonce, wrapped, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    (id, kind, label, m_kib, t, p, salt, nonce, wrapped, &created_at),
                )?;
                Ok(())
            })
            .await
    }

    /// Removes a slot, from the write-ahead log too. The last one stays: nothing would ever open
    /// the profile again.
    pub async fn slot_delete(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.db()
            .write(move |conn| {
                if conn.execute("DELETE FROM slot WHERE id = ?1", [&id])? == 0 {
                    return Err(Error::new(kind::NOT_FOUND, "There is no such key slot"));
                }
                if count(conn)? == 0 {
                    return Err(Error::new(
                        kind::CONFLICT,
                        "The last password can't be removed; add another one first",
                    ));
                }
                Ok(())
            })
            .await?;
        self.db().checkpoint().await
    }
}

fn count(conn: &super::open::Conn) -> Result<i64> {
    Ok(conn.query_row("SELECT count(*) FROM slot", [], |row| row.get(0))?)
}
