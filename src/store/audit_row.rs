//! [`AuditRow`], one line of the audit trail, and how it is written. Reading lines is `audit`'s task, writing those of
//! requests `audit_writer`'s.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, query::Query};

use crate::value::{Class, EntityId, Kid, Pid, Sha1Fingerprint, Sha256Fingerprint, Timestamp};

use super::error::{Result, StoreError};
use super::rows::Tx;

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
