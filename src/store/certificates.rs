//! Certificates: what an entity, or a participant as a whole, proves itself with. Parsing one is not done here.

use std::fmt;
use std::str::FromStr;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::value::{Pid, Sha1Fingerprint, Sha256Fingerprint, Timestamp};

use super::audit_row::AuditRow;
use super::entities::{self, Entity};
use super::error::{Conflict, Noun, Result, StoreError};
use super::owner::Owner;
use super::rows::{self, Tx};
use super::schema::{Change, Store};
use super::{Page, participants};

/// A certificate that was enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The participant of its owner.
    pub pid: Pid,
    /// Who proves itself with it.
    pub owner: Owner,
    /// The SHA-1 of its DER, unique over the whole store.
    pub sha1: Sha1Fingerprint,
    /// The SHA-256 of its DER, unique over the whole store.
    pub sha256: Sha256Fingerprint,
    /// Its serial number in decimal.
    pub serial: String,
    /// Its subject as text.
    pub subject: String,
    /// The start of its validity.
    pub not_before: Timestamp,
    /// The end of its validity.
    pub not_after: Timestamp,
    /// The kind of its key, for example `EC P-256`.
    pub key: String,
    /// The certificate itself.
    pub der: Vec<u8>,
    /// Whether it serves.
    pub state: CertificateState,
    /// When it was enrolled. Ignored by [`Store::enrol`], as `state` and `changed` are.
    pub enrolled: Timestamp,
    /// When its state last changed.
    pub changed: Timestamp,
}

/// Whether a certificate serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateState {
    /// It does.
    Active,
    /// Never again.
    Revoked,
}

/// Either fingerprint of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fingerprint {
    /// SHA-1, the one that BoB uses.
    Sha1(Sha1Fingerprint),
    /// SHA-256.
    Sha256(Sha256Fingerprint),
}

/// What became of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolled {
    /// The certificate is enrolled now.
    New(Certificate),
    /// The same certificate was enrolled for the same owner before; nothing was changed.
    Already(Certificate),
}

/// Which certificates to list; `None` is no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateFilter {
    /// Of this owner.
    pub owner: Option<Owner>,
    /// In this state.
    pub state: Option<CertificateState>,
    /// Whose validity ends before this time.
    pub expiring_before: Option<Timestamp>,
}

impl CertificateState {
    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for CertificateState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for CertificateState {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Active, Self::Revoked]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(StoreError::Invalid { field: "state", rule: "active or revoked" })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha1(fingerprint) => fingerprint.fmt(f),
            Self::Sha256(fingerprint) => fingerprint.fmt(f),
        }
    }
}

const BY_EITHER: &str = "SELECT c.key, pid, entity_id, sha1, sha256, state, not_before, not_after, enrolled, changed, \
                         serial, subject, kind, der FROM certificate c JOIN certificate_body USING (key) \
                         WHERE sha1 = ?1 OR sha256 = ?2";

impl Store {
    /// Enrols a certificate for its owner.
    ///
    /// The same certificate for the same owner again is [`Enrolled::Already`]. Refused are one of another owner
    /// ([`Conflict::CertificateTaken`]), a revoked one ([`Conflict::CertificateRevoked`]) and one whose SHA-1 belongs to
    /// a different certificate ([`Conflict::Sha1Collision`]).
    pub async fn enrol(&self, certificate: &Certificate, change: &Change) -> Result<Enrolled> {
        let mut tx = self.begin().await?;
        participants::need(&mut tx, certificate.pid).await?;
        let entity_key = match &certificate.owner {
            Owner::Entity(id) => Some(entities::key(&mut tx, certificate.pid, id).await?),
            Owner::Participant => None,
        };
        if let Some(already) = find_same(&mut tx, certificate).await? {
            return Ok(Enrolled::Already(already));
        }
        insert(&mut tx, certificate, entity_key, change.at).await?;
        let enrolled = Certificate {
            state: CertificateState::Active,
            enrolled: change.at,
            changed: change.at,
            ..certificate.clone()
        };
        self.commit(tx, row(&enrolled, "cert.enrol", change)).await?;
        Ok(Enrolled::New(enrolled))
    }

    /// Adds many entities, each with one certificate of its own, in one transaction; all or none.
    pub async fn enrol_many(&self, many: &[(Entity, Certificate)], change: &Change) -> Result<()> {
        let mut tx = self.begin().await?;
        for (entity, certificate) in many {
            let key = entities::insert(&mut tx, entity, change.at).await?;
            if find_same(&mut tx, certificate).await?.is_some() {
                return Err(taken(certificate));
            }
            let owned = certificate.pid == entity.pid && certificate.owner == Owner::Entity(entity.id.clone());
            if !owned {
                return Err(StoreError::Invalid { field: "owner", rule: "the entity beside the certificate" });
            }
            insert(&mut tx, certificate, Some(key), change.at).await?;
        }
        let detail = Some(format!("entities with a certificate each: {}", many.len()).into());
        self.commit(tx, AuditRow { detail, ..change.row("entity.import") }).await
    }

    /// The certificate with this fingerprint, whatever its state, or [`StoreError::NotFound`].
    pub async fn certificate(&self, fingerprint: &Fingerprint) -> Result<Certificate> {
        let mut tx = self.read().await?;
        need(&mut tx, fingerprint).await
    }

    /// The cursor that goes on after this certificate, for [`Store::certificates`].
    pub async fn certificate_position(&self, fingerprint: &Fingerprint) -> Result<i64> {
        let mut tx = self.read().await?;
        let (sha1, sha256) = columns(fingerprint);
        let found = sqlx::query(BY_EITHER).bind(sha1).bind(sha256).fetch_optional(&mut *tx).await?;
        let row = found.ok_or_else(|| StoreError::NotFound(Noun::Certificate(fingerprint.to_string())))?;
        Ok(row.try_get(0)?)
    }

    /// At most `limit` certificates in the order of enrolment, from the first one after the cursor `after`.
    pub async fn certificates(
        &self,
        pid: Pid,
        filter: &CertificateFilter,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Page<Certificate, i64>> {
        let (any_owner, owner_id) = match &filter.owner {
            None => (true, None),
            Some(Owner::Participant) => (false, None),
            Some(Owner::Entity(id)) => (false, Some(id.as_str())),
        };
        let mut tx = self.read().await?;
        let found = sqlx::query(
            "SELECT c.key, pid, entity_id, sha1, sha256, state, not_before, not_after, enrolled, changed, \
             serial, subject, kind, der FROM certificate c JOIN certificate_body USING (key) \
             WHERE pid = ?1 AND c.key > ?2 AND (?3 OR entity_id IS ?4) AND (?5 IS NULL OR state = ?5) \
             AND (?6 IS NULL OR not_after < ?6) ORDER BY c.key LIMIT ?7",
        )
        .bind(pid.get())
        .bind(after.unwrap_or(i64::MIN))
        .bind(any_owner)
        .bind(owner_id)
        .bind(filter.state.map(CertificateState::as_str))
        .bind(filter.expiring_before.map(Timestamp::as_seconds))
        .bind(i64::from(limit) + 1)
        .fetch_all(&mut *tx)
        .await?;
        let items = found.iter().map(|row| Ok((row.try_get(0)?, decode(row)?))).collect::<Result<Vec<_>>>()?;
        let Page { items, next } = rows::page(items, limit, |(key, _)| *key);
        Ok(Page { items: items.into_iter().map(|(_, certificate)| certificate).collect(), next })
    }

    /// Revokes a certificate for ever. Doing it twice changes nothing but the audit trail.
    pub async fn revoke(&self, fingerprint: &Fingerprint, change: &Change) -> Result<Certificate> {
        let mut tx = self.begin().await?;
        let certificate = need(&mut tx, fingerprint).await?;
        sqlx::query("UPDATE certificate SET state = 'revoked', changed = ? WHERE sha1 = ? AND state = 'active'")
            .bind(change.at.as_seconds())
            .bind(certificate.sha1.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
        let revoked = need(&mut tx, fingerprint).await?;
        self.commit(tx, row(&revoked, "cert.revoke", change)).await?;
        Ok(revoked)
    }
}

/// The very certificate if its owner has it already, an error if it may not be enrolled, nothing if it is new.
async fn find_same(tx: &mut Tx, new: &Certificate) -> Result<Option<Certificate>> {
    let found = sqlx::query(BY_EITHER)
        .bind(new.sha1.as_bytes().as_slice())
        .bind(new.sha256.as_bytes().as_slice())
        .fetch_optional(&mut **tx)
        .await?;
    let Some(row) = found else { return Ok(None) };
    let old = decode(&row)?;
    if old.sha1 == new.sha1 && old.sha256 != new.sha256 {
        return Err(Conflict::Sha1Collision { sha1: new.sha1 }.into());
    }
    if old.sha1 != new.sha1 {
        return Err(StoreError::Invalid { field: "sha1", rule: "of the same certificate as the SHA-256" });
    }
    if old.state == CertificateState::Revoked {
        return Err(Conflict::CertificateRevoked { sha1: old.sha1 }.into());
    }
    if old.pid != new.pid || old.owner != new.owner {
        return Err(taken(&old));
    }
    Ok(Some(old))
}

fn taken(old: &Certificate) -> StoreError {
    Conflict::CertificateTaken { pid: old.pid, owner: old.owner.clone() }.into()
}

async fn insert(tx: &mut Tx, certificate: &Certificate, entity_key: Option<i64>, at: Timestamp) -> Result<()> {
    let entity_id = match &certificate.owner {
        Owner::Entity(id) => Some(id.as_str()),
        Owner::Participant => None,
    };
    let key = sqlx::query(
        "INSERT INTO certificate (pid, entity_key, entity_id, sha1, sha256, state, not_before, not_after, enrolled, \
         changed) VALUES (?1, ?2, ?3, ?4, ?5, 'active', ?6, ?7, ?8, ?8)",
    )
    .bind(certificate.pid.get())
    .bind(entity_key)
    .bind(entity_id)
    .bind(certificate.sha1.as_bytes().as_slice())
    .bind(certificate.sha256.as_bytes().as_slice())
    .bind(certificate.not_before.as_seconds())
    .bind(certificate.not_after.as_seconds())
    .bind(at.as_seconds())
    .execute(&mut **tx)
    .await?
    .last_insert_rowid();
    sqlx::query("INSERT INTO certificate_body (key, serial, subject, kind, der) VALUES (?, ?, ?, ?, ?)")
        .bind(key)
        .bind(&certificate.serial)
        .bind(&certificate.subject)
        .bind(&certificate.key)
        .bind(&certificate.der)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What to look for in the columns `sha1` and `sha256`.
fn columns(fingerprint: &Fingerprint) -> (Option<&[u8]>, Option<&[u8]>) {
    match fingerprint {
        Fingerprint::Sha1(f) => (Some(f.as_bytes().as_slice()), None),
        Fingerprint::Sha256(f) => (None, Some(f.as_bytes().as_slice())),
    }
}

async fn need(tx: &mut Tx, fingerprint: &Fingerprint) -> Result<Certificate> {
    let (sha1, sha256) = columns(fingerprint);
    let found = sqlx::query(BY_EITHER).bind(sha1).bind(sha256).fetch_optional(&mut **tx).await?;
    decode(&found.ok_or_else(|| StoreError::NotFound(Noun::Certificate(fingerprint.to_string())))?)
}

fn decode(row: &SqliteRow) -> Result<Certificate> {
    Ok(Certificate {
        pid: rows::pid(row, 1)?,
        owner: rows::optional_parsed(row, 2)?.map_or(Owner::Participant, Owner::Entity),
        sha1: rows::sha1(row, 3)?,
        sha256: rows::sha256(row, 4)?,
        state: rows::parsed(row, 5)?,
        not_before: rows::time(row, 6)?,
        not_after: rows::time(row, 7)?,
        enrolled: rows::time(row, 8)?,
        changed: rows::time(row, 9)?,
        serial: row.try_get(10)?,
        subject: row.try_get(11)?,
        key: row.try_get(12)?,
        der: row.try_get(13)?,
    })
}

fn row(certificate: &Certificate, action: &'static str, change: &Change) -> AuditRow {
    let entity_id = match &certificate.owner {
        Owner::Entity(id) => Some(id.clone()),
        Owner::Participant => None,
    };
    let (sha1, sha256) = (Some(certificate.sha1), Some(certificate.sha256));
    AuditRow { pid: Some(certificate.pid), entity_id, sha1, sha256, ..change.row(action) }
}
