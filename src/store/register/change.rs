//! [`RegisterChange`]: one change of the register. It ends in a commit with its audit row and the step of the revision, or
//! nothing of it was ever there.

use crate::store::audit_row::{self, AuditRow};
use crate::store::error::Result;
use crate::store::rows::Tx;
use crate::store::schema::Store;
use crate::value::Timestamp;

/// A change that is being made: a transaction. Dropped, it leaves everything as it was.
#[derive(Debug)]
pub struct RegisterChange {
    pub(in crate::store) tx: Tx,
}

/// A proof of possession that counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofMark {
    /// SHA-256 of what was signed.
    pub sha256: [u8; 32],
    /// From then on the proof is too old to count, and need not be remembered.
    pub until: Timestamp,
}

/// How long a used proof is remembered beyond its end: clocks step back.
const SLACK: i64 = 3600;

impl Store {
    /// Begins a change of the register. Others that want to change something wait until it ends.
    pub async fn change_register(&self) -> Result<RegisterChange> {
        Ok(RegisterChange { tx: self.begin().await? })
    }
}

impl RegisterChange {
    /// Uses the proof up; `false` if somebody did before, or if that could have been forgotten since.
    pub async fn use_proof(&mut self, proof: &ProofMark, now: Timestamp) -> Result<bool> {
        sqlx::query(
            "UPDATE register SET forgotten_until = max(forgotten_until, \
             coalesce((SELECT max(until) FROM register_proof WHERE until < ?), 0))",
        )
        .bind(now.plus_seconds(-SLACK).as_seconds())
        .execute(&mut *self.tx)
        .await?;
        let forgotten: i64 =
            sqlx::query_scalar("SELECT forgotten_until FROM register").fetch_one(&mut *self.tx).await?;
        if proof.until.as_seconds() <= forgotten {
            return Ok(false);
        }
        sqlx::query("DELETE FROM register_proof WHERE until < ?")
            .bind(now.plus_seconds(-SLACK).as_seconds())
            .execute(&mut *self.tx)
            .await?;
        let inserted = sqlx::query("INSERT INTO register_proof (sha256, until) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(proof.sha256.as_slice())
            .bind(proof.until.as_seconds())
            .execute(&mut *self.tx)
            .await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// Ends a change that was made: its audit row, the step of the revision, and the disk.
    pub async fn commit(mut self, row: AuditRow) -> Result<()> {
        audit_row::append(&mut self.tx, &row).await?;
        sqlx::query("UPDATE register SET revision = revision + 1").execute(&mut *self.tx).await?;
        Ok(self.tx.commit().await?)
    }

    /// Ends it where nothing was to be changed: only the proof stays used.
    pub async fn commit_unchanged(self) -> Result<()> {
        Ok(self.tx.commit().await?)
    }
}
