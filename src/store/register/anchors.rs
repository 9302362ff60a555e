//! The keys of the administering body: which there are and in which state. The private halves are files and never come here.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::store::audit_row::AuditRow;
use crate::store::error::{Result, StoreError};
use crate::store::rows::{self, Tx};
use crate::store::schema::{Change, Store};
use crate::value::{Kid, Timestamp};

use super::anchor_state::{AnchorRole, AnchorState};
use super::fault::RegisterFault;

/// A key of the administering body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its id, never used again.
    pub kid: Kid,
    /// What it is for.
    pub role: AnchorRole,
    /// Where it is in its life.
    pub state: AnchorState,
    /// Its algorithm: `ES256` or `RS256`.
    pub alg: String,
    /// The public half, a JWK as JSON text.
    pub public_jwk: String,
    /// The file of the private half, a name inside the anchors directory.
    pub file: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it became active.
    pub activated: Option<Timestamp>,
    /// When it was retired.
    pub retired: Option<Timestamp>,
}

impl Store {
    /// All anchors: by role, the oldest first.
    pub async fn anchors(&self) -> Result<Vec<Anchor>> {
        let mut tx = self.read().await?;
        all(&mut tx).await
    }

    /// Takes an anchor in: active, if its role has none, or announced, if its role has one that it is to follow. Its times are
    /// those of the change.
    pub async fn add_anchor(&self, anchor: &Anchor, change: &Change) -> Result<Anchor> {
        let (role, state) = (anchor.role, anchor.state);
        let mut step = self.change_register().await?;
        let known = all(&mut step.tx).await?;
        if known.iter().any(|other| other.kid == anchor.kid) {
            return Err(RegisterFault::AnchorKid(anchor.kid.clone()).into());
        }
        if let Some(there) = in_state(&known, role, state) {
            return Err(RegisterFault::AnchorThere { role, state, kid: there.kid.clone() }.into());
        }
        if state != AnchorState::Active && in_state(&known, role, AnchorState::Active).is_none() {
            return Err(RegisterFault::NoneInState { role, state: AnchorState::Active }.into());
        }
        let activated = (state == AnchorState::Active).then_some(change.at);
        let added = Anchor { created: change.at, activated, retired: None, ..anchor.clone() };
        insert(&mut step.tx, &added).await?;
        step.commit(row(&added, "registry.anchor.add", change)).await?;
        Ok(added)
    }

    /// Ends the change of a role's anchor: the announced one is active, the one that was is retired and comes second.
    pub async fn finish_anchor_rotation(&self, role: AnchorRole, change: &Change) -> Result<(Anchor, Anchor)> {
        let mut step = self.change_register().await?;
        let known = all(&mut step.tx).await?;
        let (new, old) = (need(&known, role, AnchorState::Announced)?, need(&known, role, AnchorState::Active)?);
        // In this order: a role has one active anchor at any time.
        retire(&mut step.tx, &old.kid, change).await?;
        sqlx::query("UPDATE register_anchor SET state = 'active', activated = ? WHERE kid = ?")
            .bind(change.at.as_seconds())
            .bind(new.kid.as_str())
            .execute(&mut *step.tx)
            .await?;
        step.commit(row(new, "registry.anchor.activate", change)).await?;
        let new = Anchor { state: AnchorState::Active, activated: Some(change.at), ..new.clone() };
        Ok((new, Anchor { state: AnchorState::Retired, retired: Some(change.at), ..old.clone() }))
    }

    /// Gives the change of a role's anchor up: the announced one is retired, and never was anything else.
    pub async fn cancel_anchor_rotation(&self, role: AnchorRole, change: &Change) -> Result<Anchor> {
        let mut step = self.change_register().await?;
        let known = all(&mut step.tx).await?;
        let given_up = need(&known, role, AnchorState::Announced)?;
        retire(&mut step.tx, &given_up.kid, change).await?;
        step.commit(row(given_up, "registry.anchor.cancel", change)).await?;
        Ok(Anchor { state: AnchorState::Retired, retired: Some(change.at), ..given_up.clone() })
    }
}

fn in_state(known: &[Anchor], role: AnchorRole, state: AnchorState) -> Option<&Anchor> {
    known.iter().find(|anchor| anchor.role == role && anchor.state == state)
}

fn need(known: &[Anchor], role: AnchorRole, state: AnchorState) -> Result<&Anchor> {
    in_state(known, role, state).ok_or(StoreError::Register(RegisterFault::NoneInState { role, state }))
}

async fn retire(tx: &mut Tx, kid: &Kid, change: &Change) -> Result<()> {
    sqlx::query("UPDATE register_anchor SET state = 'retired', retired = ? WHERE kid = ?")
        .bind(change.at.as_seconds())
        .bind(kid.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn insert(tx: &mut Tx, anchor: &Anchor) -> Result<()> {
    sqlx::query(
        "INSERT INTO register_anchor (kid, role, state, alg, public_jwk, file, created, activated, retired) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(anchor.kid.as_str())
    .bind(anchor.role.as_str())
    .bind(anchor.state.as_str())
    .bind(&anchor.alg)
    .bind(&anchor.public_jwk)
    .bind(&anchor.file)
    .bind(anchor.created.as_seconds())
    .bind(anchor.activated.map(Timestamp::as_seconds))
    .bind(anchor.retired.map(Timestamp::as_seconds))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn all(tx: &mut Tx) -> Result<Vec<Anchor>> {
    let found = sqlx::query(
        "SELECT kid, role, state, alg, public_jwk, file, created, activated, retired FROM register_anchor \
         ORDER BY role = 'response', role = 'fallback', created, kid",
    )
    .fetch_all(&mut **tx)
    .await?;
    found.iter().map(decode).collect()
}

fn decode(row: &SqliteRow) -> Result<Anchor> {
    Ok(Anchor {
        kid: rows::parsed(row, 0)?,
        role: rows::parsed(row, 1)?,
        state: rows::parsed(row, 2)?,
        alg: row.try_get(3)?,
        public_jwk: row.try_get(4)?,
        file: row.try_get(5)?,
        created: rows::time(row, 6)?,
        activated: rows::optional_time(row, 7)?,
        retired: rows::optional_time(row, 8)?,
    })
}

fn row(anchor: &Anchor, action: &'static str, change: &Change) -> AuditRow {
    let detail = format!("{} {}", anchor.role, anchor.state);
    AuditRow { kid: Some(anchor.kid.clone()), detail: Some(detail.into()), ..change.row(action) }
}
