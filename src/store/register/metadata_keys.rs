//! Metadata keys: what participants prove themselves with. They come from the participant out of band, and neither id nor
//! key is ever taken a second time.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::store::audit_row::AuditRow;
use crate::store::error::{Result, StoreError};
use crate::store::rows::{self, Tx};
use crate::store::schema::{Change, Store};
use crate::value::{Kid, Pid, Timestamp};

use super::change::RegisterChange;
use super::fault::RegisterFault;

/// A key that a participant proves itself with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataKey {
    /// Whose.
    pub pid: Pid,
    /// Its id.
    pub kid: Kid,
    /// Its RFC 7638 thumbprint.
    pub thumbprint: String,
    /// The public half, a JWK as JSON text.
    pub jwk: String,
    /// When it was added.
    pub added: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl Store {
    /// All metadata keys by pid, or those of one participant; revoked ones among them.
    pub async fn metadata_keys(&self, pid: Option<Pid>) -> Result<Vec<MetadataKey>> {
        let mut tx = self.read().await?;
        all(&mut tx, pid).await
    }

    /// Takes a key in. Its time is that of the change.
    pub async fn add_metadata_key(&self, key: &MetadataKey, change: &Change) -> Result<MetadataKey> {
        let (pid, kid) = (key.pid, &key.kid);
        let mut step = self.change_register().await?;
        step.need_registered(pid).await?;
        for known in all(&mut step.tx, Some(pid)).await? {
            if known.kid == *kid {
                return Err(RegisterFault::MetadataKid { pid, kid: known.kid }.into());
            }
            if known.thumbprint == key.thumbprint {
                return Err(RegisterFault::MetadataKeyKnown { pid, kid: known.kid }.into());
            }
        }
        let added = MetadataKey { added: change.at, revoked: None, ..key.clone() };
        insert(&mut step.tx, &added).await?;
        step.commit(row(pid, kid, "registry.metadata-key.add", change)).await?;
        Ok(added)
    }

    /// Revokes a key: nothing that it signed is taken from now on.
    pub async fn revoke_metadata_key(&self, pid: Pid, kid: &Kid, change: &Change) -> Result<MetadataKey> {
        let mut step = self.change_register().await?;
        let found = all(&mut step.tx, Some(pid)).await?.into_iter().find(|key| key.kid == *kid);
        let Some(found) = found.filter(|key| key.revoked.is_none()) else {
            return Err(StoreError::Register(RegisterFault::NoMetadataKey { pid, kid: kid.clone() }));
        };
        sqlx::query("UPDATE register_metadata_key SET revoked = ? WHERE pid = ? AND kid = ?")
            .bind(change.at.as_seconds())
            .bind(pid.get())
            .bind(kid.as_str())
            .execute(&mut *step.tx)
            .await?;
        step.commit(row(pid, kid, "registry.metadata-key.revoke", change)).await?;
        Ok(MetadataKey { revoked: Some(change.at), ..found })
    }
}

impl RegisterChange {
    /// Whether this is, or was, a key that the participant proves itself with.
    pub async fn proves(&mut self, pid: Pid, thumbprint: &str) -> Result<bool> {
        let found =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM register_metadata_key WHERE pid = ? AND thumbprint = ?)")
                .bind(pid.get())
                .bind(thumbprint)
                .fetch_one(&mut *self.tx)
                .await?;
        Ok(found)
    }
}

pub(super) async fn insert(tx: &mut Tx, key: &MetadataKey) -> Result<()> {
    sqlx::query(
        "INSERT INTO register_metadata_key (pid, kid, thumbprint, jwk, added, revoked) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(key.pid.get())
    .bind(key.kid.as_str())
    .bind(&key.thumbprint)
    .bind(&key.jwk)
    .bind(key.added.as_seconds())
    .bind(key.revoked.map(Timestamp::as_seconds))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn all(tx: &mut Tx, pid: Option<Pid>) -> Result<Vec<MetadataKey>> {
    let found = sqlx::query(
        "SELECT pid, kid, thumbprint, jwk, added, revoked FROM register_metadata_key \
         WHERE ?1 IS NULL OR pid = ?1 ORDER BY pid, kid",
    )
    .bind(pid.map(Pid::get))
    .fetch_all(&mut **tx)
    .await?;
    found.iter().map(decode).collect()
}

fn decode(row: &SqliteRow) -> Result<MetadataKey> {
    Ok(MetadataKey {
        pid: rows::pid(row, 0)?,
        kid: rows::parsed(row, 1)?,
        thumbprint: row.try_get(2)?,
        jwk: row.try_get(3)?,
        added: rows::time(row, 4)?,
        revoked: rows::optional_time(row, 5)?,
    })
}

fn row(pid: Pid, kid: &Kid, action: &'static str, change: &Change) -> AuditRow {
    AuditRow { pid: Some(pid), kid: Some(kid.clone()), ..change.row(action) }
}
