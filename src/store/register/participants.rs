//! Who is in the register. The administering body decides that; nothing that participants send changes it.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::store::audit_row::AuditRow;
use crate::store::error::{Result, StoreError};
use crate::store::rows::{self, Tx};
use crate::store::schema::{Change, Store};
use crate::value::{Pid, Timestamp};

use super::change::RegisterChange;
use super::fault::RegisterFault;

/// A participant of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its id.
    pub pid: Pid,
    /// Its name (`organisationName`), 1 to 200 characters.
    pub name: String,
    /// When it was added, for the last time.
    pub added: Timestamp,
    /// When it was removed. What it ever used stays used.
    pub removed: Option<Timestamp>,
}

impl Store {
    /// All participants by pid, those that were removed among them.
    pub async fn registered(&self) -> Result<Vec<Registered>> {
        let mut tx = self.read().await?;
        all(&mut tx).await
    }

    /// Adds a participant, possibly one that was removed: its name is new, its kids stay used and its keys revoked.
    pub async fn add_registered(&self, pid: Pid, name: &str, change: &Change) -> Result<Registered> {
        check_name(name)?;
        let mut step = self.change_register().await?;
        if step.registered(pid).await?.is_some() {
            return Err(RegisterFault::Registered(pid).into());
        }
        sqlx::query(
            "INSERT INTO register_participant (pid, name, added) VALUES (?, ?, ?) \
             ON CONFLICT (pid) DO UPDATE SET name = excluded.name, added = excluded.added, removed = NULL",
        )
        .bind(pid.get())
        .bind(name)
        .bind(change.at.as_seconds())
        .execute(&mut *step.tx)
        .await?;
        step.commit(row(pid, name, "registry.participant.add", change)).await?;
        Ok(Registered { pid, name: name.to_owned(), added: change.at, removed: None })
    }

    /// Gives a participant another name.
    pub async fn rename_registered(&self, pid: Pid, name: &str, change: &Change) -> Result<Registered> {
        check_name(name)?;
        let mut step = self.change_register().await?;
        let before = step.need_registered(pid).await?;
        sqlx::query("UPDATE register_participant SET name = ? WHERE pid = ?")
            .bind(name)
            .bind(pid.get())
            .execute(&mut *step.tx)
            .await?;
        step.commit(row(pid, name, "registry.participant.rename", change)).await?;
        Ok(Registered { name: name.to_owned(), ..before })
    }

    /// Removes a participant with everything that it published, and revokes its metadata keys. Its kids stay used.
    pub async fn remove_registered(&self, pid: Pid, change: &Change) -> Result<Registered> {
        let mut step = self.change_register().await?;
        let before = step.need_registered(pid).await?;
        for sql in [
            "UPDATE register_participant SET removed = ?2 WHERE pid = ?1",
            "UPDATE register_metadata_key SET revoked = ?2 WHERE pid = ?1 AND revoked IS NULL",
            "UPDATE register_kid SET removed = ?2 WHERE pid = ?1 AND removed IS NULL",
            "DELETE FROM register_entry WHERE pid = ?1 AND ?2 IS NOT NULL",
        ] {
            sqlx::query(sql).bind(pid.get()).bind(change.at.as_seconds()).execute(&mut *step.tx).await?;
        }
        step.commit(row(pid, &before.name, "registry.participant.remove", change)).await?;
        Ok(Registered { removed: Some(change.at), ..before })
    }
}

impl RegisterChange {
    /// The participant, unless it is unknown or was removed.
    pub async fn registered(&mut self, pid: Pid) -> Result<Option<Registered>> {
        find(&mut self.tx, pid).await
    }

    pub(super) async fn need_registered(&mut self, pid: Pid) -> Result<Registered> {
        self.registered(pid).await?.ok_or(StoreError::Register(RegisterFault::NotRegistered(pid)))
    }
}

/// The participant, unless it is unknown or was removed.
pub(super) async fn find(tx: &mut Tx, pid: Pid) -> Result<Option<Registered>> {
    let found =
        sqlx::query("SELECT pid, name, added, removed FROM register_participant WHERE pid = ? AND removed IS NULL")
            .bind(pid.get())
            .fetch_optional(&mut **tx)
            .await?;
    found.as_ref().map(decode).transpose()
}

pub(super) async fn all(tx: &mut Tx) -> Result<Vec<Registered>> {
    let found = sqlx::query("SELECT pid, name, added, removed FROM register_participant ORDER BY pid")
        .fetch_all(&mut **tx)
        .await?;
    found.iter().map(decode).collect()
}

fn decode(row: &SqliteRow) -> Result<Registered> {
    Ok(Registered {
        pid: rows::pid(row, 0)?,
        name: row.try_get(1)?,
        added: rows::time(row, 2)?,
        removed: rows::optional_time(row, 3)?,
    })
}

pub(super) fn check_name(name: &str) -> Result<()> {
    let fits = (1..=200).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then_some(()).ok_or(StoreError::Invalid { field: "name", rule: "1 to 200 characters, none of them control" })
}

fn row(pid: Pid, name: &str, action: &'static str, change: &Change) -> AuditRow {
    AuditRow { pid: Some(pid), detail: Some(name.into()), ..change.row(action) }
}
