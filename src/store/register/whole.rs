//! The whole register copied out, and taken into an empty one: a move to another store. Private halves of anchors and proofs
//! that were used are not in it.

use crate::store::audit_row::AuditRow;
use crate::store::error::Result;
use crate::store::schema::{Change, Store};
use crate::value::Timestamp;

use super::anchors::{self, Anchor};
use super::entries::{self, Entry, UsedKid};
use super::fault::RegisterFault;
use super::metadata_keys::{self, MetadataKey};
use super::participants::{self, Registered, check_name};
use super::rows::counters;

/// Everything that the register remembers, as of one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whole {
    /// The last serial that was ever given.
    pub last_serial: i64,
    /// The last id that was ever given to an endpoint.
    pub last_endpoint_id: i64,
    /// All participants, removed ones among them.
    pub participants: Vec<Registered>,
    /// All metadata keys, revoked ones among them.
    pub metadata_keys: Vec<MetadataKey>,
    /// Every kid that ever was in a list.
    pub kids: Vec<UsedKid>,
    /// Everything that is published.
    pub entries: Vec<Entry>,
    /// All anchors, retired ones among them.
    pub anchors: Vec<Anchor>,
}

impl Store {
    /// Everything.
    pub async fn whole_register(&self) -> Result<Whole> {
        let (pool, mut tx) = self.read_aside().await?;
        let counters = counters(&mut tx).await?;
        let whole = Whole {
            last_serial: counters.last_serial,
            last_endpoint_id: counters.last_endpoint_id,
            participants: participants::all(&mut tx).await?,
            metadata_keys: metadata_keys::all(&mut tx, None).await?,
            kids: entries::all_kids(&mut tx).await?,
            entries: entries::all(&mut tx).await?,
            anchors: anchors::all(&mut tx).await?,
        };
        drop(tx);
        pool.close().await;
        Ok(whole)
    }

    /// Takes everything in, all of it or nothing. [`RegisterFault::NotEmpty`] unless the register has never had anything in it.
    pub async fn take_whole_register(&self, whole: &Whole, change: &Change) -> Result<()> {
        let mut step = self.change_register().await?;
        let tx = &mut step.tx;
        let before = counters(tx).await?;
        if !participants::all(tx).await?.is_empty() || !anchors::all(tx).await?.is_empty() {
            return Err(RegisterFault::NotEmpty.into());
        }
        for one in &whole.participants {
            check_name(&one.name)?;
            sqlx::query("INSERT INTO register_participant (pid, name, added, removed) VALUES (?, ?, ?, ?)")
                .bind(one.pid.get())
                .bind(&one.name)
                .bind(one.added.as_seconds())
                .bind(one.removed.map(Timestamp::as_seconds))
                .execute(&mut **tx)
                .await?;
        }
        for key in &whole.metadata_keys {
            metadata_keys::insert(tx, key).await?;
        }
        for used in &whole.kids {
            entries::insert_kid(tx, used).await?;
        }
        for entry in &whole.entries {
            entries::insert(tx, entry).await?;
        }
        for anchor in &whole.anchors {
            anchors::insert(tx, anchor).await?;
        }
        sqlx::query("UPDATE register SET last_serial = ?, last_endpoint_id = ?")
            .bind(whole.last_serial.max(before.last_serial))
            .bind(whole.last_endpoint_id.max(before.last_endpoint_id))
            .execute(&mut **tx)
            .await?;
        let detail = format!("{} participants", whole.participants.len());
        step.commit(AuditRow { detail: Some(detail.into()), ..change.row("registry.import") }).await
    }
}
