//! Authtoken keys: which there are and in which state. The private halves are files and never come here.

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::value::{Kid, Pid, Timestamp};

use super::audit_row::AuditRow;
use super::error::{Conflict, Noun, Result, StoreError};
use super::key_life::{self, Activation, KeyLife};
use super::key_state::KeyState;
use super::participants;
use super::rows::{self, Tx};
use super::schema::{Change, Store};

/// A key that signs tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthtokenKey {
    /// Whose tokens it signs.
    pub pid: Pid,
    /// Its id, never used again inside the participant.
    pub kid: Kid,
    /// Its algorithm: `ES256` or `RS256`.
    pub alg: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// The public half, a JWK as JSON text.
    pub public_jwk: String,
    /// The file of the private half, a name inside the keys directory.
    pub file: String,
    /// When it was added. Ignored by [`Store::add_key`], as the state and the times below are.
    pub created: Timestamp,
    /// When it became active.
    pub activated: Option<Timestamp>,
    /// When its successor became active.
    pub retiring_since: Option<Timestamp>,
    /// When it was retired.
    pub retired: Option<Timestamp>,
    /// Its last second: it must not sign after that. `None` is for ever.
    pub not_after: Option<Timestamp>,
    /// What became of it at the registry, and how long it waits. Ignored by [`Store::add_key`].
    pub life: KeyLife,
}

/// The columns of [`decode`].
const COLUMNS: &str = "pid, kid, alg, state, public_jwk, file, created, activated, retiring_since, retired, not_after, \
    published, seen, seen_serial, last_exp, withdrawn, refused, distrusted, waited_ms, steady_clock, steady_ms";

impl AuthtokenKey {
    /// Whether verifiers may know it: it is not retired, and nobody else has it. One that signs they must know all the same.
    pub fn may_be_told(&self) -> bool {
        match self.state {
            KeyState::Active => true,
            KeyState::Retired => false,
            KeyState::Pending | KeyState::Published | KeyState::Seen | KeyState::Retiring => {
                self.life.distrusted.is_none()
            }
        }
    }

    /// Whether it is on its way to sign, and may.
    pub fn is_successor(&self) -> bool {
        self.state.is_coming() && self.life.distrusted.is_none() && self.life.refused.is_none()
    }
}

impl Store {
    /// Adds a key as pending. [`Conflict::KidUsed`] if the participant has, or ever had, one of this kid.
    pub async fn add_key(&self, key: &AuthtokenKey, change: &Change) -> Result<AuthtokenKey> {
        self.add(key, false, change).await
    }

    /// Adds a key as pending unless one that is trusted is on its way to sign already: [`Conflict::SuccessorExists`].
    pub async fn add_successor(&self, key: &AuthtokenKey, change: &Change) -> Result<AuthtokenKey> {
        self.add(key, true, change).await
    }

    async fn add(&self, key: &AuthtokenKey, only: bool, change: &Change) -> Result<AuthtokenKey> {
        check(key)?;
        let mut tx = self.begin().await?;
        participants::need(&mut tx, key.pid).await?;
        if only {
            let coming = all(&mut tx, Some(key.pid)).await?;
            if let Some(kid) = coming.into_iter().find(AuthtokenKey::is_successor).map(|found| found.kid) {
                return Err(Conflict::SuccessorExists { pid: key.pid, kid }.into());
            }
        }
        let inserted = sqlx::query(
            "INSERT INTO authtoken_key (pid, kid, alg, state, public_jwk, file, created, not_after) \
             VALUES (?, ?, ?, 'pending', ?, ?, ?, ?) ON CONFLICT (pid, kid) DO NOTHING",
        )
        .bind(key.pid.get())
        .bind(key.kid.as_str())
        .bind(&key.alg)
        .bind(&key.public_jwk)
        .bind(&key.file)
        .bind(change.at.as_seconds())
        .bind(key.not_after.map(Timestamp::as_seconds))
        .execute(&mut *tx)
        .await?;
        if inserted.rows_affected() == 0 {
            return Err(Conflict::KidUsed { pid: key.pid, kid: key.kid.clone() }.into());
        }
        let added = need(&mut tx, key.pid, &key.kid).await?;
        self.commit(tx, row(key.pid, &key.kid, "key.add", change)).await?;
        Ok(added)
    }

    /// The key, or [`StoreError::NotFound`].
    pub async fn key(&self, pid: Pid, kid: &Kid) -> Result<AuthtokenKey> {
        let mut tx = self.read().await?;
        need(&mut tx, pid, kid).await
    }

    /// All keys of a participant, or of all participants, the oldest first.
    pub async fn keys(&self, pid: Option<Pid>) -> Result<Vec<AuthtokenKey>> {
        let mut tx = self.read().await?;
        all(&mut tx, pid).await
    }

    /// Makes a key that is on its way the active one; the one that was active becomes retiring. [`Conflict::KeyState`] if
    /// the key is in none of the states that are named, [`Conflict::Distrusted`] if others may know it.
    pub async fn activate_key(
        &self,
        pid: Pid,
        kid: &Kid,
        activation: &Activation<'_>,
        change: &Change,
    ) -> Result<AuthtokenKey> {
        let mut tx = self.begin().await?;
        let key = need(&mut tx, pid, kid).await?;
        expect_state(&key, activation.from, KeyState::Active)?;
        if key.life.distrusted.is_some() {
            return Err(Conflict::Distrusted(key.kid).into());
        }
        let (clock, millis) = activation.steady.as_ref().map(|now| (now.clock.clone(), now.millis)).unzip();
        sqlx::query(
            "UPDATE authtoken_key SET state = 'retiring', retiring_since = ?, last_exp = max(coalesce(last_exp, ?), ?), \
             waited_ms = 0, steady_clock = ?, steady_ms = ? WHERE pid = ? AND state = 'active'",
        )
        .bind(change.at.as_seconds())
        .bind(activation.last_exp.as_seconds())
        .bind(activation.last_exp.as_seconds())
        .bind(clock)
        .bind(millis)
        .bind(pid.get())
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE authtoken_key SET state = 'active', activated = ? WHERE pid = ? AND kid = ?")
            .bind(change.at.as_seconds())
            .bind(pid.get())
            .bind(kid.as_str())
            .execute(&mut *tx)
            .await?;
        self.finish_step(tx, row(pid, kid, "key.activate", change)).await
    }

    /// Retires a key that does not sign. The active one cannot be retired: activate its successor first.
    pub async fn retire_key(&self, pid: Pid, kid: &Kid, change: &Change) -> Result<AuthtokenKey> {
        let mut tx = self.begin().await?;
        let from = [KeyState::Pending, KeyState::Published, KeyState::Seen, KeyState::Retiring];
        expect_state(&need(&mut tx, pid, kid).await?, &from, KeyState::Retired)?;
        sqlx::query("UPDATE authtoken_key SET state = 'retired', retired = ? WHERE pid = ? AND kid = ?")
            .bind(change.at.as_seconds())
            .bind(pid.get())
            .bind(kid.as_str())
            .execute(&mut *tx)
            .await?;
        self.finish_step(tx, row(pid, kid, "key.retire", change)).await
    }

    pub(super) async fn finish_step(&self, mut tx: Tx, row: AuditRow) -> Result<AuthtokenKey> {
        let (Some(pid), Some(kid)) = (row.pid, row.kid.clone()) else { return Err(rows::damaged("key")) };
        let key = need(&mut tx, pid, &kid).await?;
        self.commit(tx, row).await?;
        Ok(key)
    }
}

pub(super) fn expect_state(key: &AuthtokenKey, from: &[KeyState], wanted: KeyState) -> Result<()> {
    if from.contains(&key.state) {
        return Ok(());
    }
    Err(Conflict::KeyState { kid: key.kid.clone(), state: key.state, wanted }.into())
}

/// The key or the error that says it is not there.
pub(super) async fn need(tx: &mut Tx, pid: Pid, kid: &Kid) -> Result<AuthtokenKey> {
    let query = format!("SELECT {COLUMNS} FROM authtoken_key WHERE pid = ? AND kid = ?");
    let found = sqlx::query(AssertSqlSafe(query)).bind(pid.get()).bind(kid.as_str()).fetch_optional(&mut **tx).await?;
    decode(&found.ok_or_else(|| StoreError::NotFound(Noun::Key { pid, kid: kid.clone() }))?)
}

async fn all(tx: &mut Tx, pid: Option<Pid>) -> Result<Vec<AuthtokenKey>> {
    let query = format!("SELECT {COLUMNS} FROM authtoken_key WHERE ?1 IS NULL OR pid = ?1 ORDER BY pid, created, kid");
    let found = sqlx::query(AssertSqlSafe(query)).bind(pid.map(Pid::get)).fetch_all(&mut **tx).await?;
    found.iter().map(decode).collect()
}

fn decode(row: &SqliteRow) -> Result<AuthtokenKey> {
    Ok(AuthtokenKey {
        pid: rows::pid(row, 0)?,
        kid: rows::parsed(row, 1)?,
        alg: row.try_get(2)?,
        state: rows::parsed(row, 3)?,
        public_jwk: row.try_get(4)?,
        file: row.try_get(5)?,
        created: rows::time(row, 6)?,
        activated: rows::optional_time(row, 7)?,
        retiring_since: rows::optional_time(row, 8)?,
        retired: rows::optional_time(row, 9)?,
        not_after: rows::optional_time(row, 10)?,
        life: key_life::decode(row, 11)?,
    })
}

fn check(key: &AuthtokenKey) -> Result<()> {
    if !matches!(key.alg.as_str(), "ES256" | "RS256") {
        return Err(StoreError::Invalid { field: "alg", rule: "ES256 or RS256" });
    }
    if key.file.is_empty() || key.file.contains('/') {
        return Err(StoreError::Invalid { field: "file", rule: "a file name without a directory" });
    }
    Ok(())
}

pub(super) fn row(pid: Pid, kid: &Kid, action: &'static str, change: &Change) -> AuditRow {
    AuditRow { pid: Some(pid), kid: Some(kid.clone()), ..change.row(action) }
}
