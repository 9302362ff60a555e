//! Participants: whom this service issues for, and under which names it is reached for each.

use crate::value::{Pid, Timestamp};

use super::audit_row::AuditRow;
use super::error::{Conflict, Noun, Result, StoreError};
use super::rows::{self, Tx};
use super::schema::{Change, Store};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// A participant of BoB that this service issues tokens for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Its id.
    pub pid: Pid,
    /// What people call it, 1 to 200 characters.
    pub name: String,
    /// Host names under which its routes are served, in lower case; each belongs to one participant only.
    pub hosts: Vec<String>,
    /// The path before its routes, for example `/p/74`; belongs to one participant only.
    pub base_path: Option<String>,
    /// When it was added. Ignored by [`Store::add_participant`], which takes the time of the change.
    pub created: Timestamp,
}

/// What to change in a participant; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParticipantPatch {
    /// A new name.
    pub name: Option<String>,
    /// All its hosts from now on.
    pub hosts: Option<Vec<String>>,
    /// `Some(None)` takes the base path away.
    pub base_path: Option<Option<String>>,
}

impl Store {
    /// Adds a participant. [`Conflict::ParticipantExists`], [`Conflict::HostTaken`] or [`Conflict::BasePathTaken`] if
    /// something of it is there already.
    pub async fn add_participant(&self, participant: &Participant, change: &Change) -> Result<Participant> {
        check_name(&participant.name)?;
        let mut tx = self.begin().await?;
        let pid = participant.pid;
        if find(&mut tx, pid).await?.is_some() {
            return Err(Conflict::ParticipantExists(pid).into());
        }
        sqlx::query("INSERT INTO participant (pid, name, created) VALUES (?, ?, ?)")
            .bind(pid.get())
            .bind(&participant.name)
            .bind(change.at.as_seconds())
            .execute(&mut *tx)
            .await?;
        put_hosts(&mut tx, pid, &participant.hosts).await?;
        put_base_path(&mut tx, pid, participant.base_path.as_deref()).await?;
        let added = need(&mut tx, pid).await?;
        self.commit(tx, AuditRow { pid: Some(pid), ..change.row("participant.add") }).await?;
        Ok(added)
    }

    /// The participant, or [`StoreError::NotFound`].
    pub async fn participant(&self, pid: Pid) -> Result<Participant> {
        let mut tx = self.read().await?;
        need(&mut tx, pid).await
    }

    /// All participants, by pid.
    pub async fn participants(&self) -> Result<Vec<Participant>> {
        let mut tx = self.read().await?;
        all(&mut tx).await
    }

    /// Changes a participant.
    pub async fn set_participant(&self, pid: Pid, patch: &ParticipantPatch, change: &Change) -> Result<Participant> {
        let mut tx = self.begin().await?;
        need(&mut tx, pid).await?;
        if let Some(name) = &patch.name {
            check_name(name)?;
            sqlx::query("UPDATE participant SET name = ? WHERE pid = ?")
                .bind(name)
                .bind(pid.get())
                .execute(&mut *tx)
                .await?;
        }
        if let Some(hosts) = &patch.hosts {
            put_hosts(&mut tx, pid, hosts).await?;
        }
        if let Some(base_path) = &patch.base_path {
            put_base_path(&mut tx, pid, base_path.as_deref()).await?;
        }
        let changed = need(&mut tx, pid).await?;
        self.commit(tx, AuditRow { pid: Some(pid), ..change.row("participant.set") }).await?;
        Ok(changed)
    }

    /// Removes a participant that has nothing: no entity, no certificate (revoked ones count, their fingerprints stay
    /// barred) and no key (retired ones count, their kids stay used).
    pub async fn remove_participant(&self, pid: Pid, change: &Change) -> Result<()> {
        let mut tx = self.begin().await?;
        need(&mut tx, pid).await?;
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM entity WHERE pid = ?1), (SELECT count(*) FROM certificate WHERE pid = ?1), \
             (SELECT count(*) FROM authtoken_key WHERE pid = ?1)",
        )
        .bind(pid.get())
        .fetch_one(&mut *tx)
        .await?;
        let (entities, certificates, keys) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if (entities, certificates, keys) != (0_i64, 0_i64, 0_i64) {
            return Err(Conflict::ParticipantInUse { pid, entities, certificates, keys }.into());
        }
        put_hosts(&mut tx, pid, &[]).await?;
        sqlx::query("DELETE FROM participant WHERE pid = ?").bind(pid.get()).execute(&mut *tx).await?;
        self.commit(tx, AuditRow { pid: Some(pid), ..change.row("participant.remove") }).await
    }
}

/// All participants, by pid.
pub(super) async fn all(tx: &mut Tx) -> Result<Vec<Participant>> {
    let found =
        sqlx::query("SELECT pid, name, base_path, created FROM participant ORDER BY pid").fetch_all(&mut **tx).await?;
    let mut participants = found.iter().map(decode).collect::<Result<Vec<_>>>()?;
    for participant in &mut participants {
        participant.hosts = hosts(tx, participant.pid).await?;
    }
    Ok(participants)
}

/// The participant or the error that says it is not there; for the other nouns too.
pub(super) async fn need(tx: &mut Tx, pid: Pid) -> Result<Participant> {
    find(tx, pid).await?.ok_or(StoreError::NotFound(Noun::Participant(pid)))
}

async fn find(tx: &mut Tx, pid: Pid) -> Result<Option<Participant>> {
    let found = sqlx::query("SELECT pid, name, base_path, created FROM participant WHERE pid = ?")
        .bind(pid.get())
        .fetch_optional(&mut **tx)
        .await?;
    let Some(row) = found else { return Ok(None) };
    let mut participant = decode(&row)?;
    participant.hosts = hosts(tx, pid).await?;
    Ok(Some(participant))
}

fn decode(row: &SqliteRow) -> Result<Participant> {
    Ok(Participant {
        pid: rows::pid(row, 0)?,
        name: row.try_get(1)?,
        hosts: Vec::new(),
        base_path: row.try_get(2)?,
        created: rows::time(row, 3)?,
    })
}

async fn hosts(tx: &mut Tx, pid: Pid) -> Result<Vec<String>> {
    let hosts = sqlx::query_scalar("SELECT host FROM participant_host WHERE pid = ? ORDER BY position")
        .bind(pid.get())
        .fetch_all(&mut **tx)
        .await?;
    Ok(hosts)
}

async fn put_hosts(tx: &mut Tx, pid: Pid, hosts: &[String]) -> Result<()> {
    sqlx::query("DELETE FROM participant_host WHERE pid = ?").bind(pid.get()).execute(&mut **tx).await?;
    for (position, host) in (0_i64..).zip(hosts) {
        check_host(host)?;
        let other =
            sqlx::query("SELECT pid FROM participant_host WHERE host = ?").bind(host).fetch_optional(&mut **tx).await?;
        if let Some(row) = other {
            return Err(Conflict::HostTaken { host: host.clone(), pid: rows::pid(&row, 0)? }.into());
        }
        sqlx::query("INSERT INTO participant_host (host, pid, position) VALUES (?, ?, ?)")
            .bind(host)
            .bind(pid.get())
            .bind(position)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn put_base_path(tx: &mut Tx, pid: Pid, base_path: Option<&str>) -> Result<()> {
    if let Some(base_path) = base_path {
        check_base_path(base_path)?;
        let other = sqlx::query("SELECT pid FROM participant WHERE base_path = ? AND pid <> ?")
            .bind(base_path)
            .bind(pid.get())
            .fetch_optional(&mut **tx)
            .await?;
        if let Some(row) = other {
            return Err(Conflict::BasePathTaken { base_path: base_path.into(), pid: rows::pid(&row, 0)? }.into());
        }
    }
    sqlx::query("UPDATE participant SET base_path = ? WHERE pid = ?")
        .bind(base_path)
        .bind(pid.get())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    let fits = (1..=200).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then_some(()).ok_or(StoreError::Invalid { field: "name", rule: "1 to 200 characters, none of them control" })
}

fn check_host(host: &str) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._:-".contains(&b);
    let fits = (1..=253).contains(&host.len()) && host.bytes().all(allowed);
    fits.then_some(())
        .ok_or(StoreError::Invalid { field: "hosts", rule: "a host name in lower case, at most 253 characters" })
}

/// Segments of unreserved characters, so that a path has one spelling and never climbs; and nothing in it that the paths
/// behind it begin with, where a base path could never be told from them.
fn check_base_path(path: &str) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let segment = |s: &str| !s.is_empty() && s.bytes().all(allowed) && !matches!(s, "." | "..");
    let fits = path.len() <= 200 && path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment));
    let reserved = ["/api/v1/auth", "/.well-known"].iter().any(|own| path.contains(own));
    let rule = "starts with /, has segments of A-Z a-z 0-9 - . _ ~ and neither /api/v1/auth nor /.well-known in it, for example /p/74";
    (fits && !reserved).then_some(()).ok_or(StoreError::Invalid { field: "base_path", rule })
}
