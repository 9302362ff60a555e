//! The audit trail: its rows, reading and pruning it. Writing the rows of requests is `audit_writer`'s affair.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row as _, Sqlite, query::Query};

use crate::value::{Class, EntityId, Kid, Pid, Sha1Fingerprint, Sha256Fingerprint, Timestamp};

use super::Page;
use super::error::{Result, StoreError};
use super::rows::{self, Tx};
use super::schema::Store;

/// One line of the audit trail. Cheap to make: nothing in it is formatted before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When it happened.
    pub at: Timestamp,
    /// Who did it: `service`, or `cli:` and the user of the system.
    pub actor: Cow<'static, str>,
    /// What was done, for example `token.issue` or `cert.enrol`.
    pub action: Cow<'static, str>,
    /// What came of it.
    pub result: AuditResult,
    /// Why it was refused: the stable id of the reason.
    pub reason: Option<Cow<'static, str>>,
    /// Of which participant.
    pub pid: Option<Pid>,
    /// Of or for which entity.
    pub entity_id: Option<EntityId>,
    /// The certificate's SHA-1.
    pub sha1: Option<Sha1Fingerprint>,
    /// The certificate's SHA-256.
    pub sha256: Option<Sha256Fingerprint>,
    /// Where the request came from.
    pub source: Option<Source>,
    /// The class in the token.
    pub class: Option<Class>,
    /// The key that signed, or that was changed.
    pub kid: Option<Kid>,
    /// The SHA-256 of the compact token: it names the token without being one.
    pub token_sha256: Option<[u8; 32]>,
    /// Anything more, in words.
    pub detail: Option<Box<str>>,
}

/// What came of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditResult {
    /// A token was issued.
    Issued,
    /// The request was refused.
    Refused,
    /// An administrative change was made.
    Done,
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An address of the network.
    Address(IpAddr),
    /// A Unix socket.
    Unix,
}

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

impl AuditRow {
    /// A row with the facts that every row has; fill in the others by struct update.
    pub fn new(at: Timestamp, actor: impl Into<Cow<'static, str>>, action: &'static str, result: AuditResult) -> Self {
        Self {
            at,
            actor: actor.into(),
            action: action.into(),
            result,
            reason: None,
            pid: None,
            entity_id: None,
            sha1: None,
            sha256: None,
            source: None,
            class: None,
            kid: None,
            token_sha256: None,
            detail: None,
        }
    }
}

impl AuditResult {
    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Refused => "refused",
            Self::Done => "done",
        }
    }
}

impl fmt::Display for AuditResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AuditResult {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Issued, Self::Refused, Self::Done]
            .into_iter()
            .find(|result| result.as_str() == text)
            .ok_or(StoreError::Invalid { field: "result", rule: "issued, refused or done" })
    }
}

/// The address, or `unix`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

impl FromStr for Source {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        text.parse().map(Self::Address).map_err(|_| StoreError::Invalid { field: "source", rule: "an address or unix" })
    }
}

/// The type of a query that [`bind`] fills.
pub(super) type Filling = Query<'static, Sqlite, SqliteArguments>;

/// The statement that [`bind`] fills.
pub(super) const INSERT: &str = "INSERT INTO audit (at, actor, action, result, reason, pid, entity_id, sha1, sha256, \
                                 source, class, kid, token_sha256, detail) \
                                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Texts that come again and again, kept so that binding one costs no allocation.
#[derive(Debug, Default)]
pub(super) struct Recurring {
    texts: [Option<Arc<str>>; Self::KEPT],
    oldest: usize,
}

impl Recurring {
    const KEPT: usize = 16;

    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.iter().flatten().find(|known| ***known == *text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.texts[self.oldest] = Some(Arc::clone(&new));
        self.oldest = (self.oldest + 1) % Self::KEPT;
        new
    }
}

/// Binds one row in the order of [`INSERT`].
pub(super) fn bind(query: Filling, row: &AuditRow, recurring: &mut Recurring) -> Filling {
    query
        .bind(row.at.as_seconds())
        .bind(recurring.get(&row.actor))
        .bind(recurring.get(&row.action))
        .bind(recurring.get(row.result.as_str()))
        .bind(row.reason.as_ref().map(|reason| recurring.get(reason)))
        .bind(row.pid.map(Pid::get))
        .bind(row.entity_id.as_ref().map(|id| Arc::<str>::from(id.as_str())))
        .bind(row.sha1.as_ref().map(|f| f.as_bytes().as_slice()))
        .bind(row.sha256.as_ref().map(|f| f.as_bytes().as_slice()))
        .bind(row.source.map(|s| s.to_string()))
        .bind(row.class.as_ref().map(|class| recurring.get(class.as_str())))
        .bind(row.kid.as_ref().map(|kid| recurring.get(kid.as_str())))
        .bind(row.token_sha256.as_ref().map(<[u8; 32]>::as_slice))
        .bind(row.detail.as_deref())
}

/// Writes one row inside an administrative transaction.
pub(super) async fn append(tx: &mut Tx, row: &AuditRow) -> Result<()> {
    bind(sqlx::query(INSERT), row, &mut Recurring::default()).execute(&mut **tx).await?;
    Ok(())
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
