//! Entities: the clients of a participant. Their certificates are in `certificates`.

use std::fmt;
use std::str::FromStr;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::value::{Class, EntityId, Lifetime, Pid, Timestamp};

use super::audit_row::AuditRow;
use super::error::{Conflict, Noun, Result, StoreError};
use super::rows::{self, Tx};
use super::schema::{Change, Store};
use super::{Page, participants};

/// A client of a participant: a validator, a ticket machine, a sales system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Whose client it is.
    pub pid: Pid,
    /// Its id, unique inside the participant.
    pub id: EntityId,
    /// What its tokens say in `bobAuthZ`.
    pub class: Class,
    /// How long its tokens live, where that differs from its class and participant.
    pub lifetime: Option<Lifetime>,
    /// Whom to write to about it, at most 320 characters.
    pub email: Option<String>,
    /// Its name in another system, at most 320 characters.
    pub external_id: Option<String>,
    /// Whether it gets tokens.
    pub state: EntityState,
    /// When it was added. Ignored by [`Store::add_entity`], as `changed` is.
    pub created: Timestamp,
    /// When it was last changed.
    pub changed: Timestamp,
}

/// Whether an entity gets tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntityState {
    /// It does.
    Active,
    /// It does not, until it is resumed.
    Suspended,
}

/// What to change in an entity; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityPatch {
    /// Another class.
    pub class: Option<Class>,
    /// Another lifetime.
    pub lifetime: Option<Option<Lifetime>>,
    /// Another e-mail address.
    pub email: Option<Option<String>>,
    /// Another external id.
    pub external_id: Option<Option<String>>,
}

/// Which entities to list; `None` is no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityFilter {
    /// Of this class.
    pub class: Option<Class>,
    /// In this state.
    pub state: Option<EntityState>,
    /// With this text somewhere in the id, case-sensitive.
    pub id_contains: Option<String>,
    /// With exactly this e-mail address.
    pub email: Option<String>,
    /// With exactly this external id.
    pub external_id: Option<String>,
}

impl EntityState {
    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

impl fmt::Display for EntityState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for EntityState {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Active, Self::Suspended]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(StoreError::Invalid { field: "state", rule: "active or suspended" })
    }
}

const COLUMNS: &str = "SELECT pid, id, class, lifetime, email, external_id, state, created, changed FROM entity \
                       WHERE pid = ?1 AND id = ?2";

impl Store {
    /// Adds an entity. [`Conflict::EntityExists`] if the id is taken, [`StoreError::NotFound`] without its participant.
    pub async fn add_entity(&self, entity: &Entity, change: &Change) -> Result<Entity> {
        let mut tx = self.begin().await?;
        participants::need(&mut tx, entity.pid).await?;
        insert(&mut tx, entity, change.at).await?;
        let added = need(&mut tx, entity.pid, &entity.id).await?;
        self.commit(tx, row(entity.pid, &entity.id, "entity.add", change)).await?;
        Ok(added)
    }

    /// The entity, or [`StoreError::NotFound`].
    pub async fn entity(&self, pid: Pid, id: &EntityId) -> Result<Entity> {
        let mut tx = self.read().await?;
        need(&mut tx, pid, id).await
    }

    /// At most `limit` entities by id, from the first one after `after`.
    pub async fn entities(
        &self,
        pid: Pid,
        filter: &EntityFilter,
        after: Option<&EntityId>,
        limit: u32,
    ) -> Result<Page<Entity, EntityId>> {
        let mut tx = self.read().await?;
        let found = sqlx::query(
            "SELECT pid, id, class, lifetime, email, external_id, state, created, changed FROM entity \
             WHERE pid = ?1 AND id > ?2 AND (?3 IS NULL OR class = ?3) AND (?4 IS NULL OR state = ?4) \
             AND (?5 IS NULL OR instr(id, ?5) > 0) AND (?6 IS NULL OR email = ?6) AND (?7 IS NULL OR external_id = ?7) \
             ORDER BY id LIMIT ?8",
        )
        .bind(pid.get())
        .bind(after.map_or("", EntityId::as_str))
        .bind(filter.class.as_ref().map(Class::as_str))
        .bind(filter.state.map(EntityState::as_str))
        .bind(filter.id_contains.as_deref())
        .bind(filter.email.as_deref())
        .bind(filter.external_id.as_deref())
        .bind(i64::from(limit) + 1)
        .fetch_all(&mut *tx)
        .await?;
        let items = found.iter().map(decode).collect::<Result<Vec<_>>>()?;
        Ok(rows::page(items, limit, |last| last.id.clone()))
    }

    /// Changes an entity.
    pub async fn set_entity(&self, pid: Pid, id: &EntityId, patch: &EntityPatch, change: &Change) -> Result<Entity> {
        let mut tx = self.begin().await?;
        let mut entity = need(&mut tx, pid, id).await?;
        let EntityPatch { class, lifetime, email, external_id } = patch.clone();
        entity.class = class.unwrap_or(entity.class);
        entity.lifetime = lifetime.unwrap_or(entity.lifetime);
        entity.email = email.unwrap_or(entity.email);
        entity.external_id = external_id.unwrap_or(entity.external_id);
        self.update(tx, entity, "entity.set", change).await
    }

    /// Stops an entity's tokens until it is resumed. Doing it twice changes nothing but the audit trail.
    pub async fn suspend_entity(&self, pid: Pid, id: &EntityId, change: &Change) -> Result<Entity> {
        let mut tx = self.begin().await?;
        let entity = Entity { state: EntityState::Suspended, ..need(&mut tx, pid, id).await? };
        self.update(tx, entity, "entity.suspend", change).await
    }

    /// Lets an entity have tokens again.
    pub async fn resume_entity(&self, pid: Pid, id: &EntityId, change: &Change) -> Result<Entity> {
        let mut tx = self.begin().await?;
        let entity = Entity { state: EntityState::Active, ..need(&mut tx, pid, id).await? };
        self.update(tx, entity, "entity.resume", change).await
    }

    /// Removes an entity and says how many active certificates that revoked.
    ///
    /// Its certificates stay as revoked rows without a living owner, so that their fingerprints can never be enrolled
    /// again; an entity added later under the same id does not get them back.
    pub async fn remove_entity(&self, pid: Pid, id: &EntityId, change: &Change) -> Result<u64> {
        let mut tx = self.begin().await?;
        let key = key(&mut tx, pid, id).await?;
        let revoked = sqlx::query(
            "UPDATE certificate SET state = 'revoked', changed = ? WHERE entity_key = ? AND state = 'active'",
        )
        .bind(change.at.as_seconds())
        .bind(key)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        sqlx::query("UPDATE certificate SET entity_key = NULL WHERE entity_key = ?")
            .bind(key)
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM entity WHERE key = ?").bind(key).execute(&mut *tx).await?;
        let detail = Some(format!("revoked certificates: {revoked}").into());
        self.commit(tx, AuditRow { detail, ..row(pid, id, "entity.remove", change) }).await?;
        Ok(revoked)
    }

    async fn update(&self, mut tx: Tx, entity: Entity, action: &'static str, change: &Change) -> Result<Entity> {
        check(&entity)?;
        sqlx::query(
            "UPDATE entity SET class = ?3, lifetime = ?4, email = ?5, external_id = ?6, state = ?7, changed = ?8 \
             WHERE pid = ?1 AND id = ?2",
        )
        .bind(entity.pid.get())
        .bind(entity.id.as_str())
        .bind(entity.class.as_str())
        .bind(entity.lifetime.map(|l| i64::from(l.as_seconds())))
        .bind(entity.email.as_deref())
        .bind(entity.external_id.as_deref())
        .bind(entity.state.as_str())
        .bind(change.at.as_seconds())
        .execute(&mut *tx)
        .await?;
        self.commit(tx, row(entity.pid, &entity.id, action, change)).await?;
        Ok(Entity { changed: change.at, ..entity })
    }
}

/// Inserts an entity of a participant that is there; gives its row key.
pub(super) async fn insert(tx: &mut Tx, entity: &Entity, at: Timestamp) -> Result<i64> {
    check(entity)?;
    let inserted = sqlx::query(
        "INSERT INTO entity (pid, id, class, lifetime, email, external_id, state, created, changed) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT (pid, id) DO NOTHING",
    )
    .bind(entity.pid.get())
    .bind(entity.id.as_str())
    .bind(entity.class.as_str())
    .bind(entity.lifetime.map(|l| i64::from(l.as_seconds())))
    .bind(entity.email.as_deref())
    .bind(entity.external_id.as_deref())
    .bind(entity.state.as_str())
    .bind(at.as_seconds())
    .execute(&mut **tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Conflict::EntityExists { pid: entity.pid, id: entity.id.clone() }.into());
    }
    Ok(inserted.last_insert_rowid())
}

/// The row key of an entity, or [`StoreError::NotFound`].
pub(super) async fn key(tx: &mut Tx, pid: Pid, id: &EntityId) -> Result<i64> {
    let key = sqlx::query_scalar("SELECT key FROM entity WHERE pid = ? AND id = ?")
        .bind(pid.get())
        .bind(id.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    key.ok_or_else(|| not_found(pid, id))
}

async fn need(tx: &mut Tx, pid: Pid, id: &EntityId) -> Result<Entity> {
    let found = sqlx::query(COLUMNS).bind(pid.get()).bind(id.as_str()).fetch_optional(&mut **tx).await?;
    decode(&found.ok_or_else(|| not_found(pid, id))?)
}

fn not_found(pid: Pid, id: &EntityId) -> StoreError {
    StoreError::NotFound(Noun::Entity { pid, id: id.clone() })
}

fn decode(row: &SqliteRow) -> Result<Entity> {
    Ok(Entity {
        pid: rows::pid(row, 0)?,
        id: rows::parsed(row, 1)?,
        class: rows::parsed(row, 2)?,
        lifetime: rows::lifetime(row, 3)?,
        email: row.try_get(4)?,
        external_id: row.try_get(5)?,
        state: rows::parsed(row, 6)?,
        created: rows::time(row, 7)?,
        changed: rows::time(row, 8)?,
    })
}

fn check(entity: &Entity) -> Result<()> {
    let fits = |text: &Option<String>| {
        text.as_ref().is_none_or(|t| (1..=320).contains(&t.chars().count()) && !t.chars().any(char::is_control))
    };
    let rule = "1 to 320 characters, none of them control";
    if !fits(&entity.email) {
        return Err(StoreError::Invalid { field: "email", rule });
    }
    if !fits(&entity.external_id) {
        return Err(StoreError::Invalid { field: "external_id", rule });
    }
    Ok(())
}

fn row(pid: Pid, id: &EntityId, action: &'static str, change: &Change) -> AuditRow {
    AuditRow { pid: Some(pid), entity_id: Some(id.clone()), ..change.row(action) }
}
