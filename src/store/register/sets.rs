//! The set that was built last, and the register as one sees it who builds the next.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::store::audit_row::{self, AuditRow};
use crate::store::error::{Result, StoreError};
use crate::store::rows::{self, Tx};
use crate::store::schema::{Change, Store};
use crate::value::{Pid, Timestamp};

use super::anchors::{self, Anchor};
use super::entries::{self, Content};
use super::fault::RegisterFault;
use super::participants;
use super::rows::counters;

/// Where the register is, and what the set that was built last is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterState {
    /// Rises with every change.
    pub revision: i64,
    /// The last serial that was ever given; 0 before the first.
    pub last_serial: u64,
    /// The set, if there is one.
    pub set: Option<SetFacts>,
}

/// What a set is like, without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetFacts {
    /// Its serial.
    pub serial: u64,
    /// The revision of the register that it shows.
    pub revision: i64,
    /// The authority that it names.
    pub authid: Pid,
    /// The interval that it tells, in seconds.
    pub interval: Option<i64>,
    /// When it was built.
    pub built_at: Timestamp,
    /// Its end.
    pub not_valid_after: Timestamp,
}

/// A set as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetRow {
    /// What it is like.
    pub facts: SetFacts,
    /// The JWS.
    pub json: Vec<u8>,
    /// The same, compressed.
    pub gzip: Vec<u8>,
}

/// Everything that a set is made of, as of one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetSource {
    /// Where the register is.
    pub state: RegisterState,
    /// All anchors, retired ones among them.
    pub anchors: Vec<Anchor>,
    /// The participants by pid, those that were removed not among them.
    pub participants: Vec<Content>,
}

const FACTS: &str = "SELECT serial, revision, authid, interval_seconds, built, not_valid_after FROM register_set";

impl Store {
    /// Where the register is; a cheap read, made for polling.
    pub async fn register_state(&self) -> Result<RegisterState> {
        let mut tx = self.read().await?;
        state(&mut tx).await
    }

    /// The set that was built last.
    pub async fn register_set(&self) -> Result<Option<SetRow>> {
        let found = sqlx::query(
            "SELECT serial, revision, authid, interval_seconds, built, not_valid_after, json, gzip FROM register_set",
        )
        .fetch_optional(&mut *self.read().await?)
        .await?;
        let Some(row) = found else { return Ok(None) };
        Ok(Some(SetRow { facts: facts(&row)?, json: row.try_get(6)?, gzip: row.try_get(7)? }))
    }

    /// Everything that a set is made of.
    pub async fn set_source(&self) -> Result<SetSource> {
        let (pool, mut tx) = self.read_aside().await?;
        let (state, anchors) = (state(&mut tx).await?, anchors::all(&mut tx).await?);
        let registered = participants::all(&mut tx).await?.into_iter().filter(|one| one.removed.is_none());
        let mut entries = entries::all(&mut tx).await?.into_iter().peekable();
        drop(tx);
        pool.close().await;
        let mut participants = Vec::new();
        for participant in registered {
            let own = std::iter::from_fn(|| entries.next_if(|entry| entry.pid == participant.pid)).collect();
            participants.push(Content { participant, entries: own });
        }
        if let Some(left) = entries.next() {
            // Nothing of it is guessed: a set that lacks participants would be worse than none.
            let pid = left.pid;
            return Err(StoreError::Corrupt(format!("something is published by {pid}, which is not in the register")));
        }
        Ok(SetSource { state, anchors, participants })
    }

    /// Keeps a set that was made of `source`, unless somebody gave a serial since: then [`RegisterFault::Moved`], and the set
    /// must never be seen by anybody. The register itself may have moved on: the set says what it was.
    pub async fn keep_set(&self, set: &SetRow, source: &RegisterState, change: &Change) -> Result<()> {
        let mut step = self.change_register().await?;
        let (now, facts) = (state(&mut step.tx).await?, &set.facts);
        let shown = now.set.map_or(0, |set| set.revision)..=now.revision;
        if now.last_serial != source.last_serial || facts.serial <= now.last_serial || !shown.contains(&facts.revision)
        {
            return Err(RegisterFault::Moved.into());
        }
        let serial = i64::try_from(facts.serial).map_err(|_| rows::damaged("serial"))?;
        sqlx::query("UPDATE register SET last_serial = ?").bind(serial).execute(&mut *step.tx).await?;
        sqlx::query(
            "INSERT OR REPLACE INTO register_set \
             (one, serial, revision, authid, interval_seconds, built, not_valid_after, json, gzip) \
             VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(serial)
        .bind(facts.revision)
        .bind(facts.authid.get())
        .bind(facts.interval)
        .bind(facts.built_at.as_seconds())
        .bind(facts.not_valid_after.as_seconds())
        .bind(&set.json[..])
        .bind(&set.gzip[..])
        .execute(&mut *step.tx)
        .await?;
        let detail = format!("serial {serial}, revision {}, until {}", facts.revision, facts.not_valid_after);
        audit_row::append(&mut step.tx, &AuditRow { detail: Some(detail.into()), ..change.row("registry.set.build") })
            .await?;
        step.commit_unchanged().await
    }
}

async fn state(tx: &mut Tx) -> Result<RegisterState> {
    let counters = counters(tx).await?;
    let found = sqlx::query(FACTS).fetch_optional(&mut **tx).await?;
    Ok(RegisterState {
        revision: counters.revision,
        last_serial: u64::try_from(counters.last_serial).map_err(|_| rows::damaged("serial"))?,
        set: found.as_ref().map(facts).transpose()?,
    })
}

fn facts(row: &SqliteRow) -> Result<SetFacts> {
    Ok(SetFacts {
        serial: u64::try_from(row.try_get::<i64, _>(0)?).map_err(|_| rows::damaged("serial"))?,
        revision: row.try_get(1)?,
        authid: rows::pid(row, 2)?,
        interval: row.try_get(3)?,
        built_at: rows::time(row, 4)?,
        not_valid_after: rows::time(row, 5)?,
    })
}
