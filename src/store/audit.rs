//! The audit trail read and pruned. What a line holds is in `audit_row`.

use std::borrow::Cow;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::value::{EntityId, Pid, Sha1Fingerprint, Sha256Fingerprint, Timestamp};

use super::Page;
use super::audit_row::{self, AuditResult, AuditRow};
use super::error::Result;
use super::rows::{self};
use super::schema::Store;

/// A line of the audit trail as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number; later lines have higher ones.
    pub id: i64,
    /// The line.
    pub row: AuditRow,
}

/// Which lines to list; `None` is no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Of this participant.
    pub pid: Option<Pid>,
    /// Of this entity.
    pub entity: Option<EntityId>,
    /// With this action.
    pub action: Option<String>,
    /// With this result.
    pub result: Option<AuditResult>,
    /// With this reason.
    pub reason: Option<String>,
}

impl Store {
    /// At most `limit` lines, the newest first, from the first one before the cursor `before`.
    pub async fn audit(&self, filter: &AuditFilter, before: Option<i64>, limit: u32) -> Result<Page<AuditEntry, i64>> {
        let mut tx = self.read().await?;
        let found = sqlx::query(
            "SELECT id, at, actor, action, result, reason, pid, entity_id, sha1, sha256, source, class, kid, \
             token_sha256, detail FROM audit \
             WHERE id < ?1 AND (?2 IS NULL OR at >= ?2) AND (?3 IS NULL OR at < ?3) AND (?4 IS NULL OR pid = ?4) \
             AND (?5 IS NULL OR entity_id = ?5) AND (?6 IS NULL OR action = ?6) AND (?7 IS NULL OR result = ?7) \
             AND (?8 IS NULL OR reason = ?8) ORDER BY id DESC LIMIT ?9",
        )
        .bind(before.unwrap_or(i64::MAX))
        .bind(filter.since.map(Timestamp::as_seconds))
        .bind(filter.until.map(Timestamp::as_seconds))
        .bind(filter.pid.map(Pid::get))
        .bind(filter.entity.as_ref().map(EntityId::as_str))
        .bind(filter.action.as_deref())
        .bind(filter.result.map(AuditResult::as_str))
        .bind(filter.reason.as_deref())
        .bind(i64::from(limit) + 1)
        .fetch_all(&mut *tx)
        .await?;
        let items = found.iter().map(decode).collect::<Result<Vec<_>>>()?;
        Ok(rows::page(items, limit, |last| last.id))
    }

    /// Adds the line of an administrative change that was made elsewhere, for example at a registry.
    pub async fn record(&self, row: AuditRow) -> Result<()> {
        let mut tx = self.begin().await?;
        audit_row::append(&mut tx, &row).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes the lines older than a time from the oldest end on, in small steps that let others write in between; says
    /// how many.
    pub async fn prune_audit(&self, older_than: Timestamp) -> Result<u64> {
        const STEP: u64 = 2000;
        let mut pruned = 0;
        loop {
            let mut tx = self.begin().await?;
            let gone =
                sqlx::query("DELETE FROM audit WHERE at < ? AND id IN (SELECT id FROM audit ORDER BY id LIMIT ?)")
                    .bind(older_than.as_seconds())
                    .bind(i64::try_from(STEP).unwrap_or(i64::MAX))
                    .execute(&mut *tx)
                    .await?
                    .rows_affected();
            tx.commit().await?;
            pruned += gone;
            if gone < STEP {
                return Ok(pruned);
            }
        }
    }
}

fn decode(row: &SqliteRow) -> Result<AuditEntry> {
    let line = AuditRow {
        at: rows::time(row, 1)?,
        actor: row.try_get::<String, _>(2)?.into(),
        action: row.try_get::<String, _>(3)?.into(),
        result: rows::parsed(row, 4)?,
        reason: row.try_get::<Option<String>, _>(5)?.map(Cow::Owned),
        pid: row.try_get::<Option<i64>, _>(6)?.map(Pid::new).transpose().map_err(|_| rows::damaged("pid"))?,
        entity_id: rows::optional_parsed(row, 7)?,
        sha1: rows::bytes(row, 8)?.map(Sha1Fingerprint::from_bytes),
        sha256: rows::bytes(row, 9)?.map(Sha256Fingerprint::from_bytes),
        source: rows::optional_parsed(row, 10)?,
        class: rows::optional_parsed(row, 11)?,
        kid: rows::optional_parsed(row, 12)?,
        token_sha256: rows::bytes(row, 13)?,
        detail: row.try_get::<Option<String>, _>(14)?.map(String::into_boxed_str),
    };
    Ok(AuditEntry { id: row.try_get(0)?, row: line })
}
